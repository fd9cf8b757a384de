//! What the guest does once it is up, as a shell script.

use super::VERDICT;

/// What the guest has besides Debian's minimal base: what the tests talk to.
pub(super) const PACKAGES: &str = "systemd,systemd-sysv,dbus,udev,kmod,iproute2,nftables,iptables,procps,\
                                   busybox-static,curl,umoci,skopeo,docker-registry,strace";

/// Tests that are not run, by a part of their names, and why. Everything else is.
const LEFT_OUT: [(&str, &str); 16] = [
    (
        "kill_sweep",
        "a debugger at each system call takes minutes in emulation; elsewhere every point is tried",
    ),
    ("soak", "many containers at once measure the emulator"),
    ("measures", "known allocators and loops measure the emulator"),
    ("debian", "the servers of Debian take minutes to unpack in emulation"),
    ("nginx", "the servers of Debian take minutes to unpack in emulation"),
    ("redis", "the servers of Debian take minutes to unpack in emulation"),
    ("drop_in", "other engines are not in the guest"),
    ("differential", "other engines are not in the guest"),
    ("compatibility", "the documents of the repository are not in the guest"),
    ("tour", "the recorded visits of the repository are not in the guest"),
    ("hub::", "what registries say is the same on any kernel"),
    ("push::", "what registries say is the same on any kernel"),
    ("registry_", "what registries say is the same on any kernel"),
    ("search::", "what registries say is the same on any kernel"),
    ("completion::", "shells other than sh are not in the guest"),
    ("manual::", "groff is not in the guest"),
];

/// A test program and how it is run.
pub(super) struct TestProgram {
    /// The cargo target's name.
    pub(super) name: String,
    /// Whether it takes the options of Rust's test harness.
    pub(super) has_harness: bool,
}

/// The service that runs the script.
pub(super) const SERVICE: &str = "\
[Unit]
Description=The tests of sampan
After=multi-user.target dbus.service

[Service]
Type=oneshot
ExecStart=/opt/sampan/run-tests
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
TimeoutStartSec=infinity

[Install]
WantedBy=multi-user.target
";

/// Shows where it is, runs the demo container, then every test program; says what was left out and skipped.
pub(super) fn script<'a>(programs: impl Iterator<Item = &'a TestProgram>) -> String {
    let skips: String = LEFT_OUT.iter().map(|(part, _)| format!(" --skip {part}")).collect();
    let mut text = String::from(
        "#!/bin/sh\n\
         export PATH=/opt/sampan:/usr/sbin:/usr/bin:/sbin:/bin SAMPAN_BIN=/opt/sampan/sampan\n\
         export SAMPAN_SKIP_LOG=/tmp/skips RUST_BACKTRACE=0 SAMPAN_TEST_PATIENCE=6\n\
         dmesg -n 1\n\
         modprobe -a overlay veth bridge nf_tables loop 2>/dev/null\n\
         uname -r; stat -f -c 'cgroup file system: %T' /sys/fs/cgroup; systemctl --version | head -1\n\
         code=0\n\
         sampan version && sampan run --rm localhost/sampan-demo || code=1\n",
    );
    for program in programs {
        let options = if program.has_harness { format!(" --test-threads=2{skips}") } else { String::new() };
        text.push_str(&format!(
            "echo; echo '== {name}'; begun=$(date +%s)\n\
             /opt/sampan/tests/{name}{options} || {{ code=1; echo '{name} failed'; }}\n\
             echo \"{name}: $(($(date +%s) - begun)) s\"\n",
            name = program.name
        ));
    }
    text.push_str("echo; sampan system check || code=1\necho; echo 'not run in the guest:'\n");
    for (part, reason) in LEFT_OUT {
        text.push_str(&format!("echo '  {part}: {reason}'\n"));
    }
    text.push_str(&format!(
        "echo 'skipped:'; if [ -s /tmp/skips ]; then sort -u /tmp/skips | sed 's/^/  /'; else echo '  nothing'; fi\n\
         echo '{VERDICT}'$code\n\
         sync; systemctl --no-block poweroff --force --force\n"
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_runs_and_what_is_left_out_is_said() {
        let program = |name: &str, has_harness| TestProgram { name: name.into(), has_harness };
        let text = script([program("suite", true), program("groups", false)].iter());
        assert!(text.contains("/opt/sampan/tests/suite --test-threads=2 --skip kill_sweep"), "{text}");
        assert!(text.contains("/opt/sampan/tests/groups || "), "{text}");
        for (part, reason) in LEFT_OUT {
            assert!(text.contains(&format!("  {part}: {reason}")) && !reason.contains('\''));
        }
    }
}
