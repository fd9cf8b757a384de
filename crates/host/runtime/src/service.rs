//! What the parent does for a child while it is set up, when the child asks.

use crate::agent::Agent;
use crate::child::HookWork;
use crate::error::{Cause, LaunchError, StepKind};
use crate::plan::Plan;
use crate::{mappings, net_devices, sources};
use rustix::io::Errno;
use std::os::fd::{BorrowedFd, OwnedFd};

/// What the answers are made from.
#[derive(Clone, Copy)]
pub(crate) struct Service<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) hooks: Option<HookWork<'a>>,
    pub(crate) agent: Option<Agent<'a>>,
    /// The user namespace that the container joins.
    pub(crate) joined_user: Option<BorrowedFd<'a>>,
}

impl Service<'_> {
    /// Writes the mappings of the child's user namespace and sets what the child has no right to in there.
    pub(crate) fn grant(self, pid: i32) -> Result<(), LaunchError> {
        if let Some(mappings) = &self.plan.mappings {
            mappings::write(pid, mappings)?;
        }
        if !self.plan.net_devices.is_empty() {
            net_devices::move_in(pid, &self.plan.net_devices)?;
        }
        let granted = &self.plan.granted;
        for (resource, hard) in &granted.hard_limits {
            raise_hard_limit(pid, *resource, *hard)?;
        }
        match granted.oom_score {
            Some(score) => set_oom_score(pid, score),
            None => Ok(()),
        }
    }

    /// Opens bind sources.
    pub(crate) fn binds(self, first: usize, count: usize) -> Result<Vec<OwnedFd>, LaunchError> {
        let asked = first.checked_add(count).and_then(|end| self.plan.binds.get(first..end));
        let asked = asked.ok_or(LaunchError::Channel { source: Cause(Errno::PROTO) })?;
        sources::open_binds(asked, self.joined_user)
    }
}

/// Makes room for a limit that the child will set itself.
fn raise_hard_limit(pid: i32, resource: i32, hard: u64) -> Result<(), LaunchError> {
    let raise = || {
        let (soft, present) = kernel::settings::limit_of(pid, resource)?;
        if hard <= present {
            Ok(())
        } else {
            kernel::settings::set_limit_of(pid, resource, soft, hard).map(drop)
        }
    };
    raise().map_err(|errno| LaunchError::Host {
        step: StepKind::Rlimit,
        object: format!("(the hard one of resource {resource} to {hard})"),
        source: Cause(errno),
    })
}

fn set_oom_score(pid: i32, score: i32) -> Result<(), LaunchError> {
    let path = format!("/proc/{pid}/oom_score_adj");
    let is_set = || std::fs::read_to_string(&path).is_ok_and(|text| text.trim() == score.to_string());
    match std::fs::write(&path, score.to_string()) {
        Ok(()) => Ok(()),
        Err(_) if is_set() => Ok(()),
        Err(error) => Err(LaunchError::Host {
            step: StepKind::OomScore,
            object: format!("to {score}"),
            source: Cause(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
        }),
    }
}
