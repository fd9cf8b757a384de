//! Local volumes: directories that outlive containers.
//!
//! The engine calls it; which volumes there are, and who uses them, is in the engine's index. Below the root each
//! volume is `<name>/_data`, as Docker lays them out, so that other tools find the content.
//!
//! Contract: [`Volumes::create`] is idempotent and leaves a complete volume or none; [`Volumes::remove`] takes the
//! name away at once, in one rename, and the content after it. What a killed process leaves is in
//! [`Volumes::leftovers`].
//!
//! Limits: the local driver without options; ownership by the content, no id mapping yet.

mod error;

pub use error::VolumeError;

use ids::VolumeName;
use rustix::fs::{FileType, Mode, OFlags};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The content's directory in a volume's.
const DATA: &str = "_data";
/// What a directory on its way out is called: no volume's name begins with a dot.
const TRASH: &str = ".trash-";
/// Directories seen by others only if they know what they look for (moby, `volume/local`).
const MODE_ABOVE: u32 = 0o701;
const MODE_DATA: u32 = 0o755;

/// The volumes below one directory. Cheap to make (no system call).
#[derive(Debug, Clone)]
pub struct Volumes {
    root: PathBuf,
}

impl Volumes {
    /// The volumes below `root`, which need not exist yet.
    #[must_use]
    pub fn open(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn place(&self, name: &VolumeName) -> PathBuf {
        self.root.join(name.as_str())
    }

    /// Where the content of a volume is, whether it exists or not.
    #[must_use]
    pub fn data(&self, name: &VolumeName) -> PathBuf {
        self.place(name).join(DATA)
    }

    /// Makes a volume; whether it was not there.
    ///
    /// # Errors
    /// When a directory cannot be made.
    pub fn create(&self, name: &VolumeName) -> Result<bool, VolumeError> {
        let place = self.place(name);
        let mut above = DirBuilder::new();
        above.recursive(true).mode(MODE_ABOVE).create(&place).map_err(VolumeError::of("create", &place))?;
        let data = place.join(DATA);
        match DirBuilder::new().mode(MODE_DATA).create(&data) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(VolumeError::of("create", &data)(error)),
        }
    }

    /// Opens the content's directory.
    ///
    /// # Errors
    /// When it is not there, or is no directory.
    pub fn open_data(&self, name: &VolumeName) -> Result<OwnedFd, VolumeError> {
        let data = self.data(name);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::open(&data, flags, Mode::empty())
            .map_err(|errno| VolumeError::of("open", &data)(errno.into()))
    }

    /// Whether a volume has no content.
    ///
    /// # Errors
    /// When its directory cannot be read.
    pub fn is_empty(&self, name: &VolumeName) -> Result<bool, VolumeError> {
        let data = self.data(name);
        let mut entries = fs::read_dir(&data).map_err(VolumeError::of("read", &data))?;
        Ok(entries.next().is_none())
    }

    /// Removes a volume; whether it was there. Its name is free at once.
    ///
    /// # Errors
    /// When the file system refuses; the name may be gone then, and the rest is a leftover.
    pub fn remove(&self, name: &VolumeName) -> Result<bool, VolumeError> {
        let place = self.place(name);
        let trash = self.root.join(format!("{TRASH}{}", ids::ExecId::random().short()));
        match fs::rename(&place, &trash) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            done => done.map_err(VolumeError::of("remove", &place))?,
        }
        remove_tree(&trash)?;
        Ok(true)
    }

    /// Names of the volumes on the disk, in no order.
    ///
    /// # Errors
    /// When the root cannot be read.
    pub fn list(&self) -> Result<Vec<VolumeName>, VolumeError> {
        Ok(self.entries()?.iter().filter_map(|name| VolumeName::parse(name).ok()).collect())
    }

    /// What removals that were cut short have left.
    ///
    /// # Errors
    /// When the root cannot be read.
    pub fn leftovers(&self) -> Result<Vec<PathBuf>, VolumeError> {
        let entries = self.entries()?;
        Ok(entries.iter().filter(|name| name.starts_with(TRASH)).map(|name| self.root.join(name)).collect())
    }

    /// Deletes [`leftovers`](Self::leftovers); how many.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn sweep_leftovers(&self) -> Result<usize, VolumeError> {
        let leftovers = self.leftovers()?;
        leftovers.iter().try_for_each(|path| remove_tree(path))?;
        Ok(leftovers.len())
    }

    fn entries(&self) -> Result<Vec<String>, VolumeError> {
        let entries = match fs::read_dir(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            done => done.map_err(VolumeError::of("read", &self.root))?,
        };
        let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
        names.collect::<Result<_, _>>().map_err(VolumeError::of("read", &self.root))
    }

    /// Bytes that a volume takes on the disk, hard links counted once.
    ///
    /// # Errors
    /// When a directory cannot be read; what vanishes meanwhile is no error.
    pub fn usage(&self, name: &VolumeName) -> Result<u64, VolumeError> {
        let mut bytes = 0;
        let mut linked = std::collections::HashSet::new();
        let mut pending = vec![self.data(name)];
        while let Some(directory) = pending.pop() {
            let entries = match fs::read_dir(&directory) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                done => done.map_err(VolumeError::of("read", &directory))?,
            };
            for entry in entries.flatten() {
                let Ok(found) = entry.metadata() else { continue };
                if found.nlink() == 1 || found.is_dir() || linked.insert((found.dev(), found.ino())) {
                    bytes += found.blocks() * 512;
                }
                if FileType::from_raw_mode(found.mode()) == FileType::Directory {
                    pending.push(entry.path());
                }
            }
        }
        Ok(bytes)
    }
}

fn remove_tree(path: &Path) -> Result<(), VolumeError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(VolumeError::of("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(name: &str) -> VolumeName {
        VolumeName::parse(name).unwrap()
    }

    #[test]
    fn a_life() {
        let root = tempfile::tempdir().unwrap();
        let volumes = Volumes::open(root.path().join("volumes"));
        let name = volume("data");
        assert_eq!(volumes.list().unwrap(), []);
        assert!(volumes.create(&name).unwrap());
        assert!(!volumes.create(&name).unwrap());
        assert!(volumes.is_empty(&name).unwrap());
        fs::write(volumes.data(&name).join("file"), vec![7; 10_000]).unwrap();
        fs::hard_link(volumes.data(&name).join("file"), volumes.data(&name).join("same")).unwrap();
        assert!(!volumes.is_empty(&name).unwrap());
        let usage = volumes.usage(&name).unwrap();
        assert!((10_000..30_000).contains(&usage), "{usage}");
        assert_eq!(volumes.list().unwrap(), std::slice::from_ref(&name));
        assert!(volumes.remove(&name).unwrap());
        assert!(!volumes.remove(&name).unwrap());
        assert_eq!(fs::read_dir(root.path().join("volumes")).unwrap().count(), 0);
    }

    #[test]
    fn a_removal_that_was_cut_short_is_found() {
        let root = tempfile::tempdir().unwrap();
        let volumes = Volumes::open(root.path());
        fs::create_dir_all(root.path().join(".trash-0123/_data")).unwrap();
        assert_eq!(volumes.list().unwrap(), []);
        assert_eq!(volumes.leftovers().unwrap().len(), 1);
        assert_eq!(volumes.sweep_leftovers().unwrap(), 1);
        assert_eq!(volumes.leftovers().unwrap().len(), 0);
    }

    #[test]
    fn a_link_in_the_place_of_the_content_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let volumes = Volumes::open(root.path());
        let name = volume("data");
        fs::create_dir(root.path().join("data")).unwrap();
        std::os::unix::fs::symlink("/etc", volumes.data(&name)).unwrap();
        assert!(volumes.open_data(&name).is_err());
    }
}
