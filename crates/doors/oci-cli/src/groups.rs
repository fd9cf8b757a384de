//! A container's control group.

use crate::error::CliError;
use crate::id::BundleId;
use cgroup::{CgroupError, Group, GroupPath, Hierarchies, default_device_rules};
use runtime::CgroupEntry;
use rustix::io::Errno;
use spec::runtime::{Resources, Spec};
use std::os::fd::AsFd;
use std::time::Duration;

/// The group below which containers are that name none of their own.
const PARENT: &str = "sampan-oci";

/// Makes the group that the spec asks for.
///
/// # Errors
/// [`CliError::Cgroup`]; [`CliError::Unsupported`] for a path in systemd's form.
pub(crate) fn create(spec: &Spec, id: &BundleId) -> Result<Group, CliError> {
    let linux = spec.linux.as_ref();
    let mut resources = linux.and_then(|linux| linux.resources.clone()).unwrap_or_default();
    resources.devices = device_rules(&resources);
    Ok(Group::create(&Hierarchies::detect()?, &path(spec, id)?, &resources)?)
}

/// Whether an error says that the caller may not make groups, and nothing that needs one was asked for: who is not
/// root then does without, as runc does.
pub(crate) fn is_dispensable(error: &CliError, spec: &Spec) -> bool {
    let CliError::Cgroup(CgroupError::Create { source, .. } | CgroupError::Write { source, .. }) = error
    else {
        return false;
    };
    let linux = spec.linux.as_ref();
    let limits = linux.and_then(|linux| linux.resources.clone()).map(|resources| Resources {
        // Without a group every device that the user may open can be opened, which is none of the host's root's.
        devices: Vec::new(),
        ..resources
    });
    matches!(*source, Errno::ACCESS | Errno::PERM | Errno::ROFS)
        && linux.is_none_or(|linux| linux.cgroups_path.is_empty())
        && limits.is_none_or(|limits| limits == Resources::default())
}

/// Which group the spec asks for.
fn path(spec: &Spec, id: &BundleId) -> Result<GroupPath, CliError> {
    let asked = spec.linux.as_ref().map_or("", |linux| linux.cgroups_path.as_str());
    if asked.contains(':') {
        return Err(CliError::Unsupported { what: format!("the systemd cgroup path {asked:?}") });
    }
    let path = if asked.is_empty() { format!("{PARENT}/{}", id.as_str()) } else { asked.to_owned() };
    Ok(GroupPath::parse(&path)?)
}

/// Removes the group that a killed `create` may have made. Nobody is killed: the container's process ended with its
/// maker, and if there is somebody in the group it is not ours.
pub(crate) fn remove_unrecorded(spec: &Spec, id: &BundleId) -> Result<(), CliError> {
    let Some(group) = open(Some(&path(spec, id)?))? else { return Ok(()) };
    match group.wait_until_empty(Duration::from_secs(1)).and_then(|()| group.remove()) {
        Ok(()) => remove_parent(&group),
        Err(CgroupError::InUse { .. } | CgroupError::TimedOut { .. }) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// The spec's rules, and after them the devices that every container may use (config-linux.md, "Default Devices").
fn device_rules(resources: &Resources) -> Vec<spec::runtime::DeviceRule> {
    let defaults = default_device_rules();
    if resources.devices.is_empty() {
        return defaults;
    }
    let allowed = defaults.into_iter().filter(|rule| rule.allow);
    resources.devices.iter().cloned().chain(allowed).collect()
}

/// Opens a container's group; `None` when it has none or it is gone.
pub(crate) fn open(path: Option<&GroupPath>) -> Result<Option<Group>, CliError> {
    let Some(path) = path else { return Ok(None) };
    match Group::open(&Hierarchies::detect()?, path) {
        Ok(group) => Ok(Some(group)),
        Err(CgroupError::NotFound { .. }) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// Opens an existing group below the container's, for a process that is to run there (`exec --cgroup`).
///
/// # Errors
/// [`CliError::Cgroup`] when there is none; [`CliError::Unsupported`] for one of a single controller.
pub(crate) fn open_below(container: Option<&GroupPath>, below: &str) -> Result<Group, CliError> {
    if below.contains(':') {
        return Err(CliError::Unsupported { what: format!("a group of single controllers ({below:?})") });
    }
    let container =
        container.ok_or_else(|| CliError::Unsupported { what: "--cgroup without a cgroup".to_owned() })?;
    let path = GroupPath::parse(&format!("{container}/{}", below.trim_matches('/')))?;
    Ok(Group::open(&Hierarchies::detect()?, &path)?)
}

/// Kills what is left in it, and removes it with a parent of ours that nobody uses.
pub(crate) fn remove(group: &Group) -> Result<(), CliError> {
    group.kill()?;
    group.remove()?;
    remove_parent(group)
}

fn remove_parent(group: &Group) -> Result<(), CliError> {
    if group.path().as_str().strip_prefix(PARENT).is_some_and(|rest| rest.starts_with('/'))
        && let Ok(parent) = GroupPath::parse(PARENT)
    {
        Hierarchies::detect()?.remove_if_unused(&parent)?;
    }
    Ok(())
}

/// How a process gets into the group.
pub(crate) fn entry(entry: &cgroup::Entry) -> CgroupEntry<'_> {
    CgroupEntry {
        unified: entry.v2_directory.as_ref().map(AsFd::as_fd),
        tasks: entry.v1_tasks.iter().map(AsFd::as_fd).collect(),
    }
}
