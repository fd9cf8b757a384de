//! Connections that came through ports which lead nowhere any more, and the note that they are still to be ended.
//!
//! The kernel walks its whole table for it ([`super::end_connections`]), so it happens after whoever waited for the
//! ports has been answered; but it must happen before somebody else gets the address, and even if the process that
//! was to do it is killed. So the address is noted first, as a file in a directory of the instance:
//!
//! | the file | means |
//! |---|---|
//! | missing | the connections have been ended |
//! | locked | somebody is at it |
//! | not locked | whoever was is gone: the next user of the address ends them, or a repair |

use super::withdraw::{UnpublishError, Withdrawn, end_connections};
use crate::NetworkSockets;
use kernel::netlink::conntrack::{self, Filter};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long somebody else may take to end them; the kernel needs some milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks at whether they have.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);
/// So many notes are looked at; there is one for each container that ends just now.
const NOTES_MAX: usize = 65_536;

/// Connections could not be ended, or it could not be noted that they are to be.
#[derive(Debug, thiserror::Error)]
pub enum StaleError {
    /// The note.
    #[error("cannot note that the connections of {address} are to be ended in {path}")]
    Note {
        /// The address.
        address: Ipv4Addr,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The kernel.
    #[error(transparent)]
    Connections(#[from] UnpublishError),
}

/// A note of ours, locked.
#[derive(Debug)]
#[must_use]
pub struct StaleConnections {
    path: PathBuf,
    _lock: File,
}

impl StaleConnections {
    /// Notes in `directory`, which is made if it is missing and stays, that the connections of `address` are to be ended.
    ///
    /// # Errors
    /// [`StaleError::Note`]; then it must not be put off.
    pub fn note(directory: &Path, address: Ipv4Addr) -> Result<Self, StaleError> {
        let path = directory.join(address.to_string());
        let failed = |source| StaleError::Note { address, path: path.clone(), source };
        let deadline = Instant::now() + PATIENCE;
        match fs::create_dir(directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
        loop {
            let file =
                File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
            if lock(&file, deadline).map_err(|errno| failed(errno.into()))? && is_named(&file) {
                return Ok(Self { path, _lock: file });
            }
            if Instant::now() > deadline {
                return Err(failed(ErrorKind::TimedOut.into()));
            }
        }
    }

    /// Ends the connections that came through the withdrawn ports, and takes the note away.
    ///
    /// # Errors
    /// When the kernel cannot end them; the note stays.
    pub fn end(self, sockets: &NetworkSockets, withdrawn: &Withdrawn) -> Result<(), UnpublishError> {
        end_connections(sockets, withdrawn)?;
        self.take_away();
        Ok(())
    }

    fn take_away(self) {
        // What stays only makes somebody do it again.
        let _ = fs::remove_file(&self.path);
    }
}

/// For the next user of an address, and for repair: ends what is left of its former connections, if a note says that
/// there is something. Waits for somebody who is at it. Says whether there was something.
///
/// # Errors
/// See [`StaleError`].
pub fn end_stale_connections(
    directory: &Path,
    sockets: &NetworkSockets,
    address: Ipv4Addr,
) -> Result<bool, StaleError> {
    let path = directory.join(address.to_string());
    let failed = |source| StaleError::Note { address, path: path.clone(), source };
    let file = match File::options().write(true).open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        file => file.map_err(failed)?,
    };
    let ours = lock(&file, Instant::now() + PATIENCE).map_err(|errno| failed(errno.into()))?;
    if ours && !is_named(&file) {
        return Ok(false);
    }
    conntrack::flush(&sockets.netfilter, Filter::AnsweredBy(address), |_| true)
        .map_err(|source| UnpublishError::Connections { address, source })?;
    if ours {
        StaleConnections { path, _lock: file }.take_away();
    }
    Ok(true)
}

/// Whether there is a note of the address that nobody holds.
#[must_use]
pub fn is_stale(directory: &Path, address: Ipv4Addr) -> bool {
    is_lost(&directory.join(address.to_string()))
}

fn is_lost(note: &Path) -> bool {
    // One that has gone meanwhile is settled.
    File::options()
        .write(true)
        .open(note)
        .is_ok_and(|file| matches!(kernel::lock::is_locked(&file), Ok(false)))
}

/// Addresses with a note that nobody holds.
///
/// # Errors
/// When the directory cannot be read; a missing one has no notes.
pub fn list_stale_connections(directory: &Path) -> io::Result<Vec<Ipv4Addr>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries.take(NOTES_MAX) {
        let entry = entry?;
        let Some(address) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if is_lost(&entry.path()) {
            found.push(address);
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn lock(file: &File, deadline: Instant) -> rustix::io::Result<bool> {
    loop {
        match kernel::lock::try_exclusive(file) {
            Ok(false) if Instant::now() < deadline => std::thread::sleep(LOOK_INTERVAL),
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}

/// Whoever held it before may have taken it away: the lock counts only under its name.
fn is_named(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_seen_once_nobody_holds_it() {
        let root = std::env::temp_dir().join(format!("sampan-stale-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        let directory = root.join("notes");
        let address = Ipv4Addr::new(10, 1, 2, 3);
        assert!(list_stale_connections(&directory).unwrap().is_empty());
        let note = StaleConnections::note(&directory, address).unwrap();
        assert!(list_stale_connections(&directory).unwrap().is_empty());
        drop(note);
        assert_eq!(list_stale_connections(&directory).unwrap(), [address]);
        fs::write(directory.join("something else"), "").unwrap();
        assert_eq!(list_stale_connections(&directory).unwrap(), [address]);
        fs::remove_file(directory.join("something else")).unwrap();
        StaleConnections::note(&directory, address).unwrap().take_away();
        assert!(list_stale_connections(&directory).unwrap().is_empty());
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn one_waits_for_whoever_is_at_it() {
        let root = std::env::temp_dir().join(format!("sampan-stale-wait-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        let directory = root.join("notes");
        let address = Ipv4Addr::new(10, 1, 2, 3);
        let first = StaleConnections::note(&directory, address).unwrap();
        let second = std::thread::scope(|scope| {
            let waiter = scope.spawn(|| StaleConnections::note(&directory, address).unwrap());
            std::thread::sleep(Duration::from_millis(20));
            first.take_away();
            waiter.join().unwrap()
        });
        assert!(is_named(&second._lock));
        second.take_away();
        fs::remove_dir_all(root).unwrap();
    }
}
