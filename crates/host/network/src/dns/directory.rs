//! The directory of a network: one file per endpoint, written by the monitor of its sandbox, read by every resolver.
//!
//! A file appears by rename(2) and goes by unlink(2), so a reader never sees half of one. Readers look at the
//! directory's modification time and read it again only when that has changed.

use super::Network;
use ids::EndpointId;
use rustix::fs::{AtFlags, Mode, OFlags, Timespec};
use rustix::io::Errno;
use rustix::time::ClockId;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Names of one endpoint at the most; more are left out.
pub const NAMES_MAX: usize = 64;
/// Bytes of one file at the most.
const FILE_MAX: u64 = 32 * 1024;
/// Members of one network that are looked at.
const MEMBERS_MAX: usize = 8192;
/// A modification time that is younger than this may hide a second change (its clock ticks every 1 to 10 ms).
const TICK_NS: i64 = 50_000_000;

/// What one endpoint says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedEndpoint {
    /// Where it is.
    pub address: Ipv4Addr,
    /// Under which names it is found, lower case; the first is the container's own.
    pub names: Vec<String>,
}

/// A network's directory could not be worked with.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {name} in the network's directory")]
pub struct DirectoryError {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// The file.
    pub name: String,
    /// Why not.
    #[source]
    pub source: Errno,
}

fn failed(action: &'static str, name: &str) -> impl FnOnce(Errno) -> DirectoryError {
    let name = name.to_owned();
    move |source| DirectoryError { action, name, source }
}

/// Opens a network's directory below `networks`, making it if need be. Resolvers read it as another user, by
/// descriptor; nobody else gets past the parent, which is the owner's alone.
///
/// # Errors
/// See [`DirectoryError`].
pub fn open_directory(networks: BorrowedFd<'_>, network: &ids::NetworkId) -> Result<OwnedFd, DirectoryError> {
    let name = network.as_str();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::mkdirat(networks, name, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(failed("make", name)(errno)),
    }
    rustix::fs::openat(networks, name, flags, Mode::empty()).map_err(failed("open", name))
}

/// Publishes an endpoint, or replaces what it said.
///
/// # Errors
/// See [`DirectoryError`]; what it said before is then still there.
pub fn publish(
    directory: BorrowedFd<'_>,
    endpoint: &EndpointId,
    published: &PublishedEndpoint,
) -> Result<(), DirectoryError> {
    let name = endpoint.as_str();
    let temporary = format!(".{name}.tmp");
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, &temporary, flags, Mode::from_raw_mode(0o644))
        .map_err(failed("write", &temporary))?;
    // Plain data always serialises.
    let text = serde_json::to_vec(published).unwrap_or_default();
    let io = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    File::from(file).write_all(&text).map_err(|error| failed("write", &temporary)(io(error)))?;
    rustix::fs::renameat(directory, &temporary, directory, name).map_err(failed("publish", name))
}

/// Takes an endpoint back; one that is not there is no error.
///
/// # Errors
/// See [`DirectoryError`].
pub fn withdraw(directory: BorrowedFd<'_>, endpoint: &EndpointId) -> Result<(), DirectoryError> {
    match rustix::fs::unlinkat(directory, endpoint.as_str(), AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(failed("withdraw", endpoint.as_str())(errno)),
    }
}

/// A reader's view of a network's directory.
#[derive(Debug)]
pub struct Directory {
    fd: OwnedFd,
    network: Network,
    /// The modification time of what was read, if a later change is sure to change it.
    read_at: Option<(i64, i64)>,
}

impl Directory {
    /// A view of nothing yet.
    #[must_use]
    pub fn new(fd: OwnedFd, name: &str) -> Self {
        let network = Network { name: name.to_ascii_lowercase(), members: Vec::new() };
        Self { fd, network, read_at: None }
    }

    /// The network as it is now. A directory that cannot be read keeps what was read last.
    pub fn refreshed(&mut self) -> &Network {
        let now = rustix::time::clock_gettime(ClockId::Realtime);
        if let Ok(stat) = rustix::fs::fstat(&self.fd) {
            let modified = (stat.st_mtime, stat.st_mtime_nsec as i64);
            if self.read_at != Some(modified)
                && let Some(members) = self.read()
            {
                self.network.members = members;
                self.read_at = is_older_than_a_tick(modified, now).then_some(modified);
            }
        }
        &self.network
    }

    fn read(&self) -> Option<Vec<PublishedEndpoint>> {
        let entries = rustix::fs::Dir::read_from(&self.fd).ok()?;
        let mut members = Vec::new();
        for entry in entries.take(MEMBERS_MAX) {
            let Ok(entry) = entry else { break };
            let Some(name) = entry.file_name().to_str().ok().filter(|name| EndpointId::parse(name).is_ok())
            else {
                continue;
            };
            // Withdrawn meanwhile, or not what it should be: as if it were not there.
            members.extend(self.read_file(name));
        }
        Some(members)
    }

    fn read_file(&self, name: &str) -> Option<PublishedEndpoint> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(self.fd.as_fd(), name, flags, Mode::empty()).ok()?;
        let mut text = Vec::new();
        File::from(file).take(FILE_MAX).read_to_end(&mut text).ok()?;
        let mut published: PublishedEndpoint = serde_json::from_slice(&text).ok()?;
        published.names.truncate(NAMES_MAX);
        Some(published)
    }
}

fn is_older_than_a_tick((seconds, nanoseconds): (i64, i64), now: Timespec) -> bool {
    let age = (now.tv_sec - seconds).saturating_mul(1_000_000_000).saturating_add(now.tv_nsec - nanoseconds);
    age > TICK_NS
}

#[cfg(test)]
mod tests {
    use super::*;
    use ids::NetworkId;

    fn published(last: u8, name: &str) -> PublishedEndpoint {
        PublishedEndpoint { address: Ipv4Addr::new(10, 0, 0, last), names: vec![name.to_owned()] }
    }

    #[test]
    fn a_reader_sees_each_change_at_once() {
        let path = std::env::temp_dir().join(format!("sampan-names-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let networks = File::open(&path).unwrap();
        let network = NetworkId::random();
        let fd = open_directory(networks.as_fd(), &network).unwrap();
        let mut reader = Directory::new(open_directory(networks.as_fd(), &network).unwrap(), "Net");
        assert_eq!(*reader.refreshed(), Network { name: "net".into(), members: Vec::new() });
        let (one, two) = (EndpointId::random(), EndpointId::random());
        for round in 0..20 {
            publish(fd.as_fd(), &one, &published(round, "one")).unwrap();
            assert_eq!(reader.refreshed().members, [published(round, "one")]);
            publish(fd.as_fd(), &two, &published(99, "two")).unwrap();
            assert_eq!(reader.refreshed().members.len(), 2);
            withdraw(fd.as_fd(), &two).unwrap();
            withdraw(fd.as_fd(), &two).unwrap();
            assert_eq!(reader.refreshed().members.len(), 1);
        }
        // What is not ours is not read.
        std::fs::write(path.join(network.as_str()).join("junk"), "{}").unwrap();
        std::fs::write(path.join(network.as_str()).join(two.as_str()), "{\"address\":").unwrap();
        assert_eq!(reader.refreshed().members.len(), 1);
        std::fs::remove_dir_all(path).unwrap();
    }
}
