//! From the runtime specification's resources to the writes that establish them: pure.
//!
//! Called by [`crate::Group`]. Each controller is planned for the version it is mounted as, so that a hybrid machine
//! needs no case of its own. Sources: runtime-spec config-linux.md "Control groups"; the kernel's
//! admin-guide/cgroup-v1/*.rst and cgroup-v2.rst. `memory.kernel` is ignored: the kernel dropped it in 5.16, and runc
//! ignores it too.

mod convert;
mod v1;
mod v2;

use crate::hierarchy::Version;
use crate::{CgroupError, Controller, ControllerSet};
use spec::runtime::Resources;
use std::borrow::Cow;

/// Which of a group's directories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Wherever this controller is.
    Controller(Controller),
    /// In cgroup2, whoever owns the file; the controller if we know it.
    Unified(Option<Controller>),
}

impl Place {
    /// The controller without which the file cannot be there.
    pub(crate) fn controller(self) -> Option<Controller> {
        match self {
            Self::Controller(controller) => Some(controller),
            Self::Unified(controller) => controller,
        }
    }
}

/// One value for one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) place: Place,
    /// The runtime specification's name, for messages.
    pub(crate) name: Cow<'static, str>,
    pub(crate) file: Cow<'static, str>,
    pub(crate) value: String,
    /// Another file and value, for when the file does not exist.
    pub(crate) otherwise: Option<(&'static str, String)>,
    /// Whether a missing controller or file is passed over: the value is what there would be without it.
    pub(crate) optional: bool,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A write.
    Write(Setting),
    /// Two writes that limit each other: if the kernel refuses the first as it stands, the second goes first.
    EitherOrder(Setting, Setting),
    /// Lowering a v2 memory limit kills instead of refusing, so this compares before (runtime-spec
    /// `memory.checkBeforeUpdate`).
    RefuseBelowUsage {
        /// Bytes.
        limit: u64,
    },
}

/// The steps of one controller.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan(pub(crate) Vec<Step>);

impl Plan {
    fn add(&mut self, controller: Controller, name: &'static str, file: &'static str, value: impl ToString) {
        self.0.push(Step::Write(setting(controller, name, file, value)));
    }

    /// Controllers without which a step fails.
    pub(crate) fn required(&self) -> ControllerSet {
        let mut set = ControllerSet::EMPTY;
        for step in &self.0 {
            let place = match step {
                Step::Write(one) if !one.optional => one.place,
                Step::EitherOrder(one, two) if !(one.optional && two.optional) => one.place,
                _ => continue,
            };
            place.controller().into_iter().for_each(|controller| set.insert(controller));
        }
        set
    }
}

#[expect(clippy::needless_pass_by_value, reason = "numbers are written in place")]
fn setting(controller: Controller, name: &'static str, file: &'static str, value: impl ToString) -> Setting {
    Setting {
        place: Place::Controller(controller),
        name: name.into(),
        file: file.into(),
        value: value.to_string(),
        otherwise: None,
        optional: false,
    }
}

/// All the steps of `resources` but the device rules.
///
/// # Errors
/// [`CgroupError::InvalidSetting`] for values that cannot be expressed.
pub(crate) fn plan(
    resources: &Resources,
    version: impl Fn(Controller) -> Version,
) -> Result<Plan, CgroupError> {
    let mut plan = Plan::default();
    if let Some(cpu) = &resources.cpu {
        convert::cpuset(cpu, &mut plan)?;
        match version(Controller::Cpu) {
            Version::V1 => v1::cpu(cpu, &mut plan),
            Version::V2 => v2::cpu(cpu, &mut plan)?,
        }
    }
    if let Some(memory) = &resources.memory {
        match version(Controller::Memory) {
            Version::V1 => v1::memory(memory, &mut plan)?,
            Version::V2 => v2::memory(memory, &mut plan)?,
        }
    }
    if let Some(pids) = &resources.pids {
        plan.0.push(Step::Write(convert::pids(*pids)));
    }
    if let Some(io) = &resources.block_io {
        match version(Controller::Io) {
            Version::V1 => v1::block_io(io, &mut plan)?,
            Version::V2 => v2::block_io(io, &mut plan)?,
        }
    }
    convert::hugetlb(&resources.hugepage_limits, version(Controller::Hugetlb), &mut plan)?;
    if let Some(network) = &resources.network {
        v1::network(network, &mut plan)?;
    }
    convert::rdma(&resources.rdma, &mut plan)?;
    convert::unified(&resources.unified, &mut plan)?;
    Ok(plan)
}

#[cfg(test)]
mod tests;
