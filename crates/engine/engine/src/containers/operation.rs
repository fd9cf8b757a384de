//! The operation lock: who changes a container holds it.

use crate::documents::{self, FileError};
use monitor::layout::{ContainerDirectories, exec};
use std::fs::File;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::time::{Duration, Instant};

/// A held operation lock, freed when dropped or when the process dies.
#[derive(Debug)]
pub(crate) struct Operation {
    _lock: File,
}

/// A held liveness lock: no monitor owns the container.
#[derive(Debug)]
pub(crate) struct Liveness {
    pub(crate) file: File,
}

fn open_lock(path: &std::path::Path) -> std::io::Result<File> {
    File::options().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)
}

impl Operation {
    /// Waits for the lock. Makes the container's exec directory, which a reboot takes away.
    pub(crate) fn begin(directories: &ContainerDirectories) -> Result<Self, FileError> {
        let path = directories.exec.join(exec::OPERATION_LOCK);
        loop {
            let lock = match open_lock(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    documents::make_directory(&directories.exec)?;
                    open_lock(&path)
                }
                done => done,
            };
            let lock = match lock {
                // A removal took the directory away again.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                done => done.map_err(FileError::of("open", &path))?,
            };
            kernel::lock::exclusive(&lock).map_err(FileError::of_errno("lock", &path))?;
            // Whoever held it before may have removed it: the lock counts only under its name.
            if lock.metadata().map_err(FileError::of("look at", &path))?.nlink() > 0 {
                return Ok(Self { _lock: lock });
            }
        }
    }

    /// Whether somebody changes the container now.
    pub(crate) fn is_held(directories: &ContainerDirectories) -> bool {
        is_held(&directories.exec.join(exec::OPERATION_LOCK))
    }
}

fn is_held(path: &std::path::Path) -> bool {
    // Querying needs no write permission, but the kernel wants the open mode to match the asked lock.
    File::options()
        .read(true)
        .write(true)
        .open(path)
        .is_ok_and(|file| kernel::lock::is_locked(&file).unwrap_or(false))
}

impl Liveness {
    /// Takes the lock if no monitor holds it. The caller holds the operation lock.
    pub(crate) fn try_take(directories: &ContainerDirectories) -> Result<Option<Self>, FileError> {
        let path = directories.exec.join(exec::LIVE_LOCK);
        let file = open_lock(&path).map_err(FileError::of("open", &path))?;
        let taken = kernel::lock::try_exclusive(&file).map_err(FileError::of_errno("lock", &path))?;
        Ok(taken.then_some(Self { file }))
    }

    /// Takes the lock once the monitor lets go; `None` when it has not after `patience`.
    pub(crate) fn take_within(
        directories: &ContainerDirectories,
        patience: Duration,
    ) -> Result<Option<Self>, FileError> {
        let began = Instant::now();
        // A monitor that has said its last word is gone within microseconds; a killed container may take longer.
        let mut pause = Duration::from_micros(50);
        loop {
            if let Some(taken) = Self::try_take(directories)? {
                return Ok(Some(taken));
            }
            if began.elapsed() > patience {
                return Ok(None);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Whether a monitor, or an engine about to start one, owns the container.
    pub(crate) fn is_held(directories: &ContainerDirectories) -> bool {
        is_held(&directories.exec.join(exec::LIVE_LOCK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_lock_does_not_count() {
        let root = tempfile::tempdir().unwrap();
        let directories = ContainerDirectories { data: root.path().join("d"), exec: root.path().join("e") };
        let first = Operation::begin(&directories).unwrap();
        assert!(Operation::is_held(&directories));
        let waiter = std::thread::scope(|scope| {
            let waiter = scope.spawn(|| Operation::begin(&directories).unwrap());
            std::thread::sleep(Duration::from_millis(50));
            std::fs::remove_dir_all(&directories.exec).unwrap();
            drop(first);
            waiter.join().unwrap()
        });
        assert!(Operation::is_held(&directories));
        drop(waiter);
        assert!(!Operation::is_held(&directories));
    }
}
