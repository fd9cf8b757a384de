//! What a process sets for itself before it executes a program: ids, limits, scheduling, keyring.
//!
//! Caller is the child of a launch. All of it is of the calling thread or process alone.

use crate::process::check;

/// Sets the real, effective and saved user ids of the calling thread, which must be the only one.
///
/// # Errors
/// Whatever setresuid(2) reports.
pub fn set_user(uid: u32) -> rustix::io::Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) }).map(drop)
}

/// Sets the real, effective and saved group ids of the calling thread, which must be the only one.
///
/// # Errors
/// Whatever setresgid(2) reports.
pub fn set_group(gid: u32) -> rustix::io::Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) }).map(drop)
}

/// Sets the supplementary groups of the calling thread, which must be the only one.
///
/// # Errors
/// Whatever setgroups(2) reports.
pub fn set_groups(gids: &[u32]) -> rustix::io::Result<()> {
    // SAFETY: the pointer and length are those of one slice of gid_t (u32).
    check(unsafe { libc::syscall(libc::SYS_setgroups, gids.len(), gids.as_ptr()) }).map(drop)
}

/// Sets the execution domain (personality(2)), for example `PER_LINUX32` (8).
///
/// # Errors
/// Whatever personality(2) reports.
pub fn set_personality(domain: u64) -> rustix::io::Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_personality, domain) }).map(drop)
}

/// Sets the I/O priority of the calling process: class (`IOPRIO_CLASS_…`, 1 to 3) and level (0 to 7), ioprio_set(2).
///
/// # Errors
/// Whatever ioprio_set(2) reports.
pub fn set_io_priority(class: u8, level: u8) -> rustix::io::Result<()> {
    const IOPRIO_WHO_PROCESS: libc::c_int = 1;
    let value = (libc::c_int::from(class) << 13) | libc::c_int::from(level);
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, value) }).map(drop)
}

/// `struct sched_attr` of sched_setattr(2), first version (48 bytes).
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SchedulerAttributes {
    /// Bytes of this structure; filled in by [`set_scheduler`].
    pub size: u32,
    /// `SCHED_…`.
    pub policy: u32,
    /// `SCHED_FLAG_…`.
    pub flags: u64,
    /// Niceness, `SCHED_OTHER` and `SCHED_BATCH`.
    pub nice: i32,
    /// Static priority, `SCHED_FIFO` and `SCHED_RR`.
    pub priority: u32,
    /// Nanoseconds, `SCHED_DEADLINE`.
    pub runtime: u64,
    /// Nanoseconds, `SCHED_DEADLINE`.
    pub deadline: u64,
    /// Nanoseconds, `SCHED_DEADLINE`.
    pub period: u64,
}

/// Sets the scheduling policy of the calling thread.
///
/// # Errors
/// Whatever sched_setattr(2) reports.
pub fn set_scheduler(attributes: SchedulerAttributes) -> rustix::io::Result<()> {
    let attributes = SchedulerAttributes { size: size_of::<SchedulerAttributes>() as u32, ..attributes };
    // SAFETY: the structure is valid, says its own size, and outlives the call.
    check(unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) }).map(drop)
}

/// Gives the calling process a new, empty, anonymous session keyring (keyctl(2), `KEYCTL_JOIN_SESSION_KEYRING`).
///
/// # Errors
/// Whatever keyctl(2) reports; `NOSYS` on kernels without keys, `DQUOT` when the user has too many.
pub fn new_session_keyring() -> rustix::io::Result<()> {
    const KEYCTL_JOIN_SESSION_KEYRING: libc::c_int = 1;
    let anonymous = std::ptr::null::<libc::c_char>();
    // SAFETY: a null name asks for an anonymous keyring; nothing is read.
    check(unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, anonymous) }).map(drop)
}

/// Sets a resource limit of the calling process and returns the former one, each as soft and hard value; all ones
/// is no limit. `resource` is the kernel's number, which is not the same on all architectures' C libraries' side.
///
/// # Errors
/// Whatever prlimit(2) reports; `PERM` when the hard limit would rise without the right to that.
pub fn set_limit(resource: i32, soft: u64, hard: u64) -> rustix::io::Result<(u64, u64)> {
    prlimit(0, resource, Some([soft, hard]))
}

/// Sets a limit of the process `pid`, as [`set_limit`] does of the caller. Only safe against reuse of the number while
/// the caller is its parent and has not reaped it.
///
/// # Errors
/// As [`set_limit`]; `SRCH` when there is no such process.
pub fn set_limit_of(pid: i32, resource: i32, soft: u64, hard: u64) -> rustix::io::Result<(u64, u64)> {
    prlimit(pid, resource, Some([soft, hard]))
}

/// A limit of the process `pid`, soft and hard.
///
/// # Errors
/// As [`set_limit_of`].
pub fn limit_of(pid: i32, resource: i32) -> rustix::io::Result<(u64, u64)> {
    prlimit(pid, resource, None)
}

/// A resource limit of the calling process, soft and hard.
///
/// # Errors
/// As [`set_limit`].
pub fn limit(resource: i32) -> rustix::io::Result<(u64, u64)> {
    prlimit(0, resource, None)
}

fn prlimit(pid: i32, resource: i32, new: Option<[u64; 2]>) -> rustix::io::Result<(u64, u64)> {
    let new = new.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let mut old = [0u64; 2];
    // SAFETY: both pointers are null or to two 64-bit words, the kernel's rlimit64, and outlive the call.
    check(unsafe { libc::syscall(libc::SYS_prlimit64, pid, resource, new, &raw mut old) })?;
    Ok((old[0], old[1]))
}

/// Drops a capability from the bounding set of the calling thread (`PR_CAPBSET_DROP`).
///
/// # Errors
/// `INVAL` when the kernel has no capability of this number, `PERM` without CAP_SETPCAP.
pub fn drop_bounding_capability(number: u32) -> rustix::io::Result<()> {
    // SAFETY: integers only.
    check(unsafe { libc::syscall(libc::SYS_prctl, libc::PR_CAPBSET_DROP, number, 0, 0, 0) }).map(drop)
}

/// Sets the NUMA memory policy of the calling thread (set_mempolicy(2)): mode with its flags, and the nodes as a
/// little-endian bit mask of 64-bit words.
///
/// # Errors
/// Whatever set_mempolicy(2) reports.
pub fn set_memory_policy(mode: i32, nodes: &[u64]) -> rustix::io::Result<()> {
    // The kernel reads one bit less than `maxnode` says.
    let bits = if nodes.is_empty() { 0 } else { nodes.len() * 64 + 1 };
    // SAFETY: the pointer is that of a slice with `bits - 1` bits; with 0 bits it is not read.
    check(unsafe { libc::syscall(libc::SYS_set_mempolicy, mode, nodes.as_ptr(), bits) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_set_and_read_back() {
        // Core files: nobody minds in a test.
        const RLIMIT_CORE: i32 = 4;
        let (soft, hard) = limit(RLIMIT_CORE).unwrap();
        assert_eq!(set_limit(RLIMIT_CORE, 0, hard).unwrap(), (soft, hard));
        assert_eq!(set_limit(RLIMIT_CORE, soft, hard).unwrap(), (0, hard));
        assert!(set_limit(99, 0, 0).is_err());
    }
}
