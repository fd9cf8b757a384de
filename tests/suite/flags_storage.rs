//! Flags of `run` about files: `-v`, `--mount`, `--tmpfs`, `--read-only`, `--shm-size`, `--device`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use tests::{Invocation, Sampan, isolated};

fn tool(program: &str, arguments: &[&str]) -> String {
    Invocation::new(program, arguments).run().ok().word()
}

/// A directory of the host with one file.
fn shared(sampan: &Sampan) -> String {
    let directory = sampan.directory().join("shared");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("file"), "from the host\n").unwrap();
    directory.to_str().unwrap().to_owned()
}

#[test]
fn a_host_directory_is_shared() {
    isolated(|sampan| {
        sampan.load_busybox();
        let host = shared(sampan);
        let _ = sampan
            .busybox(&["-v", &format!("{host}:/in")], "cat /in/file; echo back > /in/answer")
            .ok()
            .prints("from the host\n");
        assert_eq!(fs::read_to_string(format!("{host}/answer")).unwrap(), "back\n");
        let read_only = format!("{host}:/in:ro");
        let _ = sampan
            .busybox(&["--volume", &read_only], "cat /in/file; touch /in/x")
            .fails_with(1)
            .says("Read-only file system");
        assert!(!Path::new(&host).join("x").exists());
        // One file, over one of the image's.
        let file = format!("{host}/file:/etc/passwd:ro");
        let _ = sampan.busybox(&["-v", &file], "cat /etc/passwd").ok().prints("from the host\n");
    });
}

#[test]
fn a_missing_host_directory_is_made_by_v_only() {
    isolated(|sampan| {
        sampan.load_busybox();
        let made = sampan.directory().join("made/deep");
        let _ = sampan.busybox(&["-v", &format!("{}:/in", made.display())], "touch /in/x").ok();
        assert!(made.join("x").exists());
        let absent = sampan.directory().join("absent");
        let mount = format!("type=bind,source={},target=/in", absent.display());
        let _ = sampan
            .busybox(&["--mount", &mount], "true")
            .fails_with(125)
            .says("bind source path does not exist")
            .says(absent.to_str().unwrap());
        assert!(!absent.exists());
    });
}

#[test]
fn mounts_below_and_above_each_other_are_in_order() {
    isolated(|sampan| {
        sampan.load_busybox();
        let host = shared(sampan);
        let inner = sampan.directory().join("inner");
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir_all(Path::new(&host).join("sub")).unwrap();
        fs::write(inner.join("file"), "inner\n").unwrap();
        let (outer, inner) = (format!("{host}:/in"), format!("{}:/in/sub", inner.display()));
        // The order of the flags does not matter, the depth of the paths does.
        for pair in [[&outer, &inner], [&inner, &outer]] {
            let _ = sampan
                .busybox(&["-v", pair[0], "-v", pair[1]], "cat /in/sub/file /in/file")
                .ok()
                .prints("inner\nfrom the host\n");
        }
        let _ = sampan
            .busybox(&["-v", &outer, "-v", &outer], "true")
            .fails_with(125)
            .says("Duplicate mount point")
            .says("/in");
    });
}

#[test]
fn a_mount_is_described_by_pairs() {
    isolated(|sampan| {
        sampan.load_busybox();
        let host = shared(sampan);
        let bind = format!("type=bind,src={host},dst=/in,readonly");
        let _ = sampan
            .busybox(&["--mount", &bind], "cat /in/file; touch /in/x")
            .fails_with(1)
            .shows("from the host")
            .says("Read-only");
        let _ =
            sampan.busybox(&["--mount", "type=volume,source=data,target=/data"], "echo kept > /data/x").ok();
        let _ = sampan
            .busybox(&["--mount", "type=volume,source=data,destination=/d,ro"], "cat /d/x; touch /d/y")
            .fails_with(1)
            .prints("kept\n");
        let tmpfs = "type=tmpfs,target=/mem,tmpfs-size=1m,tmpfs-mode=0700";
        let _ = sampan
            .busybox(
                &["--mount", tmpfs],
                "stat -f -c %T /mem; stat -c %a /mem; df -k /mem | tail -1 | awk '{print $2}'",
            )
            .ok()
            .prints("tmpfs\n700\n1024\n");
        for (wrong, named) in [
            ("type=what,target=/x", "what"),
            ("type=bind,source=/tmp", "target"),
            ("type=bind,target=/x,colour=red", "colour"),
            ("source=a,target=relative", "relative"),
        ] {
            let _ = sampan.busybox(&["--mount", wrong], "true").fails_with(125).says(named);
        }
    });
}

#[test]
fn a_tmpfs_is_empty_and_limited() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan
            .busybox(&["--tmpfs", "/mem"], "stat -f -c %T /mem; touch /mem/x && ls /mem")
            .ok()
            .prints("tmpfs\nx\n");
        let script = "grep ' /mem ' /proc/mounts | grep -c noexec; dd if=/dev/zero of=/mem/x bs=1M count=2 2>/dev/null; stat -c %s /mem/x";
        let _ = sampan.busybox(&["--tmpfs", "/mem:size=1m,mode=1770"], script).prints("1\n1048576\n");
        let _ = sampan.busybox(&["--tmpfs", "relative"], "true").fails_with(125).says("relative");
    });
}

#[test]
fn a_read_only_root_cannot_be_written() {
    isolated(|sampan| {
        sampan.load_busybox();
        let host = shared(sampan);
        let _ = sampan.busybox(&["--read-only"], "touch /x").fails_with(1).says("Read-only file system");
        let options = ["--read-only", "--tmpfs", "/tmp", "-v", &format!("{host}:/in"), "-v", "named:/named"];
        let _ = sampan
            .busybox(&options, "touch /tmp/x /in/x /named/x /dev/shm/x && echo written")
            .ok()
            .prints("written\n");
        assert!(Path::new(&host).join("x").exists());
    });
}

#[test]
fn shared_memory_has_a_size() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "df -k /dev/shm | tail -1 | awk '{print $2}'";
        let _ = sampan.busybox(&[], script).ok().prints("65536\n");
        let _ = sampan.busybox(&["--shm-size", "2m"], script).ok().prints("2048\n");
        let _ = sampan.busybox(&["--shm-size", "big"], script).fails_with(125).says("big");
        let id = sampan.background(&["--shm-size", "3m"], "sleep 100");
        assert_eq!(sampan.field(&id, "{{.HostConfig.ShmSize}}"), (3 * 1024 * 1024).to_string());
    });
}

#[test]
fn a_device_is_there_and_only_it() {
    isolated(|sampan| {
        sampan.load_busybox();
        // /dev/fuse or /dev/net/tun: one that Docker's default rules do not allow.
        let Some(device) =
            ["/dev/fuse", "/dev/net/tun", "/dev/kmsg"].into_iter().find(|path| Path::new(path).exists())
        else {
            panic!("no device to test with");
        };
        let number = fs::metadata(device).unwrap().rdev();
        let hexadecimal = format!("{:x},{:x}", rustix::fs::major(number), rustix::fs::minor(number));
        let script = format!("stat -c %t,%T {device}");
        let _ = sampan.busybox(&[], &script).fails_with(1);
        let _ = sampan.busybox(&["--device", device], &script).ok().prints(&format!("{hexadecimal}\n"));
        let renamed = format!("{device}:/dev/renamed:r");
        let _ = sampan
            .busybox(&["--device", &renamed], "stat -c %t,%T /dev/renamed; : 2>&1 > /dev/renamed")
            .fails_with(1)
            .shows(&hexadecimal);
        // A node alone is not enough: the rules of the control group refuse it.
        let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
        let own_node = format!("mknod /tmp/own c {major} {minor} && : < /tmp/own");
        let _ = sampan.busybox(&[], &own_node).fails_with(1).says("Operation not permitted");
        let _ = sampan
            .busybox(&["--device", "/dev/nonexistent"], "true")
            .fails_with(125)
            .says("/dev/nonexistent");
        let _ =
            sampan.busybox(&["--device", &format!("{device}:/dev/x:q")], "true").fails_with(125).says("q");
    });
}

#[test]
fn a_mount_of_the_host_is_not_seen_back() {
    isolated(|sampan| {
        sampan.load_busybox();
        let host = shared(sampan);
        let id = sampan.background(
            &["--privileged", "-v", &format!("{host}:/in")],
            "mount -t tmpfs x /in && echo mounted; sleep 100",
        );
        sampan.await_log(&id, "mounted");
        assert_eq!(
            tool("stat", &["-f", "-c", "%T", &host]) == "tmpfs",
            tool("stat", &["-f", "-c", "%T", sampan.directory().to_str().unwrap()]) == "tmpfs"
        );
        assert!(Path::new(&host).join("file").exists(), "the container's mount is seen by the host");
    });
}
