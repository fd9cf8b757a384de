//! Hostile containers: root inside, with Docker's capabilities and filter, and everything that root can do with them.
//!
//! What the runtime does about hostile images is attacked in its own tests (`crates/host/runtime/tests/launch/escape`),
//! where each attack is also shown to succeed on a runtime that is weakened for it. Privileged containers are excepted:
//! they are the host.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tests::container::BUSYBOX;
use tests::{Sampan, Terminal, eventually, isolated};

/// In every program that was built to be attacked (`runtime::weakness::MARK`).
const MARK: &[u8] = b"weakened for the escape tests";

#[test]
fn the_shipped_programs_are_not_weakened() {
    let sampan = tests::paths::program();
    for name in ["sampan", "sampan-runtime", "sampan-init"] {
        let bytes = fs::read(sampan.with_file_name(name)).unwrap();
        assert!(!bytes.windows(MARK.len()).any(|window| window == MARK), "{name}");
    }
}

/// CVE-2019-5736: `#!/proc/self/exe` makes whoever executes it execute the runtime's program, inside.
#[test]
fn the_runtime_s_program_cannot_be_written_to() {
    isolated(|sampan| {
        sampan.load_busybox();
        let runtime = tests::paths::runtime();
        let before = fs::read(&runtime).unwrap();
        let script = "printf '#!/proc/self/exe\n' > /evil; chmod 755 /evil; echo ready; while :; do \
            for p in /proc/[0-9]*; do exe=$(readlink $p/exe) && case $exe in /bin/busybox) ;; \
            *) (exec 3<$p/exe && while [ -d $p ]; do :; done; echo x >/proc/self/fd/3 && echo written; echo tried) ;; \
            esac; done; done 2>&1";
        let id = sampan.background(&[], script);
        let _ = sampan.await_log(&id, "ready");
        let mut log = String::new();
        eventually("the container gets hold of the runtime's program", || {
            let _ = sampan.run(["exec", &id, "/evil"]);
            log = sampan.run(["logs", &id]).ok().stdout();
            log.contains("tried")
        });
        assert!(log.contains("Read-only file system") && !log.contains("written"), "{log}");
        assert!(fs::read(runtime).unwrap() == before);
    });
}

#[test]
fn the_monitor_is_out_of_reach() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&[], "while :; do sleep 1000; done");
        // Nobody is seen but the container's own, so nobody else is killed or traced.
        let seen = "for p in /proc/[0-9]*; do readlink $p/exe; done | sort -u";
        let _ = sampan.inside(&id, seen).ok().prints("/bin/busybox\n");
        let _ = sampan.inside(&id, "kill -9 -1");
        assert_eq!(sampan.field(&id, "{{.State.Status}}"), "running");
        let _ = sampan.inside(&id, "grep -c monitor.sock /proc/net/unix").prints("0\n");
        // In the host's network its name is known, and is nobody's name inside.
        let script = "grep -o '/[^ ]*monitor.sock' /proc/net/unix | while read path; do echo known; [ -e $path ] && echo reached; done; \
            grep -c '@.*sampan' /proc/net/unix; find / -xdev -name monitor.sock | wc -l";
        let outcome = sampan.busybox(&["--network", "host"], script);
        assert!(!outcome.stdout().contains("reached") && outcome.stdout().ends_with("0\n0\n"), "{outcome}");
    });
}

/// Root in the container may stop whoever enters it, the process of an `exec` just as well.
#[test]
fn whoever_enters_is_not_waited_for_when_stopped() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "while :; do for p in /proc/[0-9]*; do n=${p#/proc/}; [ $n = 1 ] || kill -STOP $n; done; done 2>/dev/null";
        let id = sampan.background(&[], script);
        eventually("a process that enters is stopped", || {
            let outcome = sampan.run(["exec", "--detach", &id, "true"]);
            outcome.code() != 0 && outcome.stderr().contains("was stopped during its set-up and was killed")
        });
        let _ = sampan.run(["kill", &id]).ok();
        sampan.await_status(&id, "exited");
    });
}

#[test]
fn a_fork_bomb_stays_within_its_limit() {
    isolated(|sampan| {
        sampan.load_busybox();
        // The first process only waits: a shell that cannot fork gives up.
        let script = "(bomb() { bomb | bomb & }; bomb) 2>/dev/null & exec sleep 1000";
        let id = sampan.background(&["--pids-limit", "20", "--cpus", "0.5"], script);
        eventually("the bomb is at its limit", || sampan.cgroup_file(&id, &["pids.events"]) != "max 0");
        let processes: u32 = sampan.cgroup_file(&id, &["pids.current"]).parse().unwrap();
        assert!(processes <= 20, "{processes}");
        // Whatever becomes of it, it comes back, and so does the rest.
        let _ = sampan.run(["exec", &id, "true"]);
        assert_eq!(sampan.field(&id, "{{.State.Status}}"), "running");
        let _ = sampan.run(["rm", "--force", &id]).ok();
    });
}

#[test]
fn logs_and_shared_memory_have_an_end() {
    isolated(|sampan| {
        sampan.load_busybox();
        let options = ["--log-opt", "max-size=64k", "--log-opt", "max-file=2"];
        let id = sampan.background(
            &options,
            "yes | head -c 3000000; tr '\\0' x </dev/zero | head -c 3000000; echo; echo end; sleep 1000",
        );
        let _ = sampan.await_log(&id, "end");
        let directory = sampan.data_root().join("containers").join(&id);
        let logs = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
        let size: u64 = logs
            .filter(|entry| entry.file_name().to_string_lossy().contains("json.log"))
            .map(|entry| entry.metadata().unwrap().len())
            .sum();
        // A segment ends with the first entry that is over, which has 16 KiB of text and may need escapes.
        assert!(size < 2 * (64 + 40) * 1024, "{size}");
        let full = "dd if=/dev/zero of=/dev/shm/x bs=64k; echo $?; stat -c %s /dev/shm/x";
        let outcome = sampan.busybox(&["--shm-size", "1m"], full);
        assert!(
            outcome.stdout() == "1\n1048576\n" && outcome.stderr().contains("No space left"),
            "{outcome}"
        );
    });
}

#[test]
fn what_is_hidden_cannot_be_uncovered() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "umount /proc/kcore && echo uncovered; umount -l /proc/sys && echo uncovered; \
            mount -o remount,rw /proc/sys && echo writable; mount -o bind,remount,rw /sys && echo writable; \
            mount -t proc proc /tmp && echo bare; mount -t sysfs sysfs /tmp && echo bare; \
            mount -t cgroup -o pids none /tmp && (echo x > /tmp/release_agent) && echo agent; true";
        let _ = sampan.busybox(&[], script).ok().prints("");
        // In a user namespace of its own, which the filter forbids to make, it has all capabilities, over itself.
        let inside = format!("unshare -U -r -m -p -f sh -c '{script}'");
        let options = ["--security-opt", "seccomp=unconfined"];
        let outcome = sampan.busybox(&options, &inside).ok().prints("");
        assert!(outcome.stderr().contains("umount"), "it was not even tried: {outcome}");
    });
}

#[test]
fn control_groups_are_only_looked_at() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "cd /sys/fs/cgroup || exit 9; find . -type f | while read file; do (echo 1 > $file) 2>/dev/null && echo wrote $file; done; \
            find . -type d | while read group; do mkdir $group/mine 2>/dev/null && echo made $group; done; \
            find . -type f | wc -l";
        let outcome = sampan.busybox(&[], script).ok();
        assert!(outcome.word().parse::<u32>().is_ok_and(|seen| seen > 0), "{outcome}");
    });
}

/// CVE-2024-21626.
#[test]
fn no_working_directory_is_a_descriptor() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&[], "sleep 1000");
        for number in 0..16 {
            for form in ["/proc/self/fd/", "/proc/thread-self/fd/", "/proc/1/fd/"] {
                let directory = format!("{form}{number}");
                let outcome = sampan.busybox(&["-w", &directory], "ls");
                assert!(outcome.code() >= 125 && outcome.stdout().is_empty(), "{directory}: {outcome}");
                let outcome = sampan.run(["exec", "-w", &directory, &id, "ls"]);
                assert!(outcome.code() != 0 && outcome.stdout().is_empty(), "{directory}: {outcome}");
            }
        }
    });
}

/// `exec` with a user looks into the container's files, with the rights of the host's root.
#[test]
fn account_files_are_read_only_if_they_are_files() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&[], "cp /etc/passwd /passwd; sleep 1000");
        for file in [
            "mkfifo /etc/passwd",
            "mknod /etc/passwd c 1 5",
            "mknod /etc/passwd b 7 0",
            "ln -s /proc/kmsg /etc/passwd",
            "ln -s /proc/1/fd/0 /etc/passwd",
            "ln -s passwd /etc/passwd",
            "mkdir /etc/passwd",
            "truncate -s 100G /etc/passwd",
            "true",
        ] {
            let _ = sampan.inside(&id, &format!("rm -rf /etc/passwd; {file}")).ok();
            let _ = sampan
                .run(["exec", "-u", "user", &id, "true"])
                .fails_with(1)
                .says("unable to find user user");
            let _ = sampan
                .run(["exec", "-u", "1000", &id, "stat", "-c", "%u", "/proc/self/"])
                .ok()
                .prints("1000\n");
        }
        // A link inside is what it is to the container's own programs.
        let _ = sampan.inside(&id, "ln -s /passwd /etc/passwd").ok();
        let _ =
            sampan.run(["exec", "-u", "user", &id, "stat", "-c", "%u", "/proc/self/"]).ok().prints("1000\n");
    });
}

/// What a program of the host's would load, ask or open when it came in.
#[test]
fn a_container_s_own_files_are_not_ours_to_trust() {
    isolated(|sampan| {
        sampan.load_busybox();
        let mut options = vec!["--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined"];
        options.extend(["-e", "LD_PRELOAD=/evil.so", "-e", "LD_LIBRARY_PATH=/evil"]);
        let script = "mkdir -p /lib /lib64; echo evil > /etc/ld.so.preload; echo evil > /lib/libc.so.6; echo evil > /lib64/ld-linux-x86-64.so.2; \
            echo evil > /etc/nsswitch.conf; mount -t tmpfs none /proc; mkdir -p /proc/self/attr /proc/self/fd; \
            mkfifo /proc/self/attr/exec /proc/self/fd/3; mount -t tmpfs none /dev/pts; mkfifo /dev/pts/ptmx; echo ready; sleep 1000";
        let id = sampan.background(&options, script);
        let _ = sampan.await_log(&id, "ready");
        let _ = sampan.run(["exec", &id, "id", "-u"]).ok().prints("0\n");
        let _ = sampan.run(["exec", "-u", "user", &id, "id", "-u"]).ok().prints("1000\n");
        let outcome = sampan.run(["exec", "--detach", "--tty", &id, "true"]);
        assert!(outcome.code() != 0 && outcome.stderr().contains("devpts"), "{outcome}");
        let _ = sampan.run(["kill", &id]).ok();
    });
}

#[test]
fn terminals_of_any_size_and_output_without_lines() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "stty rows 65535 cols 65535; tr '\\0' x </dev/zero | head -c 2000000; stty rows 0 cols 0; echo; echo end";
        let command = sampan.command(sampan.run_words(&["-it", "--rm"], BUSYBOX, &["sh", "-c", script]));
        let terminal = Terminal::start(command, u16::MAX, u16::MAX);
        terminal.expect("xxx");
        for size in [0, 1, u16::MAX] {
            terminal.resize(size, size);
        }
        let (code, shown) = terminal.wait();
        assert!(code == 0 && shown.ends_with("end\r\n"), "{code}");
    });
}

/// An image of busybox with what `change` does to its root.
fn import(sampan: &Sampan, name: &str, change: impl FnOnce(&Path)) {
    let root = sampan.directory().join(format!("{name}-root"));
    for directory in ["bin", "etc", "tmp"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    let unpack = ["-xf", tests::fixture::busybox_root().to_str().unwrap(), "-C", root.to_str().unwrap()]
        .map(String::from);
    let _ = tests::Invocation::new("tar", unpack).run().ok();
    change(&root);
    let archive = sampan.directory().join(format!("{name}.tar"));
    let pack = ["-C", root.to_str().unwrap(), "-cf", archive.to_str().unwrap(), "."].map(String::from);
    let _ = tests::Invocation::new("tar", pack).run().ok();
    let _ = sampan.run(["import", archive.to_str().unwrap(), name]).ok();
}

/// A directory of the host's with one file.
fn outside(sampan: &Sampan) -> PathBuf {
    let outside = sampan.directory().join("outside");
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("secret"), "the host's\n").unwrap();
    outside
}

fn is_untouched(outside: &Path) -> bool {
    fs::read_dir(outside).unwrap().count() == 1
        && fs::read_to_string(outside.join("secret")).unwrap() == "the host's\n"
}

/// The image decides what is where the engine binds `resolv.conf`, `hosts` and `hostname`, and what `/dev`, `/proc`
/// and the working directory are.
#[test]
fn images_lead_nothing_to_the_host() {
    isolated(|sampan| {
        let outside = outside(sampan);
        let run = |image: &str, options: &[&str], script: &str| {
            let options: Vec<&str> = ["--rm"].iter().chain(options).copied().collect();
            sampan.run(sampan.run_words(&options, image, &["/bin/sh", "-c", script]))
        };
        import(sampan, "files", |root| {
            for name in ["hosts", "hostname", "resolv.conf"] {
                symlink(outside.join(name), root.join("etc").join(name)).unwrap();
            }
        });
        let _ = run("files", &["--hostname", "inside"], "cat /etc/hostname").ok().prints("inside\n");
        assert!(is_untouched(&outside));
        for name in ["etc", "srv"] {
            import(sampan, name, |root| {
                let _ = fs::remove_dir_all(root.join(name));
                symlink(&outside, root.join(name)).unwrap();
            });
            let _ = run(name, &["-w", "/srv/new"], "ls /dev/null").ok();
            assert!(is_untouched(&outside), "{name}");
        }
        for name in ["dev", "proc", "sys"] {
            import(sampan, name, |root| {
                let _ = fs::remove_dir_all(root.join(name));
                symlink(&outside, root.join(name)).unwrap();
            });
            let _ = run(name, &[], "true").fails_with(125).says("symbolic links").says_one_line();
            assert!(is_untouched(&outside), "{name}");
        }
    });
}

/// What one container puts into a volume does not mislead the mounts of the next.
#[test]
fn volumes_lead_nothing_to_the_host() {
    isolated(|sampan| {
        sampan.load_busybox();
        let outside = outside(sampan);
        let link = format!(
            "ln -s {} /data/out; ln -s /proc/self/root /data/magic; ln -s / /data/top",
            outside.display()
        );
        let _ = sampan.busybox(&["-v", "shared:/data"], &link).ok();
        let _ = sampan
            .busybox(&["-v", "shared:/data", "-v", "other:/data/out/new"], "touch /data/out/new/file")
            .ok();
        assert!(is_untouched(&outside));
        let _ = sampan
            .busybox(
                &["-v", "shared:/data", "--tmpfs", "/data/top/mnt"],
                "grep -c ' /mnt tmpfs' /proc/mounts",
            )
            .ok()
            .prints("1\n");
        let magic = sampan.busybox(&["-v", "shared:/data", "--tmpfs", "/data/magic/mnt"], "true");
        let _ = magic.fails_with(125).says("symbolic link").says_one_line();
        // A volume filled from an image takes the image's links as links.
        import(sampan, "linked", |root| {
            fs::create_dir(root.join("data")).unwrap();
            symlink(&outside, root.join("data/out")).unwrap();
        });
        let words = sampan.run_words(
            &["--rm", "-v", "filled:/data"],
            "linked",
            &["/bin/sh", "-c", "readlink /data/out; ls /data/out/"],
        );
        let outcome = sampan.run(words);
        assert!(
            outcome.stdout() == format!("{}\n", outside.display()) && is_untouched(&outside),
            "{outcome}"
        );
    });
}
