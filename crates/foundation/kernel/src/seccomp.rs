//! System call filters (seccomp(2), `SECCOMP_SET_MODE_FILTER`).
//!
//! Called by the runtime in the child between clone and exec: nothing here allocates. What a filter says is decided
//! by the caller; the kernel checks that it is a well-formed classic BPF program.

use rustix::io::Errno;
use std::os::fd::{FromRawFd, OwnedFd};

/// The most instructions that the kernel takes (`BPF_MAXINSNS` of linux/bpf_common.h).
pub const INSTRUCTIONS_MAX: usize = 4096;

/// One instruction of classic BPF, `struct sock_filter` of linux/filter.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Instruction {
    /// Class, operation and mode.
    pub code: u16,
    /// How many instructions a jump skips when its condition holds.
    pub jt: u8,
    /// How many when it does not.
    pub jf: u8,
    /// Constant operand.
    pub k: u32,
}

/// How a filter is installed: `SECCOMP_FILTER_FLAG_…` of linux/seccomp.h.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(u32);

impl Flags {
    /// `SECCOMP_FILTER_FLAG_TSYNC`: all threads of the process.
    pub const TSYNC: Self = Self(1);
    /// `SECCOMP_FILTER_FLAG_LOG`: every action but allowing is logged.
    pub const LOG: Self = Self(2);
    /// `SECCOMP_FILTER_FLAG_SPEC_ALLOW`: no speculation mitigation for the filter's sake.
    pub const SPEC_ALLOW: Self = Self(4);
    /// `SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV`: a caller whose notification was received waits killably (5.19).
    pub const WAIT_KILLABLE_RECV: Self = Self(32);
    /// `SECCOMP_FILTER_FLAG_NEW_LISTENER`; see [`install_with_listener`].
    const NEW_LISTENER: Self = Self(8);
    /// `SECCOMP_FILTER_FLAG_TSYNC_ESRCH`: with a listener, a failed synchronisation is `SRCH` and not a thread id.
    const TSYNC_ESRCH: Self = Self(16);

    /// Whether all of `other` is in it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a filter may answer: `SECCOMP_RET_…` of linux/seccomp.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Action {
    /// `SECCOMP_RET_KILL_PROCESS`.
    KillProcess = 0x8000_0000,
    /// `SECCOMP_RET_KILL_THREAD`.
    KillThread = 0,
    /// `SECCOMP_RET_TRAP`: SIGSYS.
    Trap = 0x0003_0000,
    /// `SECCOMP_RET_ERRNO`: the low 16 bits are the errno.
    Errno = 0x0005_0000,
    /// `SECCOMP_RET_USER_NOTIF`: the listener decides.
    Notify = 0x7fc0_0000,
    /// `SECCOMP_RET_TRACE`: the tracer decides.
    Trace = 0x7ff0_0000,
    /// `SECCOMP_RET_LOG`: allowed, and logged.
    Log = 0x7ffc_0000,
    /// `SECCOMP_RET_ALLOW`.
    Allow = 0x7fff_0000,
}

/// Calls seccomp(2).
///
/// # Safety
/// `arguments` is what `operation` asks for (seccomp(2)).
unsafe fn call(
    operation: libc::c_uint,
    flags: u32,
    arguments: *const libc::c_void,
) -> rustix::io::Result<libc::c_int> {
    // SAFETY: the caller vouches for the pointer; the rest are plain numbers.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, operation, flags, arguments) };
    match libc::c_int::try_from(result) {
        Ok(value) if value >= 0 => Ok(value),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL)),
    }
}

/// Sets the filter with raw flags: the call's result.
fn set_filter(program: &[Instruction], flags: u32) -> rustix::io::Result<libc::c_int> {
    if program.len() > INSTRUCTIONS_MAX {
        return Err(Errno::TOOBIG);
    }
    let program = libc::sock_fprog {
        // INSTRUCTIONS_MAX fits.
        len: program.len() as libc::c_ushort,
        filter: program.as_ptr().cast_mut().cast::<libc::sock_filter>(),
    };
    // SAFETY: `Instruction` has the layout of sock_filter, the array is live and of the stated length, and the
    // kernel copies it without writing.
    unsafe { call(libc::SECCOMP_SET_MODE_FILTER, flags, std::ptr::from_ref(&program).cast()) }
}

/// Puts a filter on the calling thread, and with [`Flags::TSYNC`] on all of the process. It stays for good and is
/// inherited. Needs `no_new_privs` or CAP_SYS_ADMIN, which is the caller's part.
///
/// # Errors
/// Whatever seccomp(2) reports: `ACCESS` without the above, `INVAL` for a malformed program or an unknown flag,
/// `TOOBIG` for more than [`INSTRUCTIONS_MAX`] instructions, `SRCH` when another thread could not follow.
pub fn install(program: &[Instruction], flags: Flags) -> rustix::io::Result<()> {
    // A positive result is the thread that could not follow TSYNC.
    if set_filter(program, flags.0)? == 0 { Ok(()) } else { Err(Errno::SRCH) }
}

/// As [`install`], for a program that answers [`Action::Notify`]: the descriptor on which the notifications arrive,
/// closed on exec.
///
/// # Errors
/// As [`install`]; `BUSY` when the thread has a filter with a listener already.
pub fn install_with_listener(program: &[Instruction], flags: Flags) -> rustix::io::Result<OwnedFd> {
    let mut raw = flags | Flags::NEW_LISTENER;
    if flags.contains(Flags::TSYNC) {
        raw = raw | Flags::TSYNC_ESRCH;
    }
    let fd = set_filter(program, raw.0)?;
    // SAFETY: with NEW_LISTENER a successful call returns a new descriptor, which nobody else has.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Whether this kernel knows an action (`SECCOMP_GET_ACTION_AVAIL`).
///
/// # Errors
/// Whatever seccomp(2) reports but `OPNOTSUPP`, which is the negative answer.
pub fn is_available(action: Action) -> rustix::io::Result<bool> {
    let number = action as u32;
    // SAFETY: the operation reads one number from the address.
    match unsafe { call(libc::SECCOMP_GET_ACTION_AVAIL, 0, std::ptr::from_ref(&number).cast()) } {
        Ok(_) => Ok(true),
        Err(Errno::OPNOTSUPP) => Ok(false),
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_have_the_layout_of_the_kernels() {
        assert_eq!(size_of::<Instruction>(), size_of::<libc::sock_filter>());
        assert_eq!(align_of::<Instruction>(), align_of::<libc::sock_filter>());
        assert_eq!(std::mem::offset_of!(Instruction, jt), std::mem::offset_of!(libc::sock_filter, jt));
        assert_eq!(std::mem::offset_of!(Instruction, jf), std::mem::offset_of!(libc::sock_filter, jf));
        assert_eq!(std::mem::offset_of!(Instruction, k), std::mem::offset_of!(libc::sock_filter, k));
    }

    #[test]
    fn the_actions_of_the_oldest_supported_kernel_are_there() {
        for action in [Action::KillProcess, Action::Errno, Action::Log, Action::Notify, Action::Allow] {
            assert!(is_available(action).unwrap(), "{action:?}");
        }
    }

    #[test]
    fn malformed_programs_are_refused() {
        // A jump beyond the end, no instruction at all, and one too many.
        let jump = Instruction { code: 0x05, jt: 0, jf: 0, k: 9 };
        assert_eq!(install(&[jump], Flags::default()), Err(Errno::INVAL));
        assert_eq!(install(&[], Flags::default()), Err(Errno::INVAL));
        let long =
            vec![Instruction { code: 0x06, jt: 0, jf: 0, k: Action::Allow as u32 }; INSTRUCTIONS_MAX + 1];
        assert_eq!(install(&long, Flags::default()), Err(Errno::TOOBIG));
    }
}
