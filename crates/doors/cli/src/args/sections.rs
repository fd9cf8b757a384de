//! The sections of long helps: which part of a container a flag is about.

/// Titles and the flags below them, in the order that they are shown in. What is in none comes first, as options.
const SECTIONS: &[(&str, &[&str])] = &[
    (
        "Process",
        &[
            "entrypoint",
            "env",
            "env-file",
            "group-add",
            "init",
            "stop-signal",
            "stop-timeout",
            "ulimit",
            "user",
            "workdir",
            "oom-score-adj",
        ],
    ),
    ("Storage", &["device", "mount", "read-only", "shm-size", "tmpfs", "volume", "volumes-from"]),
    (
        "Network",
        &[
            "add-host",
            "dns",
            "dns-option",
            "dns-search",
            "domainname",
            "expose",
            "hostname",
            "ip",
            "link",
            "mac-address",
            "network",
            "network-alias",
            "publish",
            "publish-all",
        ],
    ),
    (
        "Resources",
        &[
            "blkio-weight",
            "blkio-weight-device",
            "cgroup-parent",
            "cpu-period",
            "cpu-quota",
            "cpu-rt-period",
            "cpu-rt-runtime",
            "cpu-shares",
            "cpus",
            "cpuset-cpus",
            "cpuset-mems",
            "device-read-bps",
            "device-read-iops",
            "device-write-bps",
            "device-write-iops",
            "memory",
            "memory-reservation",
            "memory-swap",
            "memory-swappiness",
            "oom-kill-disable",
            "pids-limit",
        ],
    ),
    (
        "Security and isolation",
        &[
            "cap-add",
            "cap-drop",
            "cgroupns",
            "device-cgroup-rule",
            "ipc",
            "pid",
            "privileged",
            "security-opt",
            "sysctl",
            "userns",
            "uts",
        ],
    ),
    (
        "Health",
        &[
            "health-cmd",
            "health-interval",
            "health-retries",
            "health-start-interval",
            "health-start-period",
            "health-timeout",
            "no-healthcheck",
        ],
    ),
    ("Log", &["log-driver", "log-opt"]),
];

/// Helps with fewer flags have one section.
const MANY: usize = 40;

/// The titles with the flags of `flags` that belong there; the first title is that of the rest.
pub(super) fn sections<'a>(flags: &[&'a str]) -> Vec<(String, Vec<&'a str>)> {
    let known = if flags.len() < MANY { &[][..] } else { SECTIONS };
    let is_known = |flag: &&str| known.iter().any(|(_, inside)| inside.contains(flag));
    let rest: Vec<&str> = flags.iter().copied().filter(|flag| !is_known(flag)).collect();
    let mut found = vec![("Options".to_owned(), rest)];
    for (title, inside) in known {
        let here: Vec<&str> = flags.iter().copied().filter(|flag| inside.contains(flag)).collect();
        found.push((format!("{title} Options"), here));
    }
    found.retain(|(_, flags)| !flags.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_flag_is_in_one_section_and_exists() {
        let command = crate::request::define_run(clap::Command::new("run"));
        let flags: Vec<&str> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
        let mut seen = BTreeSet::new();
        for flag in SECTIONS.iter().flat_map(|(_, inside)| *inside) {
            assert!(flags.contains(flag), "--{flag} is no flag of run");
            assert!(seen.insert(flag), "--{flag} is in two sections");
        }
        let shown: usize = sections(&flags).iter().map(|(_, flags)| flags.len()).sum();
        assert_eq!(shown, flags.len());
        assert_eq!(sections(&["a", "b"]), [("Options".to_owned(), vec!["a", "b"])]);
    }
}
