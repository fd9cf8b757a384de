//! What a container looks like now: locks and facts, nothing remembered.

use super::lookup::LookupError;
use super::operation::{Liveness, Operation};
use super::record::Container;
use crate::Engine;
use crate::documents;
use crate::model::{ContainerPaths, ContainerView};
use monitor::clock;
use monitor::desired::{Desired, LogPlan, NetworkPlan};
use monitor::facts::{self, Exited, Health, Started};
use monitor::layout::{ContainerDirectories, data, exec};
use monitor::status::{Observation, State, derive};

/// Exit code of a container whose end nobody recorded.
const UNKNOWN_EXIT: i32 = 255;

/// Locks and facts of one moment.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    /// The state.
    pub(crate) state: State,
    /// A monitor, or an engine about to start one, owns it.
    pub(crate) owned: bool,
    /// The process that the started fact names exists.
    pub(crate) alive: bool,
    /// The last start.
    pub(crate) started: Option<Started>,
    /// The last end; made up where it was never recorded.
    pub(crate) exited: Option<Exited>,
    /// Whether `exited` was made up.
    pub(crate) unrecorded: bool,
    /// A monitor died before it had let go of what it held: its socket is the last thing that it removes.
    pub(crate) unreleased: bool,
}

impl Observed {
    /// Whether it runs, is paused, or is about to be restarted.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, State::Running | State::Paused | State::Restarting)
    }

    /// Whether its monitor died, and what it held is still to be let go of: the end is unrecorded, a restart that was due
    /// never came, or there is what it held.
    pub(crate) fn needs_recovery(&self) -> bool {
        let interrupted = self.exited.as_ref().is_some_and(|exited| exited.restarting);
        !self.owned && !self.alive && (self.unrecorded || interrupted || self.unreleased)
    }
}

/// Looks at a container that has a desired document. Changes nothing.
pub(crate) fn observe(directories: &ContainerDirectories) -> Observed {
    // The lock first: a monitor writes its facts while it holds it, so what is read later is at least as new.
    let owned = Liveness::is_held(directories);
    let started: Option<Started> = facts::read(&directories.data, data::STARTED);
    let exited: Option<Exited> = facts::read(&directories.data, data::EXITED);
    judge(directories, owned, started, exited)
}

/// Whether a change of the document has not been carried out by the monitor of a running container.
pub(crate) fn is_behind(directories: &ContainerDirectories, desired: &Desired) -> bool {
    let observed = observe(directories);
    let in_force = observed.started.as_ref().map_or(desired.generation, |started| started.generation);
    observed.owned && observed.alive && in_force < desired.generation
}

/// The same with the liveness lock in our own hands.
pub(crate) fn observe_unowned(directories: &ContainerDirectories) -> Observed {
    let (started, exited) =
        (facts::read(&directories.data, data::STARTED), facts::read(&directories.data, data::EXITED));
    judge(directories, false, started, exited)
}

fn judge(
    directories: &ContainerDirectories,
    owned: bool,
    started: Option<Started>,
    exited: Option<Exited>,
) -> Observed {
    let is_recorded =
        |started: &Started| exited.as_ref().is_some_and(|exited| exited.started_at == started.started_at);
    let current = started.as_ref().is_some_and(|started| !is_recorded(started));
    let alive = current && started.as_ref().is_some_and(Started::is_alive);
    let seen = Observation { locked: owned, started, alive, exited };
    let state = derive(&seen);
    let unrecorded = state == State::Exited && current;
    let exited = if unrecorded { seen.started.as_ref().map(unknown_end) } else { seen.exited };
    let unreleased = !owned && directories.exec.join(exec::SOCKET).exists();
    Observed { state, owned, alive, started: seen.started, exited, unrecorded, unreleased }
}

fn unknown_end(started: &Started) -> Exited {
    let reason = if started.boot_id == facts::boot_id() { "monitor-lost" } else { "host-restarted" };
    Exited {
        boot_id: started.boot_id.clone(),
        exit_code: UNKNOWN_EXIT,
        oom_killed: false,
        error: reason.to_owned(),
        started_at: started.started_at.clone(),
        finished_at: started.started_at.clone(),
        restart_count: started.restart_count,
        restarting: false,
    }
}

/// RFC 3339 of nanoseconds since 1970.
pub(crate) fn rfc3339(nanoseconds: i64) -> String {
    let time = rustix::time::Timespec {
        tv_sec: nanoseconds.div_euclid(1_000_000_000),
        tv_nsec: nanoseconds.rem_euclid(1_000_000_000),
    };
    clock::rfc3339(time)
}

impl Engine {
    /// The view of a container; `None` while it is being made or removed by somebody.
    pub(crate) fn view(&self, container: Container) -> Result<Option<ContainerView>, LookupError> {
        let directories = self.directories(&container.id);
        let Some(desired) = documents::read_desired(&directories)? else {
            // Or it was removed after its record was read.
            if Operation::is_held(&directories) || self.reread_container(&container.id)?.is_none() {
                return Ok(None);
            }
            return Ok(Some(self.dead_view(container)));
        };
        let observed = observe(&directories);
        Ok(Some(self.assemble(container, &desired, observed, &directories)))
    }

    fn assemble(
        &self,
        container: Container,
        desired: &Desired,
        observed: Observed,
        directories: &ContainerDirectories,
    ) -> ContainerView {
        let (endpoints, ports) = match &desired.network {
            NetworkPlan::Bridge { endpoints, ports, .. } if observed.state.has_processes() => {
                (endpoints.clone(), ports.clone())
            }
            NetworkPlan::Bridge { endpoints, .. } => (endpoints.clone(), Vec::new()),
            _ => (Vec::new(), Vec::new()),
        };
        let health: Option<Health> = match desired.health {
            Some(_) => facts::read(&directories.data, data::HEALTH),
            None => None,
        };
        let log = match &desired.log {
            LogPlan::JsonFile { path, .. } => path.display().to_string(),
            LogPlan::None => String::new(),
        };
        let file = |name: &str| directories.data.join(name).display().to_string();
        let paths = ContainerPaths {
            log,
            hosts: file(super::files::HOSTS),
            hostname: file(super::files::HOSTNAME),
            resolv_conf: file(super::files::RESOLV_CONF),
        };
        let record = container.record;
        ContainerView {
            id: container.id,
            name: container.name,
            created: rfc3339(container.created),
            config: record.config,
            image_id: container.image,
            effective: record.effective,
            state: observed.state,
            started: observed.started,
            exited: observed.exited,
            health,
            endpoints,
            ports,
            mounts: record.mounts,
            paths,
        }
    }

    fn dead_view(&self, container: Container) -> ContainerView {
        let record = container.record;
        ContainerView {
            id: container.id,
            name: container.name,
            created: rfc3339(container.created),
            config: record.config,
            image_id: container.image,
            effective: record.effective,
            state: State::Dead,
            started: None,
            exited: None,
            health: None,
            endpoints: Vec::new(),
            ports: Vec::new(),
            mounts: record.mounts,
            paths: ContainerPaths::default(),
        }
    }
}
