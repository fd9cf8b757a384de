//! The order of a launch's steps, decided before there is a child.
//!
//! [`create`] and [`exec`] are pure: the same input gives the same plan, and nothing of the host is looked at. The
//! child does what the steps say, one after the other; what they need of the host (sources of mounts, the root file
//! system, namespaces) the parent has opened by then.

mod mounts;
mod process;

use crate::error::{LaunchError, StepKind};
use crate::options::{self, MountOptions, Recursion};
use kernel::mount::Propagation;
use kernel::namespace::{Kind, Kinds};
use kernel::process::SchedulerAttributes;
use spec::runtime::{Linux, Rlimit, Spec};
use std::path::PathBuf;

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
    /// Whether the seccomp filter is installed as the very last thing (it needs `no_new_privs`, and then no call
    /// but execve(2) has to be allowed by it) instead of as a step.
    pub seccomp_last: bool,
    /// What is not as the spec asks, without being a reason to fail.
    pub warnings: Vec<String>,
}

/// Something of the host that appears in the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindSource {
    /// Its path on the host.
    pub path: PathBuf,
    /// Whether the mounts below it come along.
    pub recursion: Recursion,
}

/// One thing that the child does.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Writes itself into the `tasks` files of cgroup v1.
    EnterCgroup,
    /// Enters the namespaces that it got as descriptors.
    EnterNamespaces,
    /// Enters these namespaces of the container's first process.
    EnterTarget(Kinds),
    /// Makes these namespaces, which have to come after something that went before.
    MakeNamespaces(Kinds),
    /// Makes and enters a time namespace with these lines of `timens_offsets` (time_namespaces(7)).
    MakeTimeNamespace(String),
    /// Restricts the process to these cpus.
    Affinity(Vec<usize>),
    /// Sets `lo` up.
    Loopback,
    /// sethostname(2).
    Hostname(String),
    /// setdomainname(2).
    Domainname(String),
    /// Cuts the inherited mounts off from the host's, so that no change of the child's travels there.
    IsolateMounts,
    /// Puts the root file system into the mount namespace.
    AttachRoot,
    /// Mounts one thing below the root.
    Mount(MountStep),
    /// Makes a device node, or binds the host's where the kernel forbids making one.
    Device(DeviceStep),
    /// Makes a symbolic link unless there is something already.
    Link {
        /// Where, below the root.
        path: PathBuf,
        /// What it says.
        target: &'static str,
    },
    /// Makes the working directory if it is missing.
    MakeWorkingDirectory(PathBuf),
    /// Makes the terminal; in the container's first process it also becomes `/dev/console`.
    Terminal {
        /// Rows and columns.
        size: Option<(u16, u16)>,
        /// Its owner.
        uid: u32,
        /// Whether it is bound on `/dev/console`.
        console: bool,
    },
    /// Writes a file below `/proc/sys`.
    Sysctl {
        /// Path below `/proc/sys`.
        path: String,
        /// What to write.
        value: String,
    },
    /// Hides a path.
    Mask(PathBuf),
    /// Makes a path read-only.
    Readonly(PathBuf),
    /// Makes the root read-only and gives it its propagation.
    FinishRoot {
        /// Whether it becomes read-only.
        readonly: bool,
        /// Its propagation, where it is not to stay as it came: a slave of the host's, or private where there is none.
        propagation: Option<(Propagation, Recursion)>,
    },
    /// Changes the root directory and lets go of the host's mounts.
    PivotRoot,
    /// Takes an anonymous session keyring.
    Keyring,
    /// Sets a resource limit.
    Rlimit {
        /// Which.
        resource: i32,
        /// The limit.
        limit: Rlimit,
        /// Whether a refusal is passed over, after having tried what is allowed.
        lenient: bool,
    },
    /// Writes `oom_score_adj`.
    OomScore(i32),
    /// sched_setattr(2).
    Scheduler(SchedulerAttributes),
    /// ioprio_set(2): class and level.
    IoPriority(u8, u8),
    /// personality(2).
    Personality(u64),
    /// set_mempolicy(2): mode with flags, nodes.
    MemoryPolicy(i32, Vec<u64>),
    /// Sets the AppArmor profile or SELinux label that execve(2) takes.
    Label {
        /// File below `/proc/self/attr`.
        file: &'static str,
        /// What to write.
        value: String,
    },
    /// Sets `no_new_privs`.
    NoNewPrivileges,
    /// Installs the seccomp filter.
    Seccomp,
    /// Enters the working directory.
    WorkingDirectory(PathBuf),
    /// Changes users, groups and capabilities.
    Identity(Identity),
    /// Lets the parent run its hooks and waits for it.
    ParentHooks,
    /// Runs hooks in the container's namespaces.
    Hooks(HookPoint),
    /// Finds the program and its user's home directory.
    FindProgram {
        /// The user.
        uid: u32,
    },
}

/// When hooks run inside the container's namespaces (config.md, "POSIX-platform Hooks").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookPoint {
    /// Before the root directory is changed; the hook's path is the host's.
    CreateContainer,
    /// After it, before the program; the hook's path is the container's.
    StartContainer,
}

/// A mount below the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountStep {
    /// Where, as the spec says it.
    pub destination: PathBuf,
    /// What.
    pub source: MountSource,
    /// How.
    pub options: MountOptions,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountSource {
    /// The bind source with this index in [`Plan::binds`].
    Bind(usize),
    /// A new instance of a file system.
    FileSystem {
        /// Its type.
        kind: String,
        /// Its source, a word that `/proc/mounts` shows or a device.
        source: String,
    },
    /// The container's view of the control groups.
    Cgroup,
}

/// A device node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceStep {
    /// Where.
    pub path: PathBuf,
    /// Which type of node.
    pub kind: DeviceKind,
    /// Major and minor number.
    pub number: (u32, u32),
    /// Permission bits.
    pub mode: u32,
    /// Owner and group.
    pub owner: (u32, u32),
}

/// Types of nodes that a spec can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// `c` and `u`.
    Character,
    /// `b`.
    Block,
    /// `p`.
    Fifo,
}

/// Users, groups and capabilities of the program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// File mode creation mask.
    pub umask: u32,
    /// The five capability sets.
    pub capabilities: CapabilitySets,
}

/// Bit masks of the five sets of capabilities(7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CapabilitySets {
    /// Limit of what execve(2) can give.
    pub bounding: u64,
    /// Checked by the kernel.
    pub effective: u64,
    /// What effective may be raised to.
    pub permitted: u64,
    /// Kept over execve(2) where the file allows.
    pub inheritable: u64,
    /// Kept over execve(2) without file capabilities.
    pub ambient: u64,
}

impl Plan {
    /// Whether the container is to see its control groups.
    pub(crate) fn mounts_cgroups(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Mount(MountStep { source: MountSource::Cgroup, .. })))
    }
}

impl Step {
    /// What failed if this step fails.
    pub(crate) fn kind(&self) -> StepKind {
        match self {
            Step::EnterCgroup => StepKind::EnterCgroup,
            Step::EnterNamespaces
            | Step::EnterTarget(_)
            | Step::MakeNamespaces(_)
            | Step::MakeTimeNamespace(_) => StepKind::Namespaces,
            Step::Loopback => StepKind::Loopback,
            Step::Hostname(_) => StepKind::Hostname,
            Step::Domainname(_) => StepKind::Domainname,
            Step::IsolateMounts | Step::AttachRoot | Step::FinishRoot { .. } => StepKind::RootFilesystem,
            Step::Mount(_) => StepKind::Mount,
            Step::Device(_) => StepKind::Device,
            Step::Link { .. } => StepKind::Link,
            Step::MakeWorkingDirectory(_) | Step::WorkingDirectory(_) => StepKind::WorkingDirectory,
            Step::Terminal { .. } => StepKind::Terminal,
            Step::Sysctl { .. } => StepKind::Sysctl,
            Step::Mask(_) => StepKind::MaskPath,
            Step::Readonly(_) => StepKind::ReadonlyPath,
            Step::PivotRoot => StepKind::PivotRoot,
            Step::Keyring => StepKind::Keyring,
            Step::Rlimit { .. } => StepKind::Rlimit,
            Step::OomScore(_) => StepKind::OomScore,
            Step::Affinity(_)
            | Step::Scheduler(_)
            | Step::IoPriority(..)
            | Step::Personality(_)
            | Step::MemoryPolicy(..) => StepKind::Scheduling,
            Step::Label { .. } => StepKind::Label,
            Step::NoNewPrivileges => StepKind::NoNewPrivileges,
            Step::Seccomp => StepKind::Seccomp,
            Step::Identity(_) => StepKind::User,
            Step::ParentHooks | Step::Hooks(_) => StepKind::Hook,
            Step::FindProgram { .. } => StepKind::FindProgram,
        }
    }

    /// What the step is about, for messages; empty where the kind says it all.
    pub(crate) fn object(&self) -> String {
        match self {
            Step::Hostname(name) | Step::Domainname(name) => format!("{name:?}"),
            Step::Mount(mount) => mount.describe(),
            Step::Device(device) => device.path.display().to_string(),
            Step::Link { path, target } => format!("{} to {target}", path.display()),
            Step::MakeWorkingDirectory(path)
            | Step::WorkingDirectory(path)
            | Step::Mask(path)
            | Step::Readonly(path) => path.display().to_string(),
            Step::Sysctl { path, value } => format!("{} = {value}", path.replace('/', ".")),
            Step::Rlimit { limit, .. } => format!("{} to {}:{}", limit.kind, limit.soft, limit.hard),
            Step::OomScore(score) => format!("to {score}"),
            Step::Label { value, .. } => format!("{value:?}"),
            Step::Identity(identity) => format!("{}:{}", identity.uid, identity.gid),
            _ => String::new(),
        }
    }
}

impl MountStep {
    fn describe(&self) -> String {
        let destination = self.destination.display();
        match &self.source {
            MountSource::Bind(_) => format!("at {destination}"),
            MountSource::FileSystem { kind, .. } => format!("{kind} at {destination}"),
            MountSource::Cgroup => format!("cgroup at {destination}"),
        }
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
    fn seccomp_last(&self, no_new_privileges: bool) -> bool {
        no_new_privileges && self.seccomp == Some(FilterKind::Plain)
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
        seccomp_last: situation.seccomp_last(process.no_new_privileges),
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
        seccomp_last: situation.seccomp_last(process.no_new_privileges),
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
