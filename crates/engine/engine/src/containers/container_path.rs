//! Paths that a person names inside a container, resolved below its root by descriptor.
//!
//! The container may be hostile and may change its tree while we walk: everything is resolved by the kernel below the
//! root descriptor (openat2(2)), links as a process in the container would read them. With the feature `weakened` a
//! path is resolved as a naive program would, so that the escape tests can show that their attacks are real.

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Links followed at the most (path_resolution(7)).
const LINKS_MAX: u32 = 40;

/// A path as typed: absolute, without `.`, `..` and doubled slashes, lexically, as Docker's server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContainerPath {
    cleaned: PathBuf,
    /// It ends in `/` or `/.`: what is meant is a directory, through a link.
    is_directory: bool,
    /// It ends in `/.`: what is meant is what is in it.
    is_content: bool,
}

impl ContainerPath {
    pub(super) fn parse(typed: &str) -> Self {
        let mut parts: Vec<&str> = Vec::new();
        for part in typed.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                other => parts.push(other),
            }
        }
        let is_content = typed == "." || typed.trim_end_matches('/').ends_with("/.");
        Self {
            is_directory: is_content || typed.ends_with('/') || parts.is_empty(),
            is_content: is_content || parts.is_empty(),
            cleaned: PathBuf::from(format!("/{}", parts.join("/"))),
        }
    }

    /// The last component; `.` for the content of a directory and for the root.
    pub(super) fn name(&self) -> &OsStr {
        self.cleaned.file_name().filter(|_| !self.is_content).unwrap_or(OsStr::new("."))
    }

    /// Opens what is there (`O_PATH`): a link itself, unless a directory is meant.
    pub(super) fn open(&self, root: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
        let kind = if self.is_directory { OFlags::DIRECTORY } else { OFlags::NOFOLLOW };
        resolve(root, &self.cleaned, OFlags::PATH | kind)
    }

    /// Opens the directory there, through links.
    pub(super) fn open_directory(&self, root: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
        resolve(root, &self.cleaned, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// Where a link leads, every link on the way resolved as far as there is something; a name, nothing more.
    pub(super) fn target(&self, root: BorrowedFd<'_>) -> rustix::io::Result<PathBuf> {
        let mut pending = components(&self.cleaned);
        let mut place = PathBuf::from("/");
        let mut links = 0;
        while let Some(name) = pending.pop() {
            match name.as_bytes() {
                b"." => continue,
                b".." => {
                    place.pop();
                    continue;
                }
                _ => place.push(&name),
            }
            let Some(target) = link_at(root, &place)? else { continue };
            links += 1;
            if links > LINKS_MAX {
                return Err(Errno::LOOP);
            }
            place.pop();
            if target.is_absolute() {
                place = PathBuf::from("/");
            }
            pending.extend(components(&target));
        }
        Ok(place)
    }
}

/// The names of a path in reverse, so that the next one is the last.
fn components(path: &Path) -> Vec<OsString> {
    let parts = path.as_os_str().as_bytes().split(|byte| *byte == b'/').rev();
    parts.filter(|part| !part.is_empty()).map(|part| OsStr::from_bytes(part).to_owned()).collect()
}

/// The target of the link at a place whose parents are no links; `None` when it is no link, or nothing is there.
fn link_at(root: BorrowedFd<'_>, place: &Path) -> rustix::io::Result<Option<PathBuf>> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW;
    let found = match kernel::path::open_in_root_no_symlinks(root, place, flags, Mode::empty()) {
        Ok(found) => found,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
        Err(other) => return Err(other),
    };
    match rustix::fs::readlinkat(found.as_fd(), "", Vec::new()) {
        Ok(target) => Ok(Some(OsString::from_vec(target.into_bytes()).into())),
        // readlink(2) on something else by an empty path.
        Err(Errno::INVAL | Errno::NOENT) => Ok(None),
        Err(other) => Err(other),
    }
}

#[cfg(not(feature = "weakened"))]
fn resolve(root: BorrowedFd<'_>, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    kernel::path::open_in_root(root, path, flags, Mode::empty())
}

#[cfg(feature = "weakened")]
fn resolve(root: BorrowedFd<'_>, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let relative = path.strip_prefix("/").ok().filter(|path| !path.as_os_str().is_empty());
    rustix::fs::openat(root, relative.unwrap_or(Path::new(".")), flags | OFlags::CLOEXEC, Mode::empty())
}

#[cfg(test)]
#[cfg(not(feature = "weakened"))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_a_path_means() {
        for (typed, cleaned, name, directory) in [
            ("/a/b", "/a/b", "b", false),
            ("a/b/", "/a/b", "b", true),
            ("/a/b/.", "/a/b", ".", true),
            ("/a/b/./", "/a/b", ".", true),
            ("/a/../../b", "/b", "b", false),
            ("/", "/", ".", true),
            ("", "/", ".", true),
            (".", "/", ".", true),
            ("..", "/", ".", true),
            ("/a.", "/a.", "a.", false),
        ] {
            let path = ContainerPath::parse(typed);
            assert_eq!(
                (path.cleaned.as_path(), path.name(), path.is_directory),
                (Path::new(cleaned), OsStr::new(name), directory),
                "{typed}"
            );
        }
    }

    #[test]
    fn links_stay_inside_and_are_named_to_their_end() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("root");
        fs::create_dir_all(root.join("usr/lib")).unwrap();
        fs::write(place.path().join("secret"), "outside").unwrap();
        symlink("/usr/lib", root.join("lib")).unwrap();
        symlink("../../../lib/x", root.join("usr/far")).unwrap();
        symlink("../secret", root.join("out")).unwrap();
        symlink("round", root.join("round")).unwrap();
        let fd = kernel::path::open_root(&root).unwrap();
        let target = |typed: &str| ContainerPath::parse(typed).target(fd.as_fd());
        assert_eq!(target("/usr/far").unwrap(), Path::new("/usr/lib/x"));
        assert_eq!(target("/out").unwrap(), Path::new("/secret"));
        assert_eq!(target("/round").unwrap_err(), Errno::LOOP);
        assert_eq!(target("/nothing/here").unwrap(), Path::new("/nothing/here"));
        let open = |typed: &str| ContainerPath::parse(typed).open(fd.as_fd());
        assert!(open("/lib/").is_ok() && open("/lib").is_ok());
        assert_eq!(open("/out/").unwrap_err(), Errno::NOENT);
        assert_eq!(open("/secret").unwrap_err(), Errno::NOENT);
    }
}
