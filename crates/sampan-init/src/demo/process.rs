//! Who runs here: ids, host name, namespaces and resource limits, by system call and `/proc/self`.

use super::layout::Row;
use rustix::process::{Resource, getgid, getpid, getrlimit, getuid};

/// The kinds below `/proc/self/ns`, with the fixed inode number of the host's own (include/uapi/linux/nsfs.h,
/// `IPC_NS_INIT_INO` and its neighbours; for mnt and net since Linux 6.18, before which no namespace has these).
const NAMESPACES: [(&str, u64); 8] = [
    ("mnt", 0xEFFF_FFF8),
    ("pid", 0xEFFF_FFFC),
    ("net", 0xEFFF_FFF9),
    ("ipc", 0xEFFF_FFFF),
    ("uts", 0xEFFF_FFFE),
    ("cgroup", 0xEFFF_FFFB),
    ("user", 0xEFFF_FFFD),
    ("time", 0xEFFF_FFFA),
];

pub(super) fn identity() -> Option<Row> {
    let pid = getpid().as_raw_nonzero();
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    let visible = std::fs::read_dir("/proc").ok().map(|entries| entries.flatten().filter(is_process).count());
    let company = match visible {
        Some(1) => String::from(", alone"),
        Some(count) => format!(", one of {count}"),
        None => String::new(),
    };
    Some(Row::new("process", format!("pid {pid}{company}, user {uid}, group {gid}")))
}

fn is_process(entry: &std::fs::DirEntry) -> bool {
    entry.file_name().to_str().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
}

pub(super) fn host_name() -> Option<Row> {
    Some(Row::new("host name", rustix::system::uname().nodename().to_string_lossy()))
}

pub(super) fn namespaces() -> Vec<Option<Row>> {
    let mut own = Vec::new();
    let mut shared = Vec::new();
    for (kind, first) in NAMESPACES {
        let Ok(link) = std::fs::read_link(format!("/proc/self/ns/{kind}")) else { continue };
        let Some(inode) = link.to_str().and_then(inode_of) else { continue };
        let list = if inode == first { &mut shared } else { &mut own };
        list.push(format!("{kind} {inode}"));
    }
    let row = |text: String| (!text.is_empty()).then(|| Row::new("namespaces", text));
    let shared =
        if shared.is_empty() { String::new() } else { format!("{} (the host's)", shared.join(", ")) };
    vec![row(own.join(", ")), row(shared)]
}

/// The inode number in a link like `uts:[4026531838]`.
fn inode_of(link: &str) -> Option<u64> {
    link.split_once('[')?.1.strip_suffix(']')?.parse().ok()
}

pub(super) fn resource_limits() -> Option<Row> {
    let shown = [
        ("open files", Resource::Nofile),
        ("processes of this user", Resource::Nproc),
        ("core file bytes", Resource::Core),
        ("locked bytes", Resource::Memlock),
    ];
    let limits: Vec<String> = shown
        .into_iter()
        .map(|(name, resource)| format!("{name} {}", limit(getrlimit(resource).current)))
        .collect();
    Some(Row::new("limits", limits.join(", ")))
}

fn limit(value: Option<u64>) -> String {
    value.map_or_else(|| String::from("unlimited"), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_link_holds_its_inode_number() {
        assert_eq!(inode_of("uts:[4026531838]"), Some(0xEFFF_FFFE));
        assert_eq!(inode_of("uts:"), None);
        assert_eq!(inode_of("uts:[x]"), None);
    }

    #[test]
    fn every_process_has_its_namespaces_and_limits() {
        assert!(namespaces().into_iter().flatten().count() >= 1);
        assert!(resource_limits().is_some_and(|row| row.text.contains("open files ")));
    }
}
