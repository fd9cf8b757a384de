//! Capability sets (capabilities(7)) from `--cap-add`, `--cap-drop` and `--privileged`.

use super::PlanError;
use std::collections::BTreeSet;

/// All of capabilities(7) in the kernel's order; the last is `CAP_CHECKPOINT_RESTORE` of Linux 5.9.
pub(crate) const ALL: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// Docker's default set.
const DEFAULT: [&str; 14] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
];

const EVERYTHING: &str = "ALL";

fn normalised(field: &'static str, names: &[String]) -> Result<BTreeSet<String>, PlanError> {
    names
        .iter()
        .map(|name| {
            let upper = name.to_ascii_uppercase();
            if upper == EVERYTHING {
                return Ok(upper);
            }
            let full = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
            if ALL.contains(&full.as_str()) {
                Ok(full)
            } else {
                Err(PlanError::Capability { field, name: full })
            }
        })
        .collect()
}

/// The capabilities that a container may have, in the kernel's order.
///
/// # Errors
/// [`PlanError::Capability`] for a name that is none.
pub fn capability_set(privileged: bool, add: &[String], drop: &[String]) -> Result<Vec<String>, PlanError> {
    let add = normalised("CapAdd", add)?;
    let drop = normalised("CapDrop", drop)?;
    let wanted = |name: &str| {
        if privileged {
            return true;
        }
        let (added, dropped) = (add.contains(name), drop.contains(name));
        match (add.contains(EVERYTHING), drop.contains(EVERYTHING)) {
            (true, _) => !dropped,
            (false, true) => added,
            // Dropped first, then added: naming one in both keeps it.
            (false, false) => added || (DEFAULT.contains(&name) && !dropped),
        }
    };
    Ok(ALL.into_iter().filter(|name| wanted(name)).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(add: &[&str], drop: &[&str]) -> Vec<String> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        capability_set(false, &owned(add), &owned(drop)).unwrap()
    }

    #[test]
    fn docker_rules() {
        assert_eq!(set(&[], &[]).len(), 14);
        assert_eq!(set(&["net_admin"], &[]).len(), 15);
        assert_eq!(set(&[], &["CAP_NET_RAW"]).len(), 13);
        assert_eq!(set(&["ALL"], &[]).len(), 41);
        assert_eq!(set(&["all"], &["SYS_ADMIN"]).len(), 40);
        assert_eq!(set(&[], &["ALL"]), Vec::<String>::new());
        assert_eq!(set(&["NET_RAW"], &["ALL"]), ["CAP_NET_RAW"]);
        assert_eq!(capability_set(true, &[], &["ALL".into()]).unwrap().len(), 41);
    }

    #[test]
    fn unknown_names() {
        let error = capability_set(false, &["CHWN".into()], &[]).unwrap_err();
        assert_eq!(error.to_string(), "invalid CapAdd: unknown capability: \"CAP_CHWN\"");
    }
}
