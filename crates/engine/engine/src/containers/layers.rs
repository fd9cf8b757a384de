//! Reading a small file of a root file system without mounting it: the rules of overlayfs, by hand.
//!
//! `create` looks up users this way. Every path is resolved by descriptor inside one layer at a time; links are
//! followed by us, in the merged tree, so that none leads to the host.

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use spec::rootfs::Rootfs;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Links followed at the most (path_resolution(7)).
const LINKS_MAX: u32 = 40;

/// The layers of a root file system, topmost first.
#[derive(Debug)]
pub(super) struct Layers {
    roots: Vec<OwnedFd>,
    opaque: &'static str,
}

enum Found {
    Directory,
    Link(PathBuf),
    /// The layer that holds it.
    File(usize),
}

impl Layers {
    /// Opens the layers of an image, below a container's own; `None` where they are not directories.
    pub(super) fn open(rootfs: &Rootfs) -> io::Result<Option<Self>> {
        let open = |path: &PathBuf| kernel::path::open_root(path).map_err(io::Error::from);
        let (roots, user) = match rootfs {
            Rootfs::Overlay { lowers, userxattr, .. } => {
                (lowers.iter().map(open).collect::<Result<_, _>>()?, *userxattr)
            }
            Rootfs::Dir { path } => (vec![open(path)?], false),
            Rootfs::Erofs { .. } | Rootfs::Block { .. } => return Ok(None),
        };
        let opaque = if user { "user.overlay.opaque" } else { "trusted.overlay.opaque" };
        Ok(Some(Self { roots, opaque }))
    }

    /// Reads a file, `max` bytes at the most; `None` when there is no such regular file.
    pub(super) fn read(&self, path: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        let Some((layer, place)) = self.resolve(Path::new(path))? else { return Ok(None) };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let fd =
            kernel::path::open_beneath_no_symlinks(self.roots[layer].as_fd(), &place, flags, Mode::empty())?;
        let mut bytes = Vec::new();
        File::from(fd).take(max).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// The layer and the link-free path of a regular file.
    fn resolve(&self, path: &Path) -> io::Result<Option<(usize, PathBuf)>> {
        let mut pending = components(path);
        let mut place = PathBuf::new();
        let mut links = 0;
        while let Some(name) = pending.pop() {
            if name == ".." {
                place.pop();
                continue;
            }
            place.push(&name);
            match self.look(&place)? {
                Some(Found::Directory) => {}
                Some(Found::File(layer)) if pending.is_empty() => return Ok(Some((layer, place))),
                Some(Found::Link(target)) if links < LINKS_MAX => {
                    links += 1;
                    place.pop();
                    if target.is_absolute() {
                        place = PathBuf::new();
                    }
                    pending.extend(components(&target));
                }
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// What the merged tree has at a path whose parent is a directory reached without links.
    fn look(&self, place: &Path) -> io::Result<Option<Found>> {
        let Some((layer, fd, stat)) = self.topmost(place)? else { return Ok(None) };
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Some(Found::Directory),
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(&fd, "", Vec::new())?;
                use std::os::unix::ffi::OsStringExt;
                Some(Found::Link(std::ffi::OsString::from_vec(target.into_bytes()).into()))
            }
            FileType::RegularFile => Some(Found::File(layer)),
            // Any other special file has no content for us.
            _ => None,
        })
    }

    /// What stat(2) would say of a path of the merged tree that is reached without links; `None` when there is nothing.
    pub(super) fn stat(&self, place: &Path) -> io::Result<Option<Stat>> {
        Ok(self.topmost(place)?.map(|(_, _, stat)| stat))
    }

    /// The names that the merged tree has in a directory that is reached without links.
    pub(super) fn names(&self, place: &Path) -> io::Result<BTreeSet<OsString>> {
        let (mut names, mut hidden) = (BTreeSet::new(), BTreeSet::new());
        for root in &self.roots {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
            let directory = match open_in_layer(root, place, flags) {
                Ok(directory) => directory,
                Err(Errno::NOENT) if !self.hides_what_is_below(root, &place.join("x"))? => continue,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => break,
                Err(errno) => return Err(errno.into()),
            };
            for entry in rustix::fs::Dir::read_from(&directory)? {
                let name = OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned();
                if name == "." || name == ".." || names.contains(&name) || hidden.contains(&name) {
                    continue;
                }
                let stat = rustix::fs::statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW)?;
                let kept = if is_whiteout(&stat) { &mut hidden } else { &mut names };
                kept.insert(name);
            }
            if self.hides_what_is_below(root, &place.join("x"))? {
                break;
            }
        }
        Ok(names)
    }

    /// The topmost object at a path that is reached without links, and its layer; `None` when there is nothing, or it
    /// is hidden.
    fn topmost(&self, place: &Path) -> io::Result<Option<(usize, OwnedFd, Stat)>> {
        for (layer, root) in self.roots.iter().enumerate() {
            match open_in_layer(root, place, OFlags::PATH | OFlags::NOFOLLOW) {
                Ok(fd) => {
                    let stat = rustix::fs::fstat(&fd)?;
                    return Ok((!is_whiteout(&stat)).then_some((layer, fd, stat)));
                }
                Err(Errno::NOENT) => {
                    if self.hides_what_is_below(root, place)? {
                        return Ok(None);
                    }
                }
                // An ancestor is no directory in this layer: nothing below it shines through.
                Err(Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(None)
    }

    /// Whether an ancestor of `place` in this layer is opaque.
    fn hides_what_is_below(&self, root: &OwnedFd, place: &Path) -> io::Result<bool> {
        for ancestor in place.ancestors().skip(1) {
            let path = if ancestor.as_os_str().is_empty() { Path::new(".") } else { ancestor };
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
            let fd = match kernel::path::open_beneath(root.as_fd(), path, flags, Mode::empty()) {
                Ok(fd) => fd,
                Err(Errno::NOENT) => continue,
                Err(_) => return Ok(true),
            };
            let mut value = [0u8; 4];
            match rustix::fs::fgetxattr(&fd, self.opaque, &mut value[..]) {
                Ok(1) if value[0] == b'y' => return Ok(true),
                Ok(_) | Err(Errno::NODATA | Errno::NOTSUP | Errno::RANGE) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(false)
    }
}

/// Opens a path of one layer; empty is the layer's root.
fn open_in_layer(root: &OwnedFd, place: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
    kernel::path::open_beneath(root.as_fd(), place, flags, Mode::empty())
}

/// A character device 0:0, by which overlayfs hides what is below (overlayfs.rst, "whiteouts and opaque directories").
pub(super) fn is_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

/// The names of a path in reverse, so that the next one is the last.
fn components(path: &Path) -> Vec<std::ffi::OsString> {
    use std::path::Component;
    path.components()
        .rev()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

/// The content of a regular file inside a running container's root, `max` bytes at the most; `None` when there is no
/// such file.
///
/// The container decides what is there while we look. So it is held first and opened only once it is known to be a
/// regular file of an ordinary file system: opening a device or a pipe does something, and so does reading some files
/// of `/proc`, with the rights of the host's root and beyond the reach of the container's device rules.
pub(super) fn read_in_root(root: BorrowedFd<'_>, path: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
    let held = match kernel::path::open_in_root(root, Path::new(path), OFlags::PATH, Mode::empty()) {
        Ok(held) => held,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    let stat = rustix::fs::statat(&held, "", AtFlags::EMPTY_PATH)?;
    let kernel_s = KERNEL_FILE_SYSTEMS.contains(&rustix::fs::fstatfs(&held)?.f_type);
    if kernel_s || FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Ok(None);
    }
    // The very file that is held, whatever has its name by now.
    let mut bytes = Vec::new();
    File::open(format!("/proc/self/fd/{}", held.as_raw_fd()))?.take(max).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// proc, sysfs, cgroup and cgroup2 (linux/magic.h): their regular files are the kernel's answers.
const KERNEL_FILE_SYSTEMS: [i64; 4] = [0x9fa0, 0x6265_6572, 0x0027_e0eb, 0x6367_7270];

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn overlay(root: &Path, count: usize) -> (Vec<PathBuf>, Rootfs) {
        let lowers: Vec<_> = (0..count).map(|number| root.join(number.to_string())).collect();
        for lower in &lowers {
            fs::create_dir_all(lower.join("etc")).unwrap();
        }
        let rootfs = Rootfs::Overlay { lowers: lowers.clone(), upper: None, work: None, userxattr: false };
        (lowers, rootfs)
    }

    fn read(rootfs: &Rootfs, path: &str) -> Option<String> {
        let layers = Layers::open(rootfs).unwrap().unwrap();
        layers.read(path, 100).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn the_topmost_layer_wins_and_links_stay_inside() {
        let root = tempfile::tempdir().unwrap();
        let (lowers, rootfs) = overlay(root.path(), 2);
        fs::write(lowers[1].join("etc/passwd"), "lower").unwrap();
        assert_eq!(read(&rootfs, "/etc/passwd").as_deref(), Some("lower"));
        fs::write(lowers[0].join("etc/passwd"), "upper").unwrap();
        assert_eq!(read(&rootfs, "/etc/passwd").as_deref(), Some("upper"));
        symlink("../../../etc/passwd", lowers[0].join("etc/group")).unwrap();
        assert_eq!(read(&rootfs, "/etc/group").as_deref(), Some("upper"));
        symlink("/etc", lowers[1].join("link")).unwrap();
        assert_eq!(read(&rootfs, "/link/passwd").as_deref(), Some("upper"));
        symlink("loop", lowers[1].join("loop")).unwrap();
        assert_eq!(read(&rootfs, "/loop"), None);
        assert_eq!(read(&rootfs, "/etc"), None);
        assert_eq!(read(&rootfs, "/none/passwd"), None);
    }

    #[test]
    fn whiteouts_and_opaque_directories_hide() {
        let root = tempfile::tempdir().unwrap();
        let (lowers, rootfs) = overlay(root.path(), 2);
        fs::write(lowers[1].join("etc/passwd"), "lower").unwrap();
        let etc = lowers[0].join("etc");
        let set = rustix::fs::setxattr(&etc, "trusted.overlay.opaque", b"y", rustix::fs::XattrFlags::empty());
        if set.is_err() {
            eprintln!("skipped: needs root");
            return;
        }
        assert_eq!(read(&rootfs, "/etc/passwd"), None);
        fs::remove_dir(&etc).unwrap();
        assert_eq!(read(&rootfs, "/etc/passwd").as_deref(), Some("lower"));
        rustix::fs::mknodat(rustix::fs::CWD, &etc, FileType::CharacterDevice, Mode::empty(), 0).unwrap();
        assert_eq!(read(&rootfs, "/etc/passwd"), None);
    }

    /// Whether a pipe at `/etc/passwd` of a root is opened. A device would be opened just so.
    fn opens_pipe(read: impl FnOnce(&OwnedFd)) -> bool {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        let pipe = root.path().join("etc/passwd");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let watch = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        add_watch(&watch, &pipe, WatchFlags::OPEN).unwrap();
        read(&kernel::path::open_root(root.path()).unwrap());
        rustix::io::read(&watch, &mut [0u8; 256]) != Err(Errno::AGAIN)
    }

    #[test]
    fn what_is_no_file_is_not_even_opened() {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let passwd = Path::new("/etc/passwd");
        // Without looking first it is, so the test would see it.
        assert!(opens_pipe(|root| {
            kernel::path::open_in_root(root.as_fd(), passwd, flags, Mode::empty()).unwrap();
        }));
        assert!(!opens_pipe(|root| assert_eq!(read_in_root(root.as_fd(), "/etc/passwd", 10).unwrap(), None)));
    }

    #[test]
    fn links_lead_to_no_file_of_the_kernel_s() {
        let root = kernel::path::open_root(Path::new("/")).unwrap();
        let name = |path: &str| read_in_root(root.as_fd(), path, 1000).unwrap().is_some();
        assert!(name("/etc/passwd"));
        assert!(!name("/proc/uptime") && !name("/sys/kernel/mm/transparent_hugepage/enabled"));
    }
}
