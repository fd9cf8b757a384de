//! Resolution below a root directory by descriptor (openat2(2), path_resolution(7)).
//!
//! Whoever touches a path that a container or an archive can shape (the runtime's mounts, `cp`, the layer applier,
//! volumes) calls this instead of joining strings: the kernel, or a walk that opens one component at a time without
//! following links, keeps every step below the root descriptor even while somebody swaps directories for links.
//!
//! Limits: kernel 5.6 (openat2). Magic links of `/proc` are never followed. A directory that is moved out of the
//! root during the walk by somebody with rights outside it stays open: the root must not be a place from which
//! untrusted processes can rename to the outside.

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// How often a resolution that lost a race against a rename (`EAGAIN`) is tried again.
const ATTEMPTS_MAX: u32 = 128;
/// How many symbolic links one walk may follow, as in the kernel (path_resolution(7)).
const LINKS_MAX: u32 = 40;

fn resolve(
    root: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    mode: Mode,
    how: ResolveFlags,
) -> rustix::io::Result<OwnedFd> {
    let how = how | ResolveFlags::NO_MAGICLINKS;
    let mut attempts = 0;
    loop {
        match rustix::fs::openat2(root, path, flags | OFlags::CLOEXEC, mode, how) {
            Err(Errno::INTR) => {}
            // A `..` in the path while something in the tree was renamed: the kernel cannot vouch for the result.
            Err(Errno::AGAIN) if attempts < ATTEMPTS_MAX => attempts += 1,
            done => return done,
        }
    }
}

/// Opens `path` below `root`; anything that leads out of it (`..`, an absolute link) is an error.
///
/// The descriptor is closed on exec. `mode` must be empty without [`OFlags::CREATE`] or [`OFlags::TMPFILE`].
///
/// # Errors
/// `XDEV` when the path leads outside, `LOOP` for a magic link, else whatever openat2(2) reports.
pub fn open_beneath(
    root: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    mode: Mode,
) -> rustix::io::Result<OwnedFd> {
    resolve(root, path, flags, mode, ResolveFlags::BENEATH)
}

/// Like [`open_beneath`], and any symbolic link on the way, the last component included, is the error `LOOP`.
///
/// # Errors
/// As [`open_beneath`].
pub fn open_beneath_no_symlinks(
    root: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    mode: Mode,
) -> rustix::io::Result<OwnedFd> {
    resolve(root, path, flags, mode, ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS)
}

/// Opens `path` as a process would whose root directory is `root` (chroot(2)): absolute paths and links start at
/// `root`, and `..` stops there.
///
/// # Errors
/// Whatever openat2(2) reports; `LOOP` for a magic link.
pub fn open_in_root(
    root: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    mode: Mode,
) -> rustix::io::Result<OwnedFd> {
    resolve(root, path, flags, mode, ResolveFlags::IN_ROOT)
}

/// Like [`open_in_root`], and any symbolic link on the way, the last component included, is the error `LOOP`.
///
/// # Errors
/// As [`open_in_root`].
pub fn open_in_root_no_symlinks(
    root: BorrowedFd<'_>,
    path: &Path,
    flags: OFlags,
    mode: Mode,
) -> rustix::io::Result<OwnedFd> {
    resolve(root, path, flags, mode, ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS)
}

/// What a walk met where it needs a directory; handed to the callback of [`walk_in_root`].
#[derive(Debug)]
pub struct Obstacle<'a> {
    /// The directory that was reached.
    pub parent: BorrowedFd<'a>,
    /// The component that is not a directory in it.
    pub name: &'a OsStr,
    /// Where that is below the root, with every link on the way resolved; no leading slash.
    pub path: &'a Path,
    /// What is there: `None` for nothing, else neither a directory nor a symbolic link.
    pub existing: Option<FileType>,
}

/// Makes `path` a directory below `root` and opens it (`O_PATH`), resolving as [`open_in_root`] does. Missing
/// components, also those that a dangling link names, are created with `mode` (less the umask).
///
/// # Errors
/// `NOTDIR` when something else is in the way, `LOOP` after 40 links, else whatever mkdirat(2) or openat(2) report.
pub fn mkdir_all_in_root(root: BorrowedFd<'_>, path: &Path, mode: Mode) -> rustix::io::Result<OwnedFd> {
    match open_in_root(root, path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()) {
        Err(Errno::NOENT) => {}
        done => return done,
    }
    walk_in_root(root, path, &mut |obstacle| match obstacle.existing {
        Some(_) => Err(Errno::NOTDIR),
        None => rustix::fs::mkdirat(obstacle.parent, obstacle.name, mode),
    })
}

/// Makes the parent of `path` a directory below `root`, as [`mkdir_all_in_root`] does, and returns it with the last
/// component, which is not resolved: the caller creates or opens it there with `O_NOFOLLOW`.
///
/// # Errors
/// `INVAL` when the path has no last component (empty, `/`, or ending in `..`), else as [`mkdir_all_in_root`].
pub fn mkdir_parents_in_root<'a>(
    root: BorrowedFd<'_>,
    path: &'a Path,
    mode: Mode,
) -> rustix::io::Result<(OwnedFd, &'a OsStr)> {
    let name = path.file_name().ok_or(Errno::INVAL)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((mkdir_all_in_root(root, parent, mode)?, name))
}

/// Walks `path` below `root` one component at a time and opens the directory at its end (`O_PATH`).
///
/// `clear` is called for each component that is missing or neither a directory nor a link. It returns `Ok` after it
/// has put a directory or a link there (losing a race with `EXIST` counts as such); the component is then looked at
/// again.
///
/// # Errors
/// What `clear` returns, `LOOP` after 40 links, else whatever openat(2) or readlinkat(2) report.
pub fn walk_in_root(
    root: BorrowedFd<'_>,
    path: &Path,
    clear: &mut dyn FnMut(&Obstacle<'_>) -> rustix::io::Result<()>,
) -> rustix::io::Result<OwnedFd> {
    let mut walk = Walk::new(root, path)?;
    let mut attempts = 0;
    while let Some(name) = walk.pending.pop() {
        if walk.step(&name)? {
            continue;
        }
        attempts += 1;
        if attempts > ATTEMPTS_MAX.max(path.as_os_str().len() as u32) {
            return Err(Errno::AGAIN);
        }
        let here = walk.place.join(&name);
        let obstacle =
            Obstacle { parent: walk.current(), name: &name, path: &here, existing: walk.type_of(&name)? };
        match clear(&obstacle) {
            Ok(()) | Err(Errno::EXIST) => walk.pending.push(name),
            Err(other) => return Err(other),
        }
    }
    Ok(walk.opened.pop().unwrap_or(walk.root))
}

/// A walk under way: the directories from the root to where we are, and the components still to take.
struct Walk {
    root: OwnedFd,
    /// One descriptor per component of `place`, so that `..` goes back to where we came from.
    opened: Vec<OwnedFd>,
    place: PathBuf,
    /// In reverse, so that the next one is the last.
    pending: Vec<OsString>,
    links: u32,
}

impl Walk {
    fn new(root: BorrowedFd<'_>, path: &Path) -> rustix::io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(root, ".", flags, Mode::empty())?;
        let mut walk =
            Self { root, opened: Vec::new(), place: PathBuf::new(), pending: Vec::new(), links: 0 };
        walk.queue(path.as_os_str());
        Ok(walk)
    }

    fn current(&self) -> BorrowedFd<'_> {
        self.opened.last().unwrap_or(&self.root).as_fd()
    }

    fn queue(&mut self, path: &OsStr) {
        let parts = path.as_bytes().split(|byte| *byte == b'/').rev();
        self.pending
            .extend(parts.filter(|part| !part.is_empty()).map(|part| OsStr::from_bytes(part).to_owned()));
    }

    /// Takes one component: `false` when it is neither a directory nor a link.
    fn step(&mut self, name: &OsStr) -> rustix::io::Result<bool> {
        match name.as_bytes() {
            b"." => return Ok(true),
            b".." => {
                self.opened.pop();
                self.place.pop();
                return Ok(true);
            }
            _ => {}
        }
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let found = match rustix::fs::openat(self.current(), name, flags, Mode::empty()) {
            Ok(found) => found,
            Err(Errno::NOENT) => return Ok(false),
            Err(other) => return Err(other),
        };
        match FileType::from_raw_mode(rustix::fs::fstat(&found)?.st_mode) {
            FileType::Directory => {
                self.opened.push(found);
                self.place.push(name);
                Ok(true)
            }
            FileType::Symlink => self.follow(&found).map(|()| true),
            _ => Ok(false),
        }
    }

    fn follow(&mut self, link: &OwnedFd) -> rustix::io::Result<()> {
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(Errno::LOOP);
        }
        let target = rustix::fs::readlinkat(link, "", Vec::new())?.into_bytes();
        if target.first() == Some(&b'/') {
            self.opened.clear();
            self.place.clear();
        }
        self.queue(&OsString::from_vec(target));
        Ok(())
    }

    fn type_of(&self, name: &OsStr) -> rustix::io::Result<Option<FileType>> {
        match rustix::fs::statat(self.current(), name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
            Err(Errno::NOENT) => Ok(None),
            Err(other) => Err(other),
        }
    }
}

/// Opens a directory of the host by an ordinary path, to serve as a root (`O_PATH`).
///
/// # Errors
/// Whatever openat(2) reports.
pub fn open_root(path: &Path) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    /// A directory of its own with `root/` and `outside/` in it, removed at the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("sampan-path-{}-{number}", std::process::id()));
            fs::create_dir_all(path.join("root")).unwrap();
            fs::create_dir_all(path.join("outside")).unwrap();
            Self(path)
        }
        fn root(&self) -> PathBuf {
            self.0.join("root")
        }
        fn fd(&self) -> OwnedFd {
            open_root(&self.root()).unwrap()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const DIR: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);

    fn same(a: &OwnedFd, b: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        rustix::fs::fstat(a).unwrap().st_ino == fs::metadata(b).unwrap().ino()
    }

    #[test]
    fn beneath_refuses_what_leads_out() {
        let scratch = Scratch::new();
        symlink(scratch.0.join("outside"), scratch.root().join("absolute")).unwrap();
        symlink("../outside", scratch.root().join("relative")).unwrap();
        let root = scratch.fd();
        for path in ["absolute", "relative", "..", "../outside", "/etc"] {
            let answer = open_beneath(root.as_fd(), Path::new(path), DIR, Mode::empty());
            assert_eq!(answer.unwrap_err(), Errno::XDEV, "{path}");
        }
        let magic = open_root(Path::new("/proc/self")).unwrap();
        let answer = open_in_root(magic.as_fd(), Path::new("root/etc"), DIR, Mode::empty());
        assert_eq!(answer.unwrap_err(), Errno::LOOP);
    }

    #[test]
    fn in_root_reads_links_as_a_chroot_would() {
        let scratch = Scratch::new();
        fs::create_dir_all(scratch.root().join("usr/lib")).unwrap();
        symlink("/usr/lib", scratch.root().join("lib")).unwrap();
        symlink("../../../../usr", scratch.root().join("up")).unwrap();
        let root = scratch.fd();
        for (path, expected) in [("lib", "usr/lib"), ("/lib", "usr/lib"), ("up", "usr"), ("../../..", ".")] {
            let found = open_in_root(root.as_fd(), Path::new(path), DIR, Mode::empty()).unwrap();
            assert!(same(&found, &scratch.root().join(expected)), "{path}");
        }
        let answer = open_in_root_no_symlinks(root.as_fd(), Path::new("lib"), DIR, Mode::empty());
        assert_eq!(answer.unwrap_err(), Errno::LOOP);
        let answer = open_beneath_no_symlinks(root.as_fd(), Path::new("up/lib"), DIR, Mode::empty());
        assert_eq!(answer.unwrap_err(), Errno::LOOP);
    }

    #[test]
    fn missing_parents_are_made_inside_only() {
        let scratch = Scratch::new();
        symlink("/run", scratch.root().join("dangling")).unwrap();
        symlink("../../../../../outside/new", scratch.root().join("climber")).unwrap();
        let root = scratch.fd();
        for (path, expected) in [
            ("a/b/c", "a/b/c"),
            ("dangling/lock", "run/lock"),
            ("climber/x", "outside/new/x"),
            ("a/../../z", "z"),
        ] {
            let made = mkdir_all_in_root(root.as_fd(), Path::new(path), Mode::from(0o755)).unwrap();
            assert!(same(&made, &scratch.root().join(expected)), "{path}");
        }
        assert_eq!(fs::read_dir(scratch.0.join("outside")).unwrap().count(), 0);
        let (parent, name) =
            mkdir_parents_in_root(root.as_fd(), Path::new("/n/m/file"), Mode::from(0o755)).unwrap();
        assert!(same(&parent, &scratch.root().join("n/m")) && name == "file");
        let (parent, _) = mkdir_parents_in_root(root.as_fd(), Path::new("file"), Mode::from(0o755)).unwrap();
        assert!(same(&parent, &scratch.root()));
        let answer = mkdir_parents_in_root(root.as_fd(), Path::new("a/.."), Mode::from(0o755));
        assert_eq!(answer.unwrap_err(), Errno::INVAL);
    }

    #[test]
    fn files_and_loops_in_the_way_are_errors() {
        let scratch = Scratch::new();
        fs::write(scratch.root().join("file"), "").unwrap();
        symlink("loop", scratch.root().join("loop")).unwrap();
        let root = scratch.fd();
        let make =
            |path: &str| mkdir_all_in_root(root.as_fd(), Path::new(path), Mode::from(0o755)).unwrap_err();
        assert_eq!(make("file/x"), Errno::NOTDIR);
        assert_eq!(make("new/../file/x"), Errno::NOTDIR);
        assert_eq!(make("loop/x"), Errno::LOOP);
        assert_eq!(make("new/../loop/x"), Errno::LOOP);
    }

    #[test]
    fn a_directory_swapped_for_a_link_during_the_walk_does_not_lead_out() {
        let scratch = Scratch::new();
        let root = scratch.fd();
        let stop = AtomicBool::new(false);
        let (inside, swap) = (scratch.root().join("d"), scratch.root().join("swap"));
        fs::create_dir(&inside).unwrap();
        symlink("../../outside", &swap).unwrap();
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let directory = open_root(&scratch.root()).unwrap();
                while !stop.load(Ordering::Relaxed) {
                    let _ = rustix::fs::renameat_with(
                        &directory,
                        "d",
                        &directory,
                        "swap",
                        rustix::fs::RenameFlags::EXCHANGE,
                    );
                }
            });
            for round in 0..2000 {
                let path = PathBuf::from(format!("d/{round}/x/../y"));
                let _ = mkdir_all_in_root(root.as_fd(), &path, Mode::from(0o755));
            }
            stop.store(true, Ordering::Relaxed);
        });
        assert_eq!(fs::read_dir(scratch.0.join("outside")).unwrap().count(), 0);
    }
}
