//! Other limits and another restart policy for a container: `update`.
//!
//! The new document is written first; the monitor of a running container carries it out or refuses it, and then the old
//! document is put back. The record follows: killed before that, the container has its new limits, and the same request
//! again makes the record tell them.

use super::lookup::{Held, LookupError};
use super::record::{Container, Record};
use super::{DeviceError, host};
use crate::Engine;
use crate::documents::{self, FileError};
use crate::model::ResourceConfig;
use crate::plan::{self, PlanError};
use ids::ContainerId;
use monitor::client::{ClientError, Connection};
use monitor::desired::{Desired, RestartPolicy};
use monitor::facts::Durability;
use monitor::protocol::{Reply, Request};
use spec::runtime::Resources;
use state::StateError;

/// What shall be other; absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UpdateRequest {
    /// Limits.
    pub resources: ResourceConfig,
    /// What happens after an exit.
    pub restart: Option<RestartPolicy>,
}

/// Why a container was not changed. The words of the conflicts are Docker's.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// Which container.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// It would be removed before it could be restarted.
    #[error("Restart policy cannot be updated because AutoRemove is enabled for the container")]
    AutoRemove,
    /// A value contradicts one that is in force.
    #[error("Conflicting options: {0}")]
    Conflict(&'static str),
    /// A value is out of its range.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Its devices.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Its monitor cannot carry it out.
    #[error("Cannot update container {id}: {message}")]
    Refused {
        /// Which.
        id: ContainerId,
        /// The monitor's line.
        message: String,
    },
    /// Its monitor could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Its record cannot be written.
    #[error("cannot write the record of the container")]
    Record(#[source] serde_json::Error),
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file of it.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Engine {
    /// Changes limits and restart policy of a container, running or not; warnings.
    ///
    /// # Errors
    /// See [`UpdateError`]; the container is then as it was.
    pub fn update(&self, container: &str, request: &UpdateRequest) -> Result<Vec<String>, UpdateError> {
        let held = self.hold(container)?;
        let mut record = held.container.record.clone();
        let has_policy = |policy: RestartPolicy| policy != RestartPolicy::No;
        if record.config.auto_remove && request.restart.is_some_and(has_policy) {
            return Err(UpdateError::AutoRemove);
        }
        merge(&mut record.config.resources, &request.resources)?;
        record.config.restart = request.restart.unwrap_or(record.config.restart);
        let before = documents::read_desired(&held.directories)?
            .ok_or_else(|| LookupError::Incomplete { id: held.container.id.clone() })?;
        let (desired, warnings) = changed(&before, &record)?;
        self.carry_out(&held, &before, &desired)?;
        self.write_record(&held.container, &record)?;
        if Connection::open(&held.directories).is_err() {
            // The monitor tells it of a running one.
            self.event_about("update", &held.container);
        }
        Ok(warnings)
    }

    fn carry_out(&self, held: &Held, before: &Desired, desired: &Desired) -> Result<(), UpdateError> {
        documents::write_desired(&held.directories, desired, Durability::Power)?;
        let connection = match Connection::open(&held.directories) {
            Err(ClientError::NoMonitor) => return Ok(()),
            connection => connection?,
        };
        match connection.ask(&Request::Update { generation: desired.generation }) {
            Ok(Reply::Failed { message, .. }) => {
                documents::write_desired(&held.directories, before, Durability::Power)?;
                Err(UpdateError::Refused { id: held.container.id.clone(), message })
            }
            // It has just ended, and reads the document at its next start.
            Ok(_) | Err(ClientError::Gone) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn write_record(&self, container: &Container, record: &Record) -> Result<(), UpdateError> {
        let bytes = serde_json::to_vec(record).map_err(UpdateError::Record)?;
        let done: Result<bool, StateError> = self
            .database()?
            .write(state::Durability::Power, |writer| writer.update_container(&container.id, &bytes));
        done?;
        Ok(())
    }
}

/// The document with what the record says now.
fn changed(before: &Desired, record: &Record) -> Result<(Desired, Vec<String>), UpdateError> {
    let config = &record.config;
    let (mut planned, warnings) =
        plan::resources(&config.resources, config, &host::devices(config)?, &host::facts(config))?;
    host::limit_devices(&mut planned, &config.resources)?;
    let mut desired = before.clone();
    desired.generation += 1;
    desired.restart = config.restart;
    let linux = desired.spec.linux.get_or_insert_default();
    let own = linux.resources.take().unwrap_or_default();
    // Rules about devices stay what they were made from.
    linux.resources = Some(Resources { devices: own.devices, ..planned });
    Ok((desired, warnings))
}

/// Puts what was asked over what is in force, by Docker's rules.
fn merge(have: &mut ResourceConfig, asked: &ResourceConfig) -> Result<(), UpdateError> {
    let conflict = |text| Err(UpdateError::Conflict(text));
    if asked.nano_cpus.is_some() && have.cpu_period.is_some() {
        return conflict("Nano CPUs cannot be updated as CPU Period has already been set");
    }
    if asked.nano_cpus.is_some() && have.cpu_quota.is_some() {
        return conflict("Nano CPUs cannot be updated as CPU Quota has already been set");
    }
    if asked.cpu_period.is_some() && have.nano_cpus.is_some() {
        return conflict("CPU Period cannot be updated as NanoCPUs has already been set");
    }
    if asked.cpu_quota.is_some() && have.nano_cpus.is_some() {
        return conflict("CPU Quota cannot be updated as NanoCPUs has already been set");
    }
    if let (Some(memory), None) = (asked.memory, asked.memory_swap) {
        // Twice the memory where nothing was said; none without a limit of memory.
        let swap =
            have.memory_swap.or_else(|| i64::try_from(have.memory?.saturating_mul(2)).ok()).unwrap_or(0);
        if i64::try_from(memory).unwrap_or(i64::MAX) > swap {
            return Err(PlanError::Limit(
                "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time"
                    .into(),
            )
            .into());
        }
        have.memory_swap = Some(swap);
    }
    let before = have.clone();
    *have = ResourceConfig {
        memory: asked.memory.or(before.memory),
        memory_swap: asked.memory_swap.or(have.memory_swap),
        memory_reservation: asked.memory_reservation.or(before.memory_reservation),
        nano_cpus: asked.nano_cpus.or(before.nano_cpus),
        cpu_shares: asked.cpu_shares.or(before.cpu_shares),
        cpu_quota: asked.cpu_quota.or(before.cpu_quota),
        cpu_period: asked.cpu_period.or(before.cpu_period),
        cpuset_cpus: asked.cpuset_cpus.clone().or_else(|| before.cpuset_cpus.clone()),
        cpuset_mems: asked.cpuset_mems.clone().or_else(|| before.cpuset_mems.clone()),
        pids_limit: asked.pids_limit.or(before.pids_limit),
        blkio_weight: asked.blkio_weight.or(before.blkio_weight),
        cpu_realtime_period: asked.cpu_realtime_period.or(before.cpu_realtime_period),
        cpu_realtime_runtime: asked.cpu_realtime_runtime.or(before.cpu_realtime_runtime),
        ..before
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_asked_stays() {
        let mut have =
            ResourceConfig { memory: Some(64 << 20), cpu_shares: Some(5), ..ResourceConfig::default() };
        merge(&mut have, &ResourceConfig { memory: Some(32 << 20), ..ResourceConfig::default() }).unwrap();
        assert_eq!(
            (have.memory, have.memory_swap, have.cpu_shares),
            (Some(32 << 20), Some(128 << 20), Some(5))
        );
    }

    #[test]
    fn contradictions() {
        let merged = |mut have: ResourceConfig, asked: ResourceConfig| {
            merge(&mut have, &asked).map_err(|error| error.to_string())
        };
        let memory = ResourceConfig { memory: Some(1 << 30), ..ResourceConfig::default() };
        assert!(
            merged(ResourceConfig::default(), memory.clone()).unwrap_err().contains("already set memoryswap")
        );
        let both = ResourceConfig { memory_swap: Some(-1), ..memory };
        assert!(merged(ResourceConfig::default(), both).is_ok());
        let cpus = ResourceConfig { nano_cpus: Some(1), ..ResourceConfig::default() };
        let quota = ResourceConfig { cpu_quota: Some(5000), ..ResourceConfig::default() };
        assert_eq!(
            merged(quota.clone(), cpus.clone()).unwrap_err(),
            "Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set"
        );
        assert!(merged(cpus, quota).is_err());
    }
}
