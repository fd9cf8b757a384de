//! What a caller hands in and gets back.

use crate::seccomp::Program;
use kernel::namespace::{Kind, Kinds};
use spec::rootfs::Rootfs;
use spec::runtime::{Process, Rlimit, Spec};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

/// A container to create.
#[derive(Debug)]
pub struct Launch<'a> {
    /// What is to run and in which surroundings. `root.path` is not read: the root is `rootfs`.
    pub spec: &'a Spec,
    /// The root file system, mounted anew for this container.
    pub rootfs: &'a Rootfs,
    /// Namespaces that exist already. A kind that the spec lists and that is neither here nor has a path is made.
    pub join: JoinedNamespaces<'a>,
    /// The control group in which the container's first process starts; the caller's own when absent.
    pub cgroup: Option<CgroupEntry<'a>>,
    /// Where the standard streams go.
    pub stdio: Stdio,
    /// The filter of system calls, compiled from `spec.linux.seccomp` or not; the spec's own section is only read
    /// for its listener.
    pub seccomp: Option<&'a Program>,
    /// Limits that nobody asked for: set as far as the caller's rights reach, and never a reason to fail. The
    /// spec's own `rlimits` come after them and must succeed.
    pub rlimit_defaults: &'a [Rlimit],
    /// How many descriptors from 3 on the program inherits (`LISTEN_FDS`, `--preserve-fds`).
    pub preserve_fds: u32,
    /// A listening socket of [`kernel::seqpacket::listen`] at which the process waits for [`crate::start_at`], so
    /// that somebody else than the caller can start it. Without one it waits for [`crate::Created::start`].
    pub gate: Option<BorrowedFd<'a>>,
    /// Whether the program keeps the caller's session keyring instead of getting a new one.
    pub keep_keyring: bool,
    /// Whether the root is changed by chroot(2), because pivot_root(2) is not possible: the host's files are then only
    /// out of sight.
    pub no_pivot: bool,
    /// Whom the spec's hooks are told about; without it there are none. Those of `poststart` and `poststop` are the
    /// caller's to run ([`crate::hooks::run`]).
    pub hooks: Option<HookContext<'a>>,
}

impl<'a> Launch<'a> {
    /// A launch with nothing joined, the caller's cgroup, no default limits, inherited descriptors or hooks.
    #[must_use]
    pub fn new(spec: &'a Spec, rootfs: &'a Rootfs, stdio: Stdio) -> Self {
        Launch {
            spec,
            rootfs,
            join: JoinedNamespaces::default(),
            cgroup: None,
            stdio,
            seccomp: None,
            rlimit_defaults: &[],
            preserve_fds: 0,
            gate: None,
            keep_keyring: false,
            no_pivot: false,
            hooks: None,
        }
    }
}

/// What hooks are told besides the process (runtime.md, "State").
#[derive(Debug, Clone, Copy)]
pub struct HookContext<'a> {
    /// The container's id.
    pub id: &'a str,
    /// The bundle's directory.
    pub bundle: &'a Path,
}

/// A further process in a running container.
#[derive(Debug)]
pub struct ExecLaunch<'a> {
    /// The container's first process.
    pub target: BorrowedFd<'a>,
    /// Which of its namespaces to enter; [`ExecLaunch::new`] says all but the user and time namespaces.
    pub namespaces: Kinds,
    /// Its root directory, where it has no mount namespace of its own that leads there.
    pub root: Option<BorrowedFd<'a>>,
    /// What to run.
    pub process: &'a Process,
    /// The control group in which it starts; the caller's own when absent.
    pub cgroup: Option<CgroupEntry<'a>>,
    /// Where the standard streams go.
    pub stdio: Stdio,
    /// The filter of system calls; one that asks an agent is refused here.
    pub seccomp: Option<&'a Program>,
    /// As in [`Launch::rlimit_defaults`].
    pub rlimit_defaults: &'a [Rlimit],
    /// As in [`Launch::preserve_fds`].
    pub preserve_fds: u32,
}

impl<'a> ExecLaunch<'a> {
    /// Enters the mount, pid, network, IPC, UTS and cgroup namespaces of `target`.
    #[must_use]
    pub fn new(target: BorrowedFd<'a>, process: &'a Process, stdio: Stdio) -> Self {
        let namespaces = Kind::ALL.into_iter().collect::<Kinds>().without(Kind::User).without(Kind::Time);
        ExecLaunch {
            target,
            namespaces,
            root: None,
            process,
            cgroup: None,
            stdio,
            seccomp: None,
            rlimit_defaults: &[],
            preserve_fds: 0,
        }
    }
}

/// Existing namespaces to enter, one descriptor for each kind.
#[derive(Debug, Clone, Copy, Default)]
pub struct JoinedNamespaces<'a> {
    /// user_namespaces(7).
    pub user: Option<BorrowedFd<'a>>,
    /// pid_namespaces(7).
    pub pid: Option<BorrowedFd<'a>>,
    /// network_namespaces(7).
    pub network: Option<BorrowedFd<'a>>,
    /// ipc_namespaces(7).
    pub ipc: Option<BorrowedFd<'a>>,
    /// uts_namespaces(7).
    pub uts: Option<BorrowedFd<'a>>,
    /// cgroup_namespaces(7).
    pub cgroup: Option<BorrowedFd<'a>>,
    /// time_namespaces(7).
    pub time: Option<BorrowedFd<'a>>,
}

impl<'a> JoinedNamespaces<'a> {
    /// The descriptor for this kind; a mount namespace is never joined.
    #[must_use]
    pub fn get(&self, kind: Kind) -> Option<BorrowedFd<'a>> {
        match kind {
            Kind::User => self.user,
            Kind::Pid => self.pid,
            Kind::Network => self.network,
            Kind::Ipc => self.ipc,
            Kind::Uts => self.uts,
            Kind::Cgroup => self.cgroup,
            Kind::Time => self.time,
            Kind::Mount => None,
        }
    }
}

/// How a process gets into its control group.
#[derive(Debug, Clone, Default)]
pub struct CgroupEntry<'a> {
    /// Directory of the cgroup v2 hierarchy: the process is born there (`CLONE_INTO_CGROUP`).
    pub unified: Option<BorrowedFd<'a>>,
    /// `tasks` files of cgroup v1, open for writing: the child writes itself into them before anything else. A
    /// thread that moves itself through `tasks` does not wait for the lock that `cgroup.procs` takes.
    pub tasks: Vec<BorrowedFd<'a>>,
}

/// Where a process's standard streams go.
#[derive(Debug)]
pub enum Stdio {
    /// To these.
    Fds(Streams),
    /// To a new terminal of the container's own devpts; its other end comes back to the caller.
    Terminal,
}

/// The three standard streams.
#[derive(Debug)]
pub struct Streams {
    /// Standard input.
    pub stdin: OwnedFd,
    /// Standard output.
    pub stdout: OwnedFd,
    /// Standard error.
    pub stderr: OwnedFd,
}

/// A process that executes its program.
#[derive(Debug)]
pub struct Started {
    /// Its number in the caller's pid namespace.
    pub pid: i32,
    /// Itself; the caller is its parent and reaps it.
    pub pidfd: OwnedFd,
}
