//! Names of the capability bits (include/uapi/linux/capability.h), without their `CAP_`.

/// By bit number.
pub(super) const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// The names in `set`, in bit order; a bit that is newer than this table is left out.
pub(super) fn names(set: u64) -> Vec<&'static str> {
    NAMES.iter().enumerate().filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, name)| *name).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn bits_have_the_kernels_names() {
        assert_eq!(super::names(0b1), ["chown"]);
        assert_eq!(super::names(1 << 21 | 1 << 40), ["sys_admin", "checkpoint_restore"]);
        assert!(super::names(1 << 63).is_empty());
    }
}
