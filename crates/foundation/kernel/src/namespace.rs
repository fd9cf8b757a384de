//! Namespaces (namespaces(7)): which kinds there are, making, opening and entering them.
//!
//! A namespace is held by a descriptor, never by a bind mount. Callers are the monitor, which makes a sandbox's
//! namespaces, and the runtime, whose children enter them.

use crate::process::check;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

/// The kinds of namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// user_namespaces(7).
    User,
    /// mount_namespaces(7).
    Mount,
    /// pid_namespaces(7); entering changes only where later children are born.
    Pid,
    /// network_namespaces(7).
    Network,
    /// ipc_namespaces(7).
    Ipc,
    /// uts_namespaces(7).
    Uts,
    /// cgroup_namespaces(7).
    Cgroup,
    /// time_namespaces(7).
    Time,
}

impl Kind {
    /// All kinds, the user namespace first, because the right to enter the others comes from it.
    pub const ALL: [Kind; 8] =
        [Kind::User, Kind::Mount, Kind::Pid, Kind::Network, Kind::Ipc, Kind::Uts, Kind::Cgroup, Kind::Time];

    /// The `CLONE_NEW…` bit.
    #[must_use]
    pub const fn bit(self) -> u32 {
        match self {
            Kind::User => 0x1000_0000,
            Kind::Mount => 0x0002_0000,
            Kind::Pid => 0x2000_0000,
            Kind::Network => 0x4000_0000,
            Kind::Ipc => 0x0800_0000,
            Kind::Uts => 0x0400_0000,
            Kind::Cgroup => 0x0200_0000,
            Kind::Time => 0x0000_0080,
        }
    }

    /// The name of its link below `/proc/PID/ns`.
    #[must_use]
    pub const fn proc_name(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Mount => "mnt",
            Kind::Pid => "pid",
            Kind::Network => "net",
            Kind::Ipc => "ipc",
            Kind::Uts => "uts",
            Kind::Cgroup => "cgroup",
            Kind::Time => "time",
        }
    }

    /// The kind that runtime-spec calls by this name (config-linux.md, "Namespaces").
    #[must_use]
    pub fn from_spec(name: &str) -> Option<Kind> {
        Some(match name {
            "user" => Kind::User,
            "mount" => Kind::Mount,
            "pid" => Kind::Pid,
            "network" => Kind::Network,
            "ipc" => Kind::Ipc,
            "uts" => Kind::Uts,
            "cgroup" => Kind::Cgroup,
            "time" => Kind::Time,
            _ => return None,
        })
    }
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds(u32);

impl Kinds {
    /// No kind.
    pub const NONE: Kinds = Kinds(0);

    /// The `CLONE_NEW…` bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// This set with `kind`.
    #[must_use]
    pub const fn with(self, kind: Kind) -> Kinds {
        Kinds(self.0 | kind.bit())
    }

    /// This set without `kind`.
    #[must_use]
    pub const fn without(self, kind: Kind) -> Kinds {
        Kinds(self.0 & !kind.bit())
    }

    /// Whether `kind` is in it.
    #[must_use]
    pub const fn contains(self, kind: Kind) -> bool {
        self.0 & kind.bit() != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each kind in it, in the order of [`Kind::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<T: IntoIterator<Item = Kind>>(kinds: T) -> Self {
        kinds.into_iter().fold(Kinds::NONE, Kinds::with)
    }
}

/// Puts the calling thread into new namespaces. For user and time namespaces it must be the only one.
///
/// # Errors
/// Whatever unshare(2) reports.
pub fn unshare(kinds: Kinds) -> rustix::io::Result<()> {
    // SAFETY: `Kinds` holds only CLONE_NEW… bits; none of them touches memory or the descriptor table.
    check(unsafe { libc::unshare(kinds.bits() as libc::c_int) }.into()).map(drop)
}

/// Puts the calling thread into the namespace `namespace`, which must be of this kind.
///
/// # Errors
/// Whatever setns(2) reports; `INVAL` when it is of another kind.
pub fn enter(namespace: BorrowedFd<'_>, kind: Kind) -> rustix::io::Result<()> {
    set_namespaces(namespace, kind.bit())
}

/// Puts the calling thread into these namespaces of the process `pidfd`, all or none (Linux 5.8).
///
/// # Errors
/// Whatever setns(2) reports; `SRCH` when the process has ended.
pub fn enter_of(pidfd: BorrowedFd<'_>, kinds: Kinds) -> rustix::io::Result<()> {
    set_namespaces(pidfd, kinds.bits())
}

fn set_namespaces(fd: BorrowedFd<'_>, bits: u32) -> rustix::io::Result<()> {
    // SAFETY: the descriptor is borrowed and so open; the bits are CLONE_NEW… only, which touch no memory.
    check(unsafe { libc::setns(fd.as_raw_fd(), bits as libc::c_int) }.into()).map(drop)
}

/// Opens the namespace in which the calling thread is.
///
/// # Errors
/// Whatever openat(2) reports; `NOENT` when `/proc` is missing or the kernel lacks the kind.
pub fn open_own(kind: Kind) -> rustix::io::Result<OwnedFd> {
    open_link(&format!("/proc/thread-self/ns/{}", kind.proc_name()))
}

/// Opens the time namespace in which the calling thread's children will be, after [`unshare`] made one.
///
/// # Errors
/// As [`open_own`].
pub fn open_own_time_for_children() -> rustix::io::Result<OwnedFd> {
    open_link("/proc/thread-self/ns/time_for_children")
}

/// Opens the namespace of the process `pid`. Only safe against reuse of the number while the caller is its parent
/// and has not reaped it.
///
/// # Errors
/// As [`open_own`].
pub fn open_of(pid: i32, kind: Kind) -> rustix::io::Result<OwnedFd> {
    open_link(&format!("/proc/{pid}/ns/{}", kind.proc_name()))
}

fn open_link(path: &str) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

/// Makes one new namespace of each kind and returns them in the set's order; the calling thread is in its own again
/// afterwards. For network, IPC, UTS and cgroup namespaces.
///
/// # Errors
/// `INVAL` for other kinds, else whatever unshare(2), setns(2) or opening the namespaces report. When going back
/// fails the thread is left in a new namespace, and the error says so by being the one of setns(2).
pub fn create(kinds: Kinds) -> rustix::io::Result<Vec<(Kind, OwnedFd)>> {
    if kinds.iter().any(|kind| !matches!(kind, Kind::Network | Kind::Ipc | Kind::Uts | Kind::Cgroup)) {
        return Err(Errno::INVAL);
    }
    let own = kinds.iter().map(|kind| Ok((kind, open_own(kind)?))).collect::<rustix::io::Result<Vec<_>>>()?;
    unshare(kinds)?;
    let made = kinds.iter().map(|kind| Ok((kind, open_own(kind)?))).collect::<rustix::io::Result<Vec<_>>>();
    for (kind, namespace) in &own {
        use std::os::fd::AsFd;
        enter(namespace.as_fd(), *kind)?;
    }
    made
}

/// The kind of an open namespace (ioctl_ns(2), `NS_GET_NSTYPE`).
///
/// # Errors
/// `NOTTY` when the descriptor is no namespace.
pub fn kind_of(namespace: BorrowedFd<'_>) -> rustix::io::Result<Kind> {
    const NS_GET_NSTYPE: libc::c_ulong = 0xb703;
    // SAFETY: the descriptor is borrowed and so open; this request takes no argument.
    let bit = check(unsafe { libc::ioctl(namespace.as_raw_fd(), NS_GET_NSTYPE as _) }.into())?;
    Kind::ALL.into_iter().find(|kind| libc::c_long::from(kind.bit()) == bit).ok_or(Errno::NOTTY)
}

/// Whether two descriptors are of the same namespace (namespaces(7), "The /proc/pid/ns/ directory").
///
/// # Errors
/// Whatever fstat(2) reports.
pub fn is_same(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> rustix::io::Result<bool> {
    let (one, other) = (rustix::fs::fstat(one)?, rustix::fs::fstat(other)?);
    Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

/// Sets the loopback interface of the calling thread's network namespace up (netdevice(7), `SIOCSIFFLAGS`).
///
/// # Errors
/// Whatever socket(2) or the ioctl report; `NODEV` never, every network namespace has one.
pub fn loopback_up() -> rustix::io::Result<()> {
    let socket = rustix::net::socket_with(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::DGRAM,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )?;
    // SAFETY: `ifreq` is plain data for which all zeroes is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as libc::c_char;
    request.ifr_name[1] = b'o' as libc::c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the socket is open, and the request is a valid ifreq that outlives the call.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) }.into())
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn sets_hold_what_was_put_in() {
        let kinds: Kinds = [Kind::Uts, Kind::User].into_iter().collect();
        assert_eq!(kinds.iter().collect::<Vec<_>>(), [Kind::User, Kind::Uts]);
        assert_eq!(kinds.bits(), (libc::CLONE_NEWUTS | libc::CLONE_NEWUSER) as u32);
        assert!(kinds.without(Kind::User).without(Kind::Uts).is_empty());
    }

    #[test]
    fn made_namespaces_are_new_and_the_thread_is_back_in_its_own() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let before = open_own(Kind::Uts).unwrap();
        let made = create(Kinds::NONE.with(Kind::Uts).with(Kind::Ipc)).unwrap();
        assert_eq!(made.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [Kind::Ipc, Kind::Uts]);
        for (kind, namespace) in &made {
            assert_eq!(kind_of(namespace.as_fd()).unwrap(), *kind);
        }
        assert!(!is_same(made[1].1.as_fd(), before.as_fd()).unwrap());
        assert!(is_same(open_own(Kind::Uts).unwrap().as_fd(), before.as_fd()).unwrap());
    }
}
