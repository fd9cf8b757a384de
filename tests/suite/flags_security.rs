//! Flags of `run` about what a container may do, and what it may without any.

use std::fs;
use tests::{Sampan, isolated};

/// Docker's fourteen capabilities.
const DEFAULT_CAPABILITIES: &str = "00000000a80425fb";

fn status_line(sampan: &Sampan, options: &[&str], name: &str) -> String {
    let script = format!("grep '^{name}:' /proc/self/status | cut -f2");
    sampan.busybox(options, &script).ok().word()
}

#[test]
fn the_default_is_dockers() {
    isolated(|sampan| {
        sampan.load_busybox();
        for set in ["CapEff", "CapPrm", "CapBnd"] {
            assert_eq!(status_line(sampan, &[], set), DEFAULT_CAPABILITIES, "{set}");
        }
        assert_eq!(status_line(sampan, &[], "CapInh"), "0000000000000000");
        assert_eq!(status_line(sampan, &[], "Seccomp"), "2");
        assert_eq!(status_line(sampan, &[], "NoNewPrivs"), "0");
        let refused = "for path in /proc/sys/kernel/hostname /proc/sysrq-trigger /sys/kernel/x; do (echo 1 > $path) 2>/dev/null && echo wrote $path; done; cat /proc/kcore | wc -c; ls /sys/firmware | wc -l";
        let _ = sampan.busybox(&[], refused).prints("0\n0\n");
        let _ = sampan.busybox(&[], "mount -t tmpfs x /tmp").fails_with(1).says("ermission denied");
        let _ = sampan.busybox(&[], "unshare -U true").fails_with(1).says("Operation not permitted");
    });
}

#[test]
fn capabilities_are_dropped() {
    isolated(|sampan| {
        sampan.load_busybox();
        for set in ["CapEff", "CapBnd"] {
            assert_eq!(status_line(sampan, &["--cap-drop", "ALL"], set), "0000000000000000");
            // CAP_CHOWN is bit 0.
            assert_eq!(status_line(sampan, &["--cap-drop", "chown"], set), "00000000a80425fa");
        }
        let _ = sampan
            .busybox(&["--cap-drop", "CAP_CHOWN"], "touch /tmp/x && chown 1 /tmp/x")
            .fails_with(1)
            .says("not permitted");
        assert_eq!(
            status_line(sampan, &["--cap-drop", "all", "--cap-add", "CHOWN"], "CapEff"),
            "0000000000000001"
        );
        let _ = sampan.busybox(&["--cap-drop", "NOSUCH"], "true").fails_with(125).says("NOSUCH");
    });
}

#[test]
fn capabilities_are_added() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "ip link set lo mtu 1400 && cat /sys/class/net/lo/mtu";
        let _ = sampan.busybox(&[], script).fails_with(2).says("not permitted");
        let _ = sampan.busybox(&["--cap-add", "NET_ADMIN"], script).ok().prints("1400\n");
        let _ = sampan.busybox(&["--cap-add", "CAP_NET_ADMIN"], script).ok();
        // CAP_NET_ADMIN is bit 12.
        assert_eq!(status_line(sampan, &["--cap-add", "net_admin"], "CapBnd"), "00000000a80435fb");
        let _ = sampan.busybox(&["--cap-add", "NOSUCH"], "true").fails_with(125).says("NOSUCH");
        let id = sampan.background(&["--cap-add", "NET_ADMIN"], "sleep 100");
        let pid = sampan.field(&id, "{{.State.Pid}}");
        assert!(
            fs::read_to_string(format!("/proc/{pid}/status")).unwrap().contains("CapEff:\t00000000a80435fb")
        );
    });
}

#[test]
fn privileged_is_everything() {
    isolated(|sampan| {
        sampan.load_busybox();
        let own = fs::read_to_string("/proc/self/status").unwrap();
        let bounding = own.lines().find_map(|line| line.strip_prefix("CapBnd:\t")).unwrap().to_owned();
        assert_eq!(status_line(sampan, &["--privileged"], "CapEff"), bounding, "all that the caller has");
        assert_eq!(status_line(sampan, &["--privileged"], "Seccomp"), "0");
        let _ = sampan.busybox(&["--privileged"], "mount -t tmpfs x /tmp && ls /sys/firmware >/dev/null && grep -c ' /sys sysfs rw' /proc/mounts").ok().prints("1\n");
        let count = |options: &[&str]| -> usize {
            sampan.busybox(options, "ls /dev | wc -l").ok().word().parse().unwrap()
        };
        assert!(count(&["--privileged"]) > count(&[]), "the host's devices are not there");
        let id = sampan.background(&["--privileged"], "sleep 100");
        assert_eq!(sampan.field(&id, "{{.HostConfig.Privileged}}"), "true");
    });
}

#[test]
fn no_new_privileges_holds() {
    isolated(|sampan| {
        sampan.load_busybox();
        for option in ["no-new-privileges", "no-new-privileges=true", "no-new-privileges:true"] {
            assert_eq!(status_line(sampan, &["--security-opt", option], "NoNewPrivs"), "1");
        }
        assert_eq!(status_line(sampan, &["--security-opt", "no-new-privileges=false"], "NoNewPrivs"), "0");
        // A set-user-id program gains nothing: a file of root's own stays closed.
        let cat = tests::paths::program().with_file_name("sampan-init");
        let share = format!("{}:/cat:ro", cat.display());
        let script = "cp /cat /tmp/cat; chmod 4755 /tmp/cat; echo secret > /secret; chmod 600 /secret; su user -c '/tmp/cat /secret'";
        let _ = sampan.busybox(&["-v", &share], script).ok().prints("secret\n");
        let options = ["-v", &share, "--security-opt", "no-new-privileges"];
        let _ = sampan.busybox(&options, script).fails_with(1).prints("").says("ermission denied");
    });
}

#[test]
fn a_seccomp_profile_is_obeyed() {
    isolated(|sampan| {
        sampan.load_busybox();
        assert_eq!(status_line(sampan, &["--security-opt", "seccomp=unconfined"], "Seccomp"), "0");
        let profile = sampan.directory().join("profile.json");
        let text = r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":28}]}"#;
        fs::write(&profile, text).unwrap();
        let option = format!("seccomp={}", profile.display());
        let _ = sampan
            .busybox(&["--security-opt", &option], "mkdir /x")
            .fails_with(1)
            .says("No space left on device");
        fs::write(&profile, "{").unwrap();
        let _ = sampan.busybox(&["--security-opt", &option], "true").fails_with(125).says("seccomp");
        let _ = sampan
            .busybox(&["--security-opt", "seccomp=/nonexistent"], "true")
            .fails_with(125)
            .says("/nonexistent");
        let _ = sampan.busybox(&["--security-opt", "nosuch=1"], "true").fails_with(125).says("nosuch=1");
    });
}

#[test]
fn system_paths_can_be_unmasked() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "ls /sys/firmware | wc -l; grep -c ' /proc/sys proc ro' /proc/mounts";
        let _ = sampan.busybox(&[], script).prints("0\n1\n");
        let outcome = sampan.busybox(&["--security-opt", "systempaths=unconfined"], script);
        assert!(outcome.stdout().ends_with("\n0\n"), "{outcome}");
    });
}

#[test]
fn kernel_parameters_of_the_namespaces_are_set() {
    isolated(|sampan| {
        sampan.load_busybox();
        let options = ["--sysctl", "net.ipv4.ip_default_ttl=42", "--sysctl", "kernel.msgmax=1000"];
        let _ = sampan
            .busybox(&options, "cat /proc/sys/net/ipv4/ip_default_ttl /proc/sys/kernel/msgmax")
            .ok()
            .prints("42\n1000\n");
        assert_ne!(fs::read_to_string("/proc/sys/net/ipv4/ip_default_ttl").unwrap().trim(), "42");
        let _ = sampan.busybox(&["--sysctl", "kernel.panic=1"], "true").fails_with(125).says("kernel.panic");
    });
}
