//! The order of a launch's steps, decided before there is a child.
//!
//! [`create`] and [`exec`] are pure: the same input gives the same plan, and nothing of the host is looked at. The
//! child does what the steps say, one after the other; what they need of the host (sources of mounts, the root file
//! system, namespaces) the parent has opened by then.

mod mounts;
mod process;
mod step;

use crate::error::LaunchError;
use crate::mappings::{LINES_MAX, Mappings};
use crate::options;
use kernel::namespace::{Kind, Kinds};
use spec::runtime::{IdMapping, Linux, NetDevice, Rlimit, Spec};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub use step::{
    BindSource, CapabilitySets, DeviceKind, DeviceStep, HookPoint, IdMap, Identity, MountSource, MountStep,
    Step,
};

/// What the parent does before, and the child in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Namespaces that clone3(2) makes.
    pub namespaces: Kinds,
    /// Namespaces of the spec with a path: the parent opens them, the child enters them.
    pub namespace_paths: Vec<(Kind, PathBuf)>,
    /// Whether the child is made by a process between it and its parent, which has entered the existing namespaces:
    /// new namespaces belong to the user namespace in which their maker is, and existing ones may belong to the host.
    pub through: bool,
    /// The mappings of a new user namespace; the parent writes them.
    pub mappings: Option<Mappings>,
    /// Whether the container is in a mount namespace of somebody else's, and mounts at the root's own place there.
    pub shares_mounts: bool,
    /// What the parent sets for a child in a user namespace, who has no right to it any more.
    pub granted: Granted,
    /// Network devices of the host that the parent moves into the container's network namespace.
    pub net_devices: BTreeMap<String, NetDevice>,
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

/// Settings that need rights of the initial user namespace (capabilities(7), CAP_SYS_RESOURCE).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Granted {
    /// `/proc/PID/oom_score_adj`.
    pub oom_score: Option<i32>,
    /// Hard limits that have to be there before the child sets its own: the kernel's number and the value.
    pub hard_limits: Vec<(i32, u64)>,
}

impl Plan {
    fn new(situation: Situation<'_>) -> Self {
        Plan {
            namespaces: Kinds::NONE,
            namespace_paths: Vec::new(),
            through: false,
            shares_mounts: false,
            mappings: None,
            granted: Granted::default(),
            net_devices: BTreeMap::new(),
            binds: Vec::new(),
            steps: vec![Step::EnterCgroup],
            seccomp_last: situation.seccomp_last(),
            warnings: Vec::new(),
        }
    }

    /// Takes the container's root directory right after its namespaces.
    pub(crate) fn enter_root(&mut self) {
        let target = self.steps.iter().position(|step| matches!(step, Step::EnterTarget(_)));
        self.steps.insert(target.map_or(0, |index| index + 1), Step::EnterRoot);
    }

    /// Whether the container enters a user namespace that exists.
    pub(crate) fn joins_user(&self) -> bool {
        self.through && self.mappings.is_none()
    }

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
    /// Whether chroot(2) takes the place of pivot_root(2).
    pub no_pivot: bool,
    /// Whether SELinux is in force, so that mounts can have its labels.
    pub selinux: bool,
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
    let mut plan = Plan::new(situation);
    // A cgroup namespace shows the cgroup in which its maker was as its root: it has to be made inside. A time
    // namespace takes its offsets only before anybody is in it.
    plan.namespaces = namespaces.without(Kind::Cgroup).without(Kind::Time);
    let user_joined =
        situation.joined.contains(Kind::User) || namespace_paths.iter().any(|(kind, _)| *kind == Kind::User);
    let user_made = namespaces.contains(Kind::User);
    plan.through = user_joined || user_made && !(situation.joined.is_empty() && namespace_paths.is_empty());
    plan.shares_mounts = !namespaces.contains(Kind::Mount);
    let listed_kinds: Kinds = namespace_paths.iter().map(|(kind, _)| *kind).collect();
    let listed = |kind| listed_kinds.contains(kind);
    plan.namespace_paths = namespace_paths;
    plan.mappings = mappings(linux, user_made)?;
    if !plan.through {
        plan.steps.push(Step::EnterNamespaces);
    }
    plan.net_devices = net_devices(linux, namespaces, &plan, situation)?;
    if user_joined || user_made || !plan.net_devices.is_empty() {
        plan.steps.push(Step::AwaitParent);
    }
    if namespaces.contains(Kind::Cgroup) {
        plan.steps.push(Step::MakeNamespaces(Kinds::NONE.with(Kind::Cgroup)));
    }
    if namespaces.contains(Kind::Time) {
        plan.steps.push(Step::MakeTimeNamespace(time_offsets(linux)?));
    }
    if user_joined || user_made {
        plan.steps.push(Step::BecomeRoot);
    }
    if namespaces.contains(Kind::Network) {
        plan.steps.push(Step::Loopback);
    }
    let own = |kind| namespaces.contains(kind) || situation.joined.contains(kind) || listed(kind);
    // Without a namespace of its own the host would get the name.
    for (field, name) in [("hostname", &spec.hostname), ("domainname", &spec.domainname)] {
        if !name.is_empty() && !own(Kind::Uts) {
            return Err(invalid(field, name, "needs a uts namespace"));
        }
    }
    if !spec.hostname.is_empty() {
        plan.steps.push(Step::Hostname(spec.hostname.clone()));
    }
    if !spec.domainname.is_empty() {
        plan.steps.push(Step::Domainname(spec.domainname.clone()));
    }
    if !plan.shares_mounts {
        plan.steps.push(Step::IsolateMounts);
    }
    plan.steps.push(Step::AttachRoot);
    if !linux.mount_label.is_empty() && !situation.selinux {
        plan.warnings.push("linux.mountLabel is passed over: SELinux is not enabled here".to_owned());
    }
    mounts::add(&mut plan, spec, linux, situation.selinux)?;
    plan.steps.push(Step::MakeWorkingDirectory(process.cwd.clone()));
    if situation.terminal {
        plan.steps.push(process::terminal(process, true));
    }
    for (name, value) in &linux.sysctl {
        check_sysctl(name, own)?;
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
    let change = if plan.shares_mounts || situation.no_pivot { Step::ChangeRoot } else { Step::PivotRoot };
    plan.steps.extend([change, finish]);
    if let Some(personality) = &linux.personality {
        plan.steps.push(process::personality(personality)?);
    }
    if let Some(policy) = &linux.memory_policy {
        plan.steps.push(process::memory_policy(policy)?);
    }
    process::add(&mut plan, process, situation)?;
    if user_joined || user_made {
        grant(&mut plan);
    }
    Ok(plan)
}

/// Leaves to the parent what a child in a user namespace has no right to.
fn grant(plan: &mut Plan) {
    let Plan { steps, granted, .. } = plan;
    steps.retain(|step| match step {
        Step::OomScore(score) => {
            granted.oom_score = Some(*score);
            false
        }
        Step::Rlimit { resource, limit, lenient } => {
            if !lenient {
                granted.hard_limits.push((*resource, limit.hard));
            }
            true
        }
        _ => true,
    });
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
    let mut plan = Plan::new(situation);
    plan.steps.clear();
    let affinity = process.exec_cpu_affinity.as_ref();
    plan.steps.extend(affinity.map(|affinity| process::affinity(&affinity.initial)).transpose()?.flatten());
    // The pid namespace is entered by the parent, before the child is made.
    plan.steps.push(Step::EnterCgroup);
    let user = target.contains(Kind::User);
    if user {
        plan.steps.push(Step::AwaitParent);
    }
    plan.steps.push(Step::EnterTarget(target.without(Kind::Pid)));
    if user {
        plan.steps.push(Step::BecomeRoot);
    }
    plan.steps.extend(affinity.map(|affinity| process::affinity(&affinity.last)).transpose()?.flatten());
    if situation.terminal {
        plan.steps.push(process::terminal(process, false));
    }
    process::add(&mut plan, process, situation)?;
    if user {
        grant(&mut plan);
    }
    Ok(plan)
}

fn invalid(field: &'static str, value: impl Into<String>, problem: &'static str) -> LaunchError {
    LaunchError::Invalid { field, value: value.into(), problem }
}

/// What a spec may ask for and this runtime does not do is an error, and not passed over.
fn refuse_unknown(linux: &Linux) -> Result<(), LaunchError> {
    match linux.intel_rdt {
        Some(_) => Err(invalid("linux.intelRdt", "", "is not possible yet")),
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
    if !linux.time_offsets.is_empty() && !made.contains(Kind::Time) {
        return Err(invalid("linux.timeOffsets", "", "needs a new time namespace"));
    }
    Ok((made, paths))
}

/// The mappings of a new user namespace, which must have some of both kinds (config-linux.md, "User namespace
/// mappings").
fn mappings(linux: &Linux, made: bool) -> Result<Option<Mappings>, LaunchError> {
    let (uids, gids) = (&linux.uid_mappings, &linux.gid_mappings);
    if !made {
        // Those of a joined namespace are its maker's affair; engines repeat them.
        return Ok(None);
    }
    check_mappings("linux.uidMappings", uids)?;
    check_mappings("linux.gidMappings", gids)?;
    Ok(Some(Mappings { uids: uids.clone(), gids: gids.clone() }))
}

/// Refuses what the kernel would refuse, with words of our own.
fn check_mappings(field: &'static str, lines: &[IdMapping]) -> Result<(), LaunchError> {
    if lines.is_empty() {
        return Err(invalid(field, "", "is missing for a new user namespace"));
    }
    if lines.len() > LINES_MAX {
        return Err(invalid(field, lines.len().to_string(), "are more than the kernel's 340 lines"));
    }
    let wrong = |line: &IdMapping| {
        let end = |first: u32| u64::from(first) + u64::from(line.size);
        line.size == 0
            || end(line.container_id) > u64::from(u32::MAX)
            || end(line.host_id) > u64::from(u32::MAX)
    };
    match lines.iter().find(|line| wrong(line)) {
        Some(line) => {
            let text = format!("{} {} {}", line.container_id, line.host_id, line.size);
            Err(invalid(field, text, "is an empty range, or one above the largest id"))
        }
        None => Ok(()),
    }
}

/// The network devices, which need a network namespace that is not the host's, and names that the kernel takes.
fn net_devices(
    linux: &Linux,
    made: Kinds,
    plan: &Plan,
    situation: Situation<'_>,
) -> Result<BTreeMap<String, NetDevice>, LaunchError> {
    let network = Kind::Network;
    let joined =
        situation.joined.contains(network) || plan.namespace_paths.iter().any(|(kind, _)| *kind == network);
    if linux.net_devices.is_empty() {
        return Ok(BTreeMap::new());
    }
    if !(made.contains(network) || joined) {
        return Err(invalid("linux.netDevices", "", "needs a network namespace"));
    }
    // `dev_valid_name` of the kernel; 16 bytes with the end (`IFNAMSIZ`).
    let valid = |name: &str| {
        (1..16).contains(&name.len())
            && !matches!(name, "." | "..")
            && !name.bytes().any(|byte| matches!(byte, b'/' | b':') || byte.is_ascii_whitespace())
    };
    for (name, device) in &linux.net_devices {
        let own = Some(&device.name).filter(|name| !name.is_empty());
        if let Some(name) = [Some(name), own].into_iter().flatten().find(|name| !valid(name)) {
            return Err(invalid("linux.netDevices", name, "is no name of a network device"));
        }
    }
    Ok(linux.net_devices.clone())
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

/// Refuses parameters that are the whole machine's, or those of a namespace that the container shares with the host.
fn check_sysctl(name: &str, own: impl Fn(Kind) -> bool) -> Result<(), LaunchError> {
    let path = sysctl_path(name)?;
    let of_ipc = [
        "kernel/msgmax",
        "kernel/msgmnb",
        "kernel/msgmni",
        "kernel/msg_next_id",
        "kernel/sem",
        "kernel/sem_next_id",
        "kernel/shmall",
        "kernel/shmmax",
        "kernel/shmmni",
        "kernel/shm_next_id",
        "kernel/shm_rmid_forced",
    ];
    let (kind, problem) = match path.as_str() {
        path if path.starts_with("net/") => (Kind::Network, "needs a network namespace"),
        path if path.starts_with("fs/mqueue/") || of_ipc.contains(&path) => {
            (Kind::Ipc, "needs an ipc namespace")
        }
        "kernel/domainname" | "kernel/hostname" => (Kind::Uts, "needs a uts namespace"),
        "kernel/ns_last_pid" => (Kind::Pid, "needs a pid namespace"),
        // user_namespaces(7), "limits on the number of namespaces".
        path if path.starts_with("user/") => (Kind::User, "needs a user namespace"),
        _ => return Err(invalid("linux.sysctl", name, "is a parameter of the whole machine")),
    };
    if own(kind) { Ok(()) } else { Err(invalid("linux.sysctl", name, problem)) }
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
