//! The steps themselves: data, and how messages name them.

use crate::error::StepKind;
use crate::mappings::Mappings;
use crate::options::{MountOptions, Recursion};
use kernel::mount::Propagation;
use kernel::namespace::Kinds;
use kernel::settings::SchedulerAttributes;
use spec::runtime::Rlimit;
use std::path::PathBuf;

/// Something of the host that appears in the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindSource {
    /// Its path on the host.
    pub path: PathBuf,
    /// Whether the mounts below it come along.
    pub recursion: Recursion,
    /// The mapping through which its owners are shown, and whether the mounts below it get it too.
    pub idmap: Option<(IdMap, Recursion)>,
}

/// Where an idmapped mount has its mapping from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdMap {
    /// From the specification.
    Listed(Mappings),
    /// From the user namespace that the container joins.
    Joined,
}

/// One thing that the child does.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Writes itself into the `tasks` files of cgroup v1.
    EnterCgroup,
    /// Enters the namespaces that it got as descriptors.
    EnterNamespaces,
    /// Waits while the parent writes the mappings of the child's user namespace and what else is the parent's right.
    AwaitParent,
    /// Becomes user and group 0 of the user namespace that it is in.
    BecomeRoot,
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
    /// Gets these bind sources from the parent, at most [`kernel::seqpacket::FDS_MAX`].
    FetchBinds {
        /// Index in [`super::Plan::binds`].
        first: usize,
        /// How many.
        count: usize,
    },
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
    /// Takes the container's root directory, which no mount namespace leads to.
    EnterRoot,
    /// Makes the new root the root directory by chroot(2), which leaves the old one where it is.
    ChangeRoot,
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
    /// Whether CAP_SYS_ADMIN is held besides until execve(2): without `no_new_privs` a filter needs it, and execve(2)
    /// takes it away, since it is neither in the bounding nor in the ambient set.
    pub may_filter: bool,
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

impl Step {
    /// What failed if this step fails.
    pub(crate) fn kind(&self) -> StepKind {
        match self {
            Step::EnterCgroup => StepKind::EnterCgroup,
            Step::EnterNamespaces
            | Step::EnterTarget(_)
            | Step::AwaitParent
            | Step::BecomeRoot
            | Step::MakeNamespaces(_)
            | Step::MakeTimeNamespace(_) => StepKind::Namespaces,
            Step::Loopback => StepKind::Loopback,
            Step::Hostname(_) => StepKind::Hostname,
            Step::Domainname(_) => StepKind::Domainname,
            Step::IsolateMounts | Step::AttachRoot | Step::FinishRoot { .. } => StepKind::RootFilesystem,
            Step::Mount(_) | Step::FetchBinds { .. } => StepKind::Mount,
            Step::Device(_) => StepKind::Device,
            Step::Link { .. } => StepKind::Link,
            Step::MakeWorkingDirectory(_) | Step::WorkingDirectory(_) => StepKind::WorkingDirectory,
            Step::Terminal { .. } => StepKind::Terminal,
            Step::Sysctl { .. } => StepKind::Sysctl,
            Step::Mask(_) => StepKind::MaskPath,
            Step::Readonly(_) => StepKind::ReadonlyPath,
            Step::PivotRoot | Step::ChangeRoot | Step::EnterRoot => StepKind::PivotRoot,
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
