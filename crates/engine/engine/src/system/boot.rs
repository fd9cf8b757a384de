//! What happens when the host has booted: containers that policy wants are started, as dockerd starts them.

use crate::Engine;
use crate::containers::observe::{self, Observed};
use crate::containers::{
    LaunchError, LookupError, Ownership, RemoveError, Restorable, StartError, StartOptions,
};
use crate::model::NetworkChoice;
use ids::{ContainerId, ContainerName};
use monitor::desired::RestartPolicy;
use state::StateError;

/// Why a container could not be restored.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// It could not be looked at.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// What it left could not be put in order.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// It could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It could not be removed.
    #[error(transparent)]
    Remove(#[from] RemoveError),
}

/// What was done.
#[derive(Debug, Default)]
pub struct BootReport {
    /// Started.
    pub started: Vec<ContainerName>,
    /// Removed, since they were to be once they had ended.
    pub removed: Vec<ContainerName>,
    /// What failed.
    pub failed: Vec<(ContainerName, BootError)>,
}

/// Whether policy wants a container that does not run to be started at boot: dockerd's table (moby,
/// `restartmanager.ShouldRestart`). `exit_code` is 0 for one that never ran.
fn wants_start(policy: RestartPolicy, stopped_by_user: bool, exit_code: i32, restart_count: u32) -> bool {
    match policy {
        RestartPolicy::No => false,
        RestartPolicy::Always => true,
        RestartPolicy::UnlessStopped => !stopped_by_user,
        RestartPolicy::OnFailure { maximum_retry_count: most } => {
            exit_code != 0 && (most == 0 || restart_count < most)
        }
    }
}

impl Engine {
    /// Puts every container in the state that policy wants after a boot. One that fails does not keep the others.
    ///
    /// # Errors
    /// When the containers cannot be listed.
    pub fn boot(&self) -> Result<BootReport, LookupError> {
        let mut report = BootReport::default();
        for container in self.in_order()? {
            match self.restore(&container.id) {
                Ok(Outcome::Nothing) => {}
                Ok(Outcome::Started) => report.started.push(container.name),
                Ok(Outcome::Removed) => report.removed.push(container.name),
                Err(error) => report.failed.push((container.name, error)),
            }
        }
        Ok(report)
    }

    /// Oldest first, and those that share another's network after it.
    fn in_order(&self) -> Result<Vec<Restorable>, LookupError> {
        let mut all = self.restorable()?;
        all.sort_by_key(|one| (matches!(one.network, NetworkChoice::Container(_)), one.created));
        Ok(all)
    }

    fn restore(&self, id: &ContainerId) -> Result<Outcome, BootError> {
        let held = self.hold(id.as_str())?;
        let Ownership::Free(liveness) = self.settle(&held.directories)? else { return Ok(Outcome::Nothing) };
        let observed = observe::observe_unowned(&held.directories);
        drop(liveness);
        let config = &held.container.record.config;
        let (exit_code, restarts) = last_end(&observed);
        let stopped_by_user = held.stopped_by_user();
        if wants_start(config.restart, stopped_by_user, exit_code, restarts) {
            drop(held);
            self.start(id.as_str(), StartOptions::default())?;
            return Ok(Outcome::Started);
        }
        if held.container.is_overdue(&observed) {
            drop(held);
            self.reap(id)?;
            return Ok(Outcome::Removed);
        }
        Ok(Outcome::Nothing)
    }
}

enum Outcome {
    Nothing,
    Started,
    Removed,
}

fn last_end(observed: &Observed) -> (i32, u32) {
    observed.exited.as_ref().map_or((0, 0), |exited| (exited.exit_code, exited.restart_count))
}

impl From<StateError> for BootError {
    fn from(error: StateError) -> Self {
        Self::Lookup(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_dockerd() {
        let on_failure = |most| RestartPolicy::OnFailure { maximum_retry_count: most };
        for (policy, stopped, code, count, expected) in [
            (RestartPolicy::No, false, 1, 0, false),
            (RestartPolicy::Always, false, 0, 0, true),
            (RestartPolicy::Always, true, 0, 0, true),
            (RestartPolicy::UnlessStopped, false, 137, 0, true),
            (RestartPolicy::UnlessStopped, true, 137, 0, false),
            (on_failure(0), false, 0, 0, false),
            (on_failure(0), false, 255, 9, true),
            (on_failure(3), false, 1, 2, true),
            (on_failure(3), false, 1, 3, false),
        ] {
            assert_eq!(
                wants_start(policy, stopped, code, count),
                expected,
                "{policy:?} {stopped} {code} {count}"
            );
        }
    }
}
