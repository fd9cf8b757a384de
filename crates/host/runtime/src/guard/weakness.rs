//! What a build for the escape tests can do without. Only with the feature `weakened`.

use rustix::fs::{Mode, OFlags};
use rustix::mount::{MoveMountFlags, move_mount};
use std::ffi::OsStr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// One defence that is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Weakness {
    /// Paths below the root are joined, and the kernel follows what it finds: links lead to the host.
    JoinedPaths,
    /// A mount's place is looked up by name again when it is mounted on.
    MountsByName,
    /// `/proc` and `/sys` may be where a link leads.
    ProcBehindLink,
    /// Masked and read-only paths are looked for by name, wherever the kernel file systems were mounted.
    HiddenByName,
    /// Mounts may cover `/proc` and what is in it.
    ProcCovered,
    /// Kernel parameters and labels are written through the container's `/proc`.
    SettingsInContainer,
    /// Whatever is at `/dev/null` covers masked files.
    AnyCover,
    /// Whatever is at a device's place is taken for it.
    AnyDevice,
    /// The console is made where a link at `/dev/console` points.
    ConsoleFollowed,
    /// The terminal is bound by its name in `/dev/pts`.
    TerminalByName,
    /// The host's root directory stays mounted.
    OldRootKept,
    /// The working directory may be anywhere.
    DirectoryFollowed,
    /// The child inherits its parent's descriptors.
    DescriptorsKept,
    /// `/proc/PID` of a child that has not executed yet is open to the container.
    Inspectable,
    /// The runtime runs from the file on the host.
    ProgramWritable,
    /// `/etc/passwd` may be any file of any size.
    AnyAccountFile,
    /// Standard streams of any kind are handed to the program's user.
    StreamsGivenAway,
    /// The inheritable capabilities are all that the container may have.
    InheritableFilled,
    /// A child that the container has stopped is waited for.
    WaitsForStopped,
}

impl Weakness {
    /// All of them.
    pub const ALL: [Weakness; 19] = [
        Weakness::JoinedPaths,
        Weakness::MountsByName,
        Weakness::ProcBehindLink,
        Weakness::HiddenByName,
        Weakness::ProcCovered,
        Weakness::SettingsInContainer,
        Weakness::AnyCover,
        Weakness::AnyDevice,
        Weakness::ConsoleFollowed,
        Weakness::TerminalByName,
        Weakness::OldRootKept,
        Weakness::DirectoryFollowed,
        Weakness::DescriptorsKept,
        Weakness::Inspectable,
        Weakness::ProgramWritable,
        Weakness::AnyAccountFile,
        Weakness::StreamsGivenAway,
        Weakness::InheritableFilled,
        Weakness::WaitsForStopped,
    ];

    fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// A text that is in every program that was built with the feature, and in no other.
pub const MARK: &str = "sampan: weakened for the escape tests";

static WEAK: AtomicU32 = AtomicU32::new(0);
static TRIED: AtomicU32 = AtomicU32::new(0);

/// Does without these defences while `attack` runs, in this process and its children.
pub fn with<T>(weaknesses: &[Weakness], attack: impl FnOnce() -> T) -> T {
    let bits = weaknesses.iter().fold(0, |bits, weakness| bits | weakness.bit());
    TRIED.fetch_or(bits, Ordering::Relaxed);
    let before = WEAK.swap(bits, Ordering::Relaxed);
    let done = attack();
    WEAK.store(before, Ordering::Relaxed);
    done
}

/// Whether any defence is out.
#[must_use]
pub fn is_any() -> bool {
    WEAK.load(Ordering::Relaxed) != 0
}

/// Those that [`with`] has not been called with.
#[must_use]
pub fn untried() -> Vec<Weakness> {
    let tried = TRIED.load(Ordering::Relaxed);
    Weakness::ALL.into_iter().filter(|weakness| tried & weakness.bit() == 0).collect()
}

/// Whether this defence is out.
pub(crate) fn is_weak(weakness: Weakness) -> bool {
    WEAK.load(Ordering::Relaxed) & weakness.bit() != 0
}

fn joined(place: &Path) -> &Path {
    let relative = place.strip_prefix("/").unwrap_or(place);
    if relative.as_os_str().is_empty() { Path::new(".") } else { relative }
}

pub(super) fn open_joined(root: BorrowedFd<'_>, place: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(root, joined(place), flags | OFlags::CLOEXEC, Mode::empty())
}

pub(super) fn create_joined(root: BorrowedFd<'_>, place: &Path) -> rustix::io::Result<()> {
    let flags = OFlags::CREATE | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::openat(root, joined(place), flags, Mode::from_raw_mode(0o600)).map(drop)
}

pub(super) fn make_joined(root: BorrowedFd<'_>, place: &Path) -> rustix::io::Result<OwnedFd> {
    let mut made = PathBuf::new();
    for component in joined(place).components() {
        made.push(component);
        // What is there already is opened below, or that fails.
        let _ = rustix::fs::mkdirat(root, &made, super::DIRECTORY);
    }
    open_joined(root, place, OFlags::PATH | OFlags::DIRECTORY)
}

pub(super) fn make_joined_parents<'a>(
    root: BorrowedFd<'_>,
    place: &'a Path,
) -> rustix::io::Result<(OwnedFd, &'a OsStr)> {
    let name = place.file_name().ok_or(rustix::io::Errno::INVAL)?;
    Ok((make_joined(root, place.parent().unwrap_or(Path::new("/")))?, name))
}

pub(super) fn attach_by_name(
    mount: BorrowedFd<'_>,
    root: BorrowedFd<'_>,
    name: &Path,
) -> rustix::io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_SYMLINKS;
    move_mount(mount, "", root, joined(name), flags)
}

pub(super) fn clone_terminal_by_name(root: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    use rustix::mount::{OpenTreeFlags, open_tree};
    // The first terminal of a new devpts.
    open_tree(root, "dev/pts/0", OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC)
}

pub(super) fn keep_all_on_exec() -> rustix::io::Result<()> {
    for entry in std::fs::read_dir("/proc/self/fd").map_err(|_| rustix::io::Errno::IO)?.flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        // One of them is this listing's own, and gone by then.
        if let Some(number) = number.filter(|number| *number > 2) {
            let _ = kernel::process::keep_on_exec(number);
        }
    }
    Ok(())
}
