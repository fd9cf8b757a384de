//! The mounts of a process that waits, as `/proc/PID/mountinfo` tells them (proc_pid_mountinfo(5)).

/// One mount.
#[derive(Debug)]
pub(super) struct Mount {
    pub(super) id: u32,
    pub(super) parent: u32,
    pub(super) root: String,
    pub(super) point: String,
    pub(super) kind: String,
}

pub(super) fn of(pid: i32) -> Vec<Mount> {
    parse(&std::fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap())
}

pub(super) fn parse(text: &str) -> Vec<Mount> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        let dash = fields.iter().position(|field| *field == "-").unwrap();
        Mount {
            id: fields[0].parse().unwrap(),
            parent: fields[1].parse().unwrap(),
            root: fields[3].to_owned(),
            point: fields[4].to_owned(),
            kind: fields[dash + 1].to_owned(),
        }
    };
    text.lines().map(line).collect()
}

/// Whether a mount is `top` or somewhere on it.
pub(super) fn is_on(mounts: &[Mount], mut mount: u32, top: u32) -> bool {
    while mount != top {
        match mounts.iter().find(|other| other.id == mount) {
            Some(found) if found.parent != mount => mount = found.parent,
            _ => return false,
        }
    }
    true
}
