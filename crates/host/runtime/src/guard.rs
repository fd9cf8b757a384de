//! The decisions that keep a hostile image or container where it belongs.
//!
//! They stand together here so that the feature `weakened` can take out one of them at a time, and the escape tests
//! (`tests/launch/escape`) can show that each of their attacks succeeds without precisely that one. A build without
//! the feature has the sound half only.

#[cfg(feature = "weakened")]
pub mod weakness;

#[cfg(feature = "weakened")]
use weakness::{Weakness, is_weak};

use crate::plan::CapabilitySets;
use kernel::path;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, UnmountFlags, move_mount, unmount};
use rustix::process::DumpableBehavior;
use std::ffi::OsStr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

const DIRECTORY: Mode = Mode::from_raw_mode(0o755);
/// `PROC_SUPER_MAGIC` of linux/magic.h.
const PROC_MAGIC: i64 = 0x9fa0;

/// Opens what is at `path` below `root` (`O_PATH`), reading links as a process chrooted there would.
pub(crate) fn open_in_root(root: BorrowedFd<'_>, place: &Path) -> rustix::io::Result<OwnedFd> {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::JoinedPaths) {
        return weakness::open_joined(root, place, OFlags::PATH);
    }
    path::open_in_root(root, place, OFlags::PATH, Mode::empty())
}

/// Makes a directory and its parents below `root`, and opens it.
pub(crate) fn make_directory(root: BorrowedFd<'_>, place: &Path) -> rustix::io::Result<OwnedFd> {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::JoinedPaths) {
        return weakness::make_joined(root, place);
    }
    path::mkdir_all_in_root(root, place, DIRECTORY)
}

/// Makes the parents of `place` below `root`; the last of them, and the name that is still to be made in it.
pub(crate) fn make_parents<'a>(
    root: BorrowedFd<'_>,
    place: &'a Path,
) -> rustix::io::Result<(OwnedFd, &'a OsStr)> {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::JoinedPaths) {
        return weakness::make_joined_parents(root, place);
    }
    path::mkdir_parents_in_root(root, place, DIRECTORY)
}

/// Moves a detached mount onto an open place: between finding the place and mounting on it, nothing is looked up by
/// name again (CVE-2021-30465). `name` is what the place was found by, below `root`.
pub(crate) fn attach(
    mount: BorrowedFd<'_>,
    place: BorrowedFd<'_>,
    _root: BorrowedFd<'_>,
    _name: &Path,
) -> rustix::io::Result<()> {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::MountsByName) {
        return weakness::attach_by_name(mount, _root, _name);
    }
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(mount, "", place, "", flags)
}

/// Opens the place of a kernel file system, which no link leads to: one in its way would leave the files that are
/// masked and written later somewhere else (CVE-2019-19921, CVE-2023-27561, CVE-2023-28642).
pub(crate) fn open_kernel_place(root: BorrowedFd<'_>, place: &Path) -> rustix::io::Result<OwnedFd> {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::ProcBehindLink) {
        return path::open_in_root(root, place, OFlags::PATH | OFlags::DIRECTORY, Mode::empty());
    }
    path::open_in_root_no_symlinks(root, place, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())
}

/// Whether masked and read-only paths are looked for in the kernel file system that was mounted, by its descriptor,
/// instead of at the name where it was mounted: somebody who shares the root can have moved that away.
pub(crate) fn hides_by_descriptor() -> bool {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::HiddenByName) {
        return false;
    }
    true
}

/// What may be mounted over inside `/proc`: files that show a container its own share of the machine (lxcfs). All
/// else there is the kernel's word to the program and to us (CVE-2019-16884).
const PROC_OVERMOUNTS: [&str; 10] = [
    "cpuinfo",
    "diskstats",
    "loadavg",
    "meminfo",
    "net/dev",
    "slabinfo",
    "stat",
    "swaps",
    "sys/kernel/ns_last_pid",
    "uptime",
];

/// Why a mount over `place` is refused, if it is: it would cover parts of `/proc`, wherever the destination's links
/// lead, or stand in for the whole of it. `is_proc` says whether a proc file system is to be mounted.
pub(crate) fn refuses_cover(
    place: BorrowedFd<'_>,
    destination: &Path,
    is_proc: bool,
) -> rustix::io::Result<Option<&'static str>> {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::ProcCovered) {
        return Ok(None);
    }
    let inside = destination.strip_prefix("/proc").ok().and_then(Path::to_str);
    if rustix::fs::fstatfs(place)?.f_type != PROC_MAGIC {
        let whole = inside == Some("") && !is_proc;
        return Ok(whole.then_some("only a proc file system may be at /proc"));
    }
    if inside.is_some_and(|inside| PROC_OVERMOUNTS.contains(&inside)) {
        return Ok(None);
    }
    Ok(Some("it is inside a proc file system"))
}

/// Opens a file of the host's procfs, which nothing of the container's can redirect (CVE-2019-16884,
/// CVE-2025-52881): links are followed only inside it, magic ones never, and no mount that covers part of it is
/// crossed.
pub(crate) fn open_setting(
    proc: Option<BorrowedFd<'_>>,
    _root: Option<BorrowedFd<'_>>,
    file: &str,
    flags: OFlags,
) -> rustix::io::Result<OwnedFd> {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::SettingsInContainer) {
        return weakness::open_joined(_root.unwrap_or(CWD), &Path::new("/proc").join(file), flags);
    }
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let proc = proc.ok_or(Errno::BADF)?;
    rustix::fs::openat2(proc, file, flags | OFlags::CLOEXEC, Mode::empty(), resolve)
}

/// Opens the container's null device, which becomes the cover of masked files: it must be that device and lie where
/// no link leads (CVE-2025-31133). `NODEV` when it is another file.
pub(crate) fn open_null(root: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    let place = Path::new("/dev/null");
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::AnyCover) {
        return path::open_in_root(root, place, OFlags::PATH, Mode::empty());
    }
    let null = path::open_in_root_no_symlinks(root, place, OFlags::PATH, Mode::empty())?;
    let stat = rustix::fs::fstat(&null)?;
    let device = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
    let is_null = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && device == (1, 3);
    if is_null { Ok(null) } else { Err(Errno::NODEV) }
}

/// Whether what is at a device's place may stay: only the very device.
pub(crate) fn is_device(stat: &Stat, kind: FileType, number: u64) -> bool {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::AnyDevice) {
        return true;
    }
    FileType::from_raw_mode(stat.st_mode) == kind && stat.st_rdev == number
}

/// Opens the place of the console, made if it is missing: a file or a device, and never what a link there points to
/// (CVE-2026-88264). `INVAL` for anything else.
pub(crate) fn open_console_place(root: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    let console = Path::new("/dev/console");
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::ConsoleFollowed) {
        weakness::create_joined(root, console)?;
        return weakness::open_joined(root, console, OFlags::PATH);
    }
    let (dev, name) = make_parents(root, console)?;
    let create = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(&dev, name, create, Mode::from_raw_mode(0o600)) {
        Ok(_) | Err(Errno::EXIST) => {}
        Err(other) => return Err(other),
    }
    let place = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let place = rustix::fs::openat(&dev, name, place, Mode::empty())?;
    match FileType::from_raw_mode(rustix::fs::fstat(&place)?.st_mode) {
        FileType::RegularFile | FileType::CharacterDevice => Ok(place),
        _ => Err(Errno::INVAL),
    }
}

/// A mount of the terminal, to be bound: of the open end itself, and not of what has its name in `/dev/pts`
/// (CVE-2025-52565).
pub(crate) fn clone_terminal(slave: BorrowedFd<'_>, _root: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::TerminalByName) {
        return weakness::clone_terminal_by_name(_root);
    }
    crate::sources::clone_of(slave, crate::options::Recursion::One)
}

/// Makes the new root the root directory and lets go of the old one, which lies on top of it at "."
/// (pivot_root(2), "pivot_root(".", ".")").
pub(crate) fn leave_old_root() -> rustix::io::Result<()> {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::OldRootKept) {
        return Ok(());
    }
    unmount(".", UnmountFlags::DETACH)
}

/// Makes the working directory, which has to be one of the container's.
pub(crate) fn make_working_directory(root: BorrowedFd<'_>, directory: &Path) -> rustix::io::Result<()> {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::DirectoryFollowed) {
        return Ok(());
    }
    make_directory(root, directory).map(drop)
}

/// Enters a directory of the container.
///
/// A magic link (`/proc/self/fd/7`) could lead out of it through a descriptor of ours, which is why it is not
/// followed; and wherever we came to be must have a name inside the root (CVE-2024-21626).
pub(crate) fn change_directory(directory: &Path) -> rustix::io::Result<()> {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::DirectoryFollowed) {
        return rustix::process::chdir(directory);
    }
    use std::os::fd::AsFd;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(CWD, "/", flags, Mode::empty())?;
    let directory = path::open_in_root(root.as_fd(), directory, flags, Mode::empty())?;
    rustix::process::fchdir(&directory)?;
    let name = rustix::process::getcwd(Vec::new())?;
    if name.as_bytes().starts_with(b"/") { Ok(()) } else { Err(Errno::NOENT) }
}

/// How many of its parent's descriptors, counted from 3, a child keeps unasked: those that the caller preserves.
pub(crate) fn kept_descriptors(preserved: u32) -> u32 {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::DescriptorsKept) {
        return 1 << 20;
    }
    preserved
}

/// Closes on execve(2) whatever is not preserved.
pub(crate) fn close_on_exec(preserved: u32) -> rustix::io::Result<()> {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::DescriptorsKept) {
        return weakness::keep_all_on_exec();
    }
    kernel::process::close_on_exec_from(3 + preserved)
}

/// Keeps others out of `/proc/PID` of a process that has entered a container's pid namespace and not yet executed
/// its program (CVE-2016-9962).
pub(crate) fn hide_process() -> rustix::io::Result<()> {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::Inspectable) {
        return Ok(());
    }
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

/// How long a process that enters a container may take for each answer: it looks at files there, and the container
/// may have mounted a file system that never answers. Far more than a busy machine needs.
pub(crate) fn exec_patience() -> Duration {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::WaitsForStopped) {
        // For ever, but for the test's own sake.
        return Duration::from_secs(1);
    }
    Duration::from_secs(30)
}

/// Whether a child that somebody has stopped is given up. Its parent is the monitor, which has other things to do.
pub(crate) fn gives_up_stopped() -> bool {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::WaitsForStopped) {
        return false;
    }
    true
}

/// Whether the runtime's program has to be out of the reach of writers (CVE-2019-5736).
pub(crate) fn protects_program() -> bool {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::ProgramWritable) {
        return false;
    }
    true
}

/// Opens the container's `/etc/passwd` for reading, if it is a regular file: opening a FIFO or a device there would
/// be the image's to decide about. With it, how many bytes are read at the most.
pub(crate) fn open_accounts(root: BorrowedFd<'_>) -> Option<(OwnedFd, u64)> {
    let place = Path::new("/etc/passwd");
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::AnyAccountFile) {
        return path::open_in_root(root, place, OFlags::RDONLY, Mode::empty())
            .ok()
            .map(|file| (file, u64::MAX));
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let held = path::open_in_root(root, place, OFlags::PATH, Mode::empty()).ok()?;
    let stat = rustix::fs::statat(&held, "", AtFlags::EMPTY_PATH).ok()?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return None;
    }
    // By name again, as the container's /proc is not to be trusted: what is opened now is opened with the
    // container's own rights, does not wait, and must be the same file.
    let file = path::open_in_root(root, place, flags, Mode::empty()).ok()?;
    let now = rustix::fs::fstat(&file).ok()?;
    ((now.st_dev, now.st_ino) == (stat.st_dev, stat.st_ino)).then_some((file, ACCOUNT_BYTES_MAX))
}

/// No more of `/etc/passwd` is read; it is the image's.
const ACCOUNT_BYTES_MAX: u64 = 1024 * 1024;

/// Whether a standard stream is handed to the program's user: pipes, sockets and terminals, which are the container's
/// own, and no file or device that may be the host's (CVE-2026-88265).
pub(crate) fn may_give_away(kind: FileType, is_terminal: bool) -> bool {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::StreamsGivenAway) {
        return true;
    }
    matches!(kind, FileType::Fifo | FileType::Socket) || (kind == FileType::CharacterDevice && is_terminal)
}

/// The inheritable set of the program: what the spec says, and nothing that follows from the other sets
/// (CVE-2022-29162).
pub(crate) fn inheritable(sets: &CapabilitySets) -> u64 {
    #[cfg(feature = "weakened")]
    if is_weak(Weakness::InheritableFilled) {
        return sets.bounding;
    }
    sets.inheritable
}
