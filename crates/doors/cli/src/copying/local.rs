//! The caller's own files.

use super::paths::{self, Destination, Source};
use crate::failure::Failure;
use engine::archive::{
    ApplyError, ApplyOptions, Ownership, TarWriter, TreeOptions, WriteError, append_object, apply_layer,
};
use rustix::fs::{CWD, Mode, OFlags};
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Links followed at the most to find where a destination is.
const LINKS_MAX: u32 = 10;

fn failed(action: &'static str, path: &str) -> impl Fn(io::Error) -> Failure {
    let path = path.to_owned();
    move |error| match error.kind() {
        // Docker's words.
        ErrorKind::NotFound => Failure::new(format!("{action} {path}: no such file or directory")),
        _ => Failure::new(format!("{action} {path}: {error}")),
    }
}

fn text(path: &Path) -> Result<String, Failure> {
    let shown = || Failure::new(format!("{}: the path is not valid UTF-8", path.display()));
    path.to_str().map(str::to_owned).ok_or_else(shown)
}

/// An absolute path, with the ending that was typed.
pub(crate) fn absolute(typed: &str) -> Result<String, Failure> {
    let here = std::env::current_dir().map_err(failed("find", "."))?;
    Ok(paths::absolute(&text(&here)?, typed))
}

/// What is copied from here: links before the last component are followed, the last one only with `follow`.
pub(crate) fn source(path: &str, follow: bool) -> Result<Source, Failure> {
    let (resolved, name) = if follow {
        let real = fs::canonicalize(path).map_err(failed("lstat", path))?;
        paths::rebased(path, &text(&real)?)
    } else {
        let (directory, entry) = path.rsplit_once('/').map_or(("", path), |(before, after)| (before, after));
        let directory = if directory.is_empty() { "/" } else { directory };
        let real = text(&fs::canonicalize(directory).map_err(failed("lstat", path))?)?;
        let resolved = format!("{}/{entry}", real.trim_end_matches('/'));
        let name = if path.ends_with('/') { paths::rebased(path, &resolved).1 } else { None };
        (resolved, name)
    };
    let found = fs::symlink_metadata(&resolved).map_err(failed("lstat", path))?;
    Ok(Source { path: resolved, is_directory: found.is_dir(), name })
}

/// Refuses what cannot be written to.
pub(crate) fn check_destination(path: &str) -> Result<(), Failure> {
    let parent = Path::new(path.trim_end_matches('/')).parent().unwrap_or(Path::new("/"));
    if !parent.exists() {
        return Err(Failure::new(format!(
            "invalid output path: directory {:?} does not exist",
            parent.display().to_string()
        )));
    }
    match fs::metadata(path) {
        Ok(found) if found.file_type().is_char_device() || found.file_type().is_block_device() => {
            Err(Failure::new(format!(
                "invalid output path: {path:?} must be a directory or a regular file: got a device"
            )))
        }
        _ => Ok(()),
    }
}

/// Where a copy goes here: the links at the end of the path followed, whether there is something at their end or not.
pub(crate) fn destination(typed: &str) -> Result<Destination, Failure> {
    let mut path = typed.to_owned();
    for _ in 0..=LINKS_MAX {
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let (parent, _) = paths::split_entry(&path);
                return match fs::metadata(&parent).map_err(failed("stat", &parent))? {
                    parent if parent.is_dir() => Ok(Destination { path, exists: false, is_directory: false }),
                    _ => Err(Failure::new(format!("{parent} is not a directory"))),
                };
            }
            Err(error) => return Err(failed("lstat", &path)(error)),
        };
        if !found.file_type().is_symlink() {
            return Ok(Destination { path, exists: true, is_directory: found.is_dir() });
        }
        let target = text(&fs::read_link(&path).map_err(failed("readlink", &path))?)?;
        path = paths::absolute(&paths::split_entry(&path).0, &target);
    }
    Err(Failure::new(format!("too many symbolic links at {typed}")))
}

/// Writes what is at a path as an archive whose entries begin with `name`. `None` when the reader went away, who then
/// knows why.
pub(crate) fn write(path: &str, name: &str, out: impl Write) -> Result<Option<()>, Failure> {
    let (directory, entry) = paths::split_entry(path);
    let object = open(&directory, OFlags::DIRECTORY)
        .and_then(|directory| match entry.as_str() {
            "." | "/" => Ok(directory),
            entry => rustix::fs::openat(
                directory,
                entry,
                OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
                Mode::empty(),
            ),
        })
        .map_err(|errno| failed("open", path)(errno.into()))?;
    let mut writer = TarWriter::new(out);
    let written = append_object(&mut writer, object, name.as_bytes(), &TreeOptions::default())
        .and_then(|_| writer.finish().map(drop));
    match written {
        Ok(()) => Ok(Some(())),
        Err(WriteError::Output { source }) if source.kind() == ErrorKind::BrokenPipe => Ok(None),
        Err(error) => Err(Failure::of(&error)),
    }
}

/// Extracts an archive into a directory; everything belongs to the caller.
pub(crate) fn extract(directory: &str, content: impl Read) -> Result<(), Failure> {
    let target =
        open(directory, OFlags::DIRECTORY).map_err(|errno| failed("open", directory)(errno.into()))?;
    let options = ApplyOptions { ownership: Ownership::Caller, keep_kinds: true, ..ApplyOptions::default() };
    match apply_layer(content, target.as_fd(), &options) {
        Ok(_) => Ok(()),
        Err(ApplyError::Refused { path, reason }) => {
            Err(Failure::new(format!("cannot copy to {directory}: {}: {reason}", path.display())))
        }
        Err(error) => Err(Failure::of(&error)),
    }
}

fn open(path: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC | flags, Mode::empty())
}
