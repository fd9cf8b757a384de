//! The order of a launch's steps, decided before there is a child.
//!
//! [`create`] and [`exec`] are pure: the same input gives the same plan, and nothing of the host is looked at. The
//! child does what the steps say, one after the other; what they need of the host (sources of mounts, the root file
//! system, namespaces) the parent has opened by then.

mod mounts;
mod process;
mod step;

use crate::error::LaunchError;
use crate::options;
use kernel::namespace::{Kind, Kinds};
use spec::runtime::{Linux, Rlimit, Spec};
use std::path::PathBuf;

pub use step::{
    BindSource, CapabilitySets, DeviceKind, DeviceStep, HookPoint, Identity, MountSource, MountStep, Step,
};

/// What the parent does before, and the child in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Namespaces that clone3(2) makes.
    pub namespaces: Kinds,
    /// Namespaces of the spec with a path: the parent opens them, the child enters them.
    pub namespace_paths: Vec<(Kind, PathBuf)>,
    /// Sources of bind mounts, in the order of their use; the parent opens them.
    pub binds: Vec<BindSource>,
    /// Until the child is ready.
    pub steps: Vec<Step>,
    /// Whether the seccomp filter is installed as the very last thing, so that no call but execve(2) has to be
    /// allowed by it, instead of as a step.
    pub seccomp_last: bool,
    /// What is not as the spec asks, without being a reason to fail.
    pub warnings: Vec<String>,
}

impl Plan {
    /// Whether the container is to see its control groups.
    pub(crate) fn mounts_cgroups(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Mount(MountStep { source: MountSource::Cgroup, .. })))
    }
}

/// What [`create`] and [`exec`] have to know besides the spec.
#[derive(Debug, Clone, Copy, Default)]
pub struct Situation<'a> {
    /// Kinds of namespaces that the caller has descriptors for.
    pub joined: Kinds,
    /// Whether the process gets a terminal.
    pub terminal: bool,
    /// When the seccomp filter can be installed, if there is one.
    pub seccomp: Option<FilterKind>,
    /// Whether the spec's hooks are run.
    pub hooks: bool,
    /// Whether the session keyring stays the caller's.
    pub keep_keyring: bool,
    /// Limits that nobody asked for.
    pub rlimit_defaults: &'a [Rlimit],
}

/// What a seccomp filter means for the order of the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterKind {
    /// The kernel decides alone: best installed last.
    Plain,
    /// It asks an agent, who must have the listener before the container is ready.
    Asking,
}

impl Situation<'_> {
    /// Whether the filter is installed after everything else.
    fn seccomp_last(&self) -> bool {
        self.seccomp == Some(FilterKind::Plain)
    }
}

/// Plans the first process of a container.
///
/// # Errors
/// [`LaunchError::Invalid`] with the field that cannot be obeyed.
pub fn create(spec: &Spec, situation: Situation<'_>) -> Result<Plan, LaunchError> {
    let process = spec.process.as_ref().ok_or_else(|| invalid("process", "", "is missing"))?;
    let fallback = Linux::default();
    let linux = spec.linux.as_ref().unwrap_or(&fallback);
    refuse_unknown(linux)?;
    let (namespaces, namespace_paths) = namespaces(linux, situation.joined)?;
    let mut plan = Plan {
        // A cgroup namespace shows the cgroup in which its maker was as its root: it has to be made inside. A time
        // namespace takes its offsets only before anybody is in it.
        namespaces: namespaces.without(Kind::Cgroup).without(Kind::Time),
        namespace_paths,
        binds: Vec::new(),
        steps: vec![Step::EnterCgroup, Step::EnterNamespaces],
        seccomp_last: situation.seccomp_last(),
        warnings: Vec::new(),
    };
    if namespaces.contains(Kind::Cgroup) {
        plan.steps.push(Step::MakeNamespaces(Kinds::NONE.with(Kind::Cgroup)));
    }
    if namespaces.contains(Kind::Time) {
        plan.steps.push(Step::MakeTimeNamespace(time_offsets(linux)?));
    }
    if namespaces.contains(Kind::Network) {
        plan.steps.push(Step::Loopback);
    }
    if !spec.hostname.is_empty() {
        plan.steps.push(Step::Hostname(spec.hostname.clone()));
    }
    if !spec.domainname.is_empty() {
        plan.steps.push(Step::Domainname(spec.domainname.clone()));
    }
    plan.steps.extend([Step::IsolateMounts, Step::AttachRoot]);
    mounts::add(&mut plan, spec, linux)?;
    plan.steps.push(Step::MakeWorkingDirectory(process.cwd.clone()));
    if situation.terminal {
        plan.steps.push(process::terminal(process, true));
    }
    for (name, value) in &linux.sysctl {
        plan.steps.push(Step::Sysctl { path: sysctl_path(name)?, value: value.clone() });
    }
    plan.steps.extend(linux.readonly_paths.iter().cloned().map(Step::Readonly));
    plan.steps.extend(linux.masked_paths.iter().cloned().map(Step::Mask));
    if let (true, Some(hooks)) = (situation.hooks, &spec.hooks) {
        if !(hooks.prestart.is_empty() && hooks.create_runtime.is_empty()) {
            plan.steps.push(Step::ParentHooks);
        }
        if !hooks.create_container.is_empty() {
            plan.steps.push(Step::Hooks(HookPoint::CreateContainer));
        }
    }
    // pivot_root(2) takes no root whose mount events travel, so those come after it.
    let finish = finish_root(spec, linux)?;
    plan.steps.extend([Step::PivotRoot, finish]);
    if let Some(personality) = &linux.personality {
        plan.steps.push(process::personality(personality)?);
    }
    if let Some(policy) = &linux.memory_policy {
        plan.steps.push(process::memory_policy(policy)?);
    }
    process::add(&mut plan, process, situation)?;
    Ok(plan)
}

/// Plans a further process that enters `target`'s namespaces.
///
/// # Errors
/// As [`create`].
pub fn exec(
    process: &spec::runtime::Process,
    target: Kinds,
    situation: Situation<'_>,
) -> Result<Plan, LaunchError> {
    let mut plan = Plan {
        namespaces: Kinds::NONE,
        namespace_paths: Vec::new(),
        binds: Vec::new(),
        steps: Vec::new(),
        seccomp_last: situation.seccomp_last(),
        warnings: Vec::new(),
    };
    let affinity = process.exec_cpu_affinity.as_ref();
    plan.steps.extend(affinity.map(|affinity| process::affinity(&affinity.initial)).transpose()?.flatten());
    // The pid namespace is entered by the parent, before the child is made.
    plan.steps.extend([Step::EnterCgroup, Step::EnterTarget(target.without(Kind::Pid))]);
    plan.steps.extend(affinity.map(|affinity| process::affinity(&affinity.last)).transpose()?.flatten());
    if situation.terminal {
        plan.steps.push(process::terminal(process, false));
    }
    process::add(&mut plan, process, situation)?;
    Ok(plan)
}

fn invalid(field: &'static str, value: impl Into<String>, problem: &'static str) -> LaunchError {
    LaunchError::Invalid { field, value: value.into(), problem }
}

/// What a spec may ask for and this runtime does not do is an error, and not passed over.
fn refuse_unknown(linux: &Linux) -> Result<(), LaunchError> {
    let asked = [
        ("linux.uidMappings", !linux.uid_mappings.is_empty()),
        ("linux.gidMappings", !linux.gid_mappings.is_empty()),
        ("linux.netDevices", !linux.net_devices.is_empty()),
        ("linux.intelRdt", linux.intel_rdt.is_some()),
    ];
    match asked.into_iter().find(|(_, is_asked)| *is_asked) {
        Some((field, _)) => Err(invalid(field, "", "is not possible yet")),
        None => Ok(()),
    }
}

/// The kinds to make, and those to enter by path.
fn namespaces(linux: &Linux, joined: Kinds) -> Result<(Kinds, Vec<(Kind, PathBuf)>), LaunchError> {
    let (mut made, mut paths) = (Kinds::NONE, Vec::new());
    for namespace in &linux.namespaces {
        let kind = Kind::from_spec(&namespace.kind)
            .ok_or_else(|| invalid("linux.namespaces", &namespace.kind, "is no kind of namespace"))?;
        if made.contains(kind) || paths.iter().any(|(seen, _)| *seen == kind) {
            return Err(invalid("linux.namespaces", &namespace.kind, "is there twice"));
        }
        match &namespace.path {
            _ if joined.contains(kind) => {}
            Some(path) => paths.push((kind, path.clone())),
            None => made = made.with(kind),
        }
    }
    if !made.contains(Kind::Mount) {
        return Err(invalid("linux.namespaces", "mount", "must be a new namespace"));
    }
    if made.contains(Kind::User) {
        return Err(invalid("linux.namespaces", "user", "cannot be made yet"));
    }
    if !linux.time_offsets.is_empty() && !made.contains(Kind::Time) {
        return Err(invalid("linux.timeOffsets", "", "needs a new time namespace"));
    }
    Ok((made, paths))
}

fn time_offsets(linux: &Linux) -> Result<String, LaunchError> {
    let mut lines = String::new();
    for (clock, offset) in &linux.time_offsets {
        if !matches!(clock.as_str(), "monotonic" | "boottime") {
            return Err(invalid("linux.timeOffsets", clock, "is neither monotonic nor boottime"));
        }
        lines.push_str(&format!("{clock} {} {}\n", offset.secs, offset.nanosecs));
    }
    Ok(lines)
}

/// `net.ipv4.ip_forward` as a path below `/proc/sys`. A name with slashes has its dots inside the components.
fn sysctl_path(name: &str) -> Result<String, LaunchError> {
    let slashes = name.find(['.', '/']).is_some_and(|at| name.as_bytes()[at] == b'/');
    let path = if slashes {
        name.to_owned()
    } else {
        // sysctl(8): in a dotted name a slash stands for a dot, as in net.ipv4.conf.eth0/1.
        name.chars()
            .map(|letter| match letter {
                '.' => '/',
                '/' => '.',
                other => other,
            })
            .collect()
    };
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(invalid("linux.sysctl", name, "is no kernel parameter"));
    }
    Ok(path)
}

fn finish_root(spec: &Spec, linux: &Linux) -> Result<Step, LaunchError> {
    let propagation = match linux.rootfs_propagation.as_str() {
        "" => None,
        word => Some(
            options::root_propagation(word)
                .ok_or_else(|| invalid("linux.rootfsPropagation", word, "is no propagation"))?,
        ),
    };
    Ok(Step::FinishRoot { readonly: spec.root.as_ref().is_some_and(|root| root.readonly), propagation })
}

#[cfg(test)]
mod tests;
