//! What a container uses: `stats`.

use super::LookupError;
use super::control::ControlError;
use crate::Engine;
use ids::{ContainerId, ContainerName};
use monitor::client::ClientError;
use monitor::protocol::{Reply, Request};
use monitor::sample::Sample;

/// Counters of one container at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSample {
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: ContainerName,
    /// The counters; absent while it does not run.
    pub sample: Option<Sample>,
}

impl Engine {
    /// Counts what a container uses now.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub fn sample(&self, container: &str) -> Result<ContainerSample, ControlError> {
        let container = self.read_container(container)?;
        let sample = match self.connect(container.id.as_str())? {
            None => None,
            Some((connection, _)) => match connection.ask(&Request::Stats) {
                Ok(Reply::Stats(sample)) => Some(*sample),
                // It ends, or is between two runs.
                Ok(Reply::Failed { .. }) | Err(ClientError::Gone) => None,
                Ok(other) => {
                    let message = format!("the monitor answered {other:?} to a question about what is used");
                    return Err(ControlError::Refused { message });
                }
                Err(error) => return Err(error.into()),
            },
        };
        Ok(ContainerSample { id: container.id, name: container.name, sample })
    }

    /// Bytes of memory that this host has.
    ///
    /// # Errors
    /// When `/proc/meminfo` (proc_meminfo(5)) cannot be read.
    pub fn host_memory(&self) -> Result<u64, LookupError> {
        let path = std::path::Path::new("/proc/meminfo");
        let text = std::fs::read_to_string(path).map_err(crate::documents::FileError::of("read", path))?;
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
        let kilobytes = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
        Ok(kilobytes.unwrap_or(0) * 1024)
    }
}
