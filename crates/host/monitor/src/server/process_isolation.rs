//! Isolation by the host's kernel: namespaces, a cgroup, bridges.

mod ipc;
mod networks;

use super::isolation::{ChildStdio, ExecRequest, Failure, Isolation, Launched, OomSignal, ResolverPlace};
use super::reactor::Interest;
use crate::client::{ClientError, Connection};
use crate::desired::{Desired, NetworkPlan, SeccompChoice};
use crate::layout::{ContainerDirectories, exec};
use crate::protocol::{FailureKind, Reply, Request};
use cgroup::{Entry, Group, GroupPath, Hierarchies, OomWatch};
use ids::{ContainerId, InstanceId};
use kernel::namespace::{self, Kind, Kinds};
use network::{NetworkSockets, PublishedPorts, StaleConnections, Withdrawn};
use runtime::seccomp::{self, CapabilitySet};
use runtime::{Created, ExecLaunch, JoinedNamespaces, Launch, LaunchError, Stdio, Streams};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

/// Namespaces that belong to the sandbox and outlive the container's processes.
const SANDBOX_KINDS: [Kind; 3] = [Kind::Network, Kind::Ipc, Kind::Uts];

/// A sandbox of host processes.
pub(super) struct ProcessIsolation {
    instance: InstanceId,
    /// Where the other containers' exec directories are.
    siblings: PathBuf,
    /// The container's directory there, where its `/dev/shm` is, when others may share it.
    shared: Option<PathBuf>,
    namespaces: Vec<(Kind, OwnedFd)>,
    sockets: Option<NetworkSockets>,
    published: Option<PublishedPorts>,
    /// The address of a container that died with its monitor: what is published for it is found by that alone.
    orphaned: Option<Ipv4Addr>,
    /// Ports that were withdrawn, with the note that their connections are still to be ended.
    withdrawn: Option<(StaleConnections, Withdrawn)>,
    group: Option<Group>,
    /// The group had processes and was killed: it is made anew before the next one.
    group_is_spent: bool,
    /// How processes get into the group.
    entry: Option<Entry>,
    oom: Option<OomWatch>,
    /// A first process that waits for its program.
    waiting: Option<Created>,
    /// The container's filter of system calls, for further processes.
    filter: Option<seccomp::Program>,
    /// What failed before the sandbox was destroyed.
    failures: Vec<String>,
    /// What a person should know though nothing failed.
    warnings: Vec<String>,
}

impl ProcessIsolation {
    pub(super) fn new(instance: InstanceId, siblings: PathBuf) -> Self {
        Self {
            instance,
            siblings,
            shared: None,
            namespaces: Vec::new(),
            sockets: None,
            published: None,
            orphaned: None,
            withdrawn: None,
            group: None,
            group_is_spent: false,
            entry: None,
            oom: None,
            waiting: None,
            filter: None,
            failures: Vec::new(),
            warnings: Vec::new(),
        }
    }

    fn namespace(&self, kind: Kind) -> Option<BorrowedFd<'_>> {
        self.namespaces.iter().find(|(made, _)| *made == kind).map(|(_, fd)| fd.as_fd())
    }

    fn joined(&self) -> JoinedNamespaces<'_> {
        JoinedNamespaces {
            network: self.namespace(Kind::Network),
            ipc: self.namespace(Kind::Ipc),
            uts: self.namespace(Kind::Uts),
            ..JoinedNamespaces::default()
        }
    }

    /// Where the instance notes addresses whose former connections are still to be ended.
    fn stale_directory(&self) -> PathBuf {
        self.siblings.join("..").join(exec::STALE_CONNECTIONS)
    }

    /// Makes or joins the namespaces that the sandbox owns.
    fn open_namespaces(&mut self, desired: &Desired) -> Result<(), Failure> {
        let listed = desired.spec.linux.iter().flat_map(|linux| &linux.namespaces);
        let wanted: Vec<Kind> = listed
            .filter(|entry| entry.path.is_none())
            .filter_map(|entry| Kind::from_spec(&entry.kind))
            .collect();
        let mut make: Kinds = SANDBOX_KINDS.into_iter().filter(|kind| wanted.contains(kind)).collect();
        if let NetworkPlan::Container { id } = &desired.network {
            make = make.without(Kind::Network);
            self.namespaces.push((Kind::Network, self.namespace_of(id, "net", "network")?));
        }
        self.join_ipc(desired, &mut make)?;
        let made =
            namespace::create(make).map_err(|errno| errno_failure("make the sandbox's namespaces", errno))?;
        self.namespaces.extend(made);
        Ok(())
    }

    /// A namespace of another container, from its monitor.
    fn namespace_of(&self, id: &ContainerId, kind: &str, what: &str) -> Result<OwnedFd, Failure> {
        let gone = |why: String| {
            Failure::state(format!("cannot join the {what} of container {}: {why}", id.short()))
        };
        let exec = self.siblings.join(id.as_str());
        let directories = ContainerDirectories { data: PathBuf::new(), exec };
        let ask = || {
            let connection = Connection::open(&directories)?;
            connection.send(&Request::OpenNamespace { kind: kind.into() }, &[])?;
            connection.reply()
        };
        let failed = |error| match error {
            ClientError::NoMonitor => gone("it is not running; start it first".into()),
            error => gone(super::isolation::chain(&error)),
        };
        match ask().map_err(failed)? {
            (Reply::Namespace, mut fds) if fds.len() == 1 => Ok(fds.remove(0)),
            (Reply::Failed { message, .. }, _) => Err(gone(message)),
            _ => Err(gone("its monitor answered something else".into())),
        }
    }

    fn set_up_cgroup(&mut self, desired: &Desired) -> Result<(), Failure> {
        let failed = |error: cgroup::CgroupError| Failure::host(&error);
        let hierarchies = Hierarchies::detect().map_err(failed)?;
        let path = GroupPath::parse(&desired.cgroup_path).map_err(failed)?;
        let none = spec::runtime::Resources::default();
        let resources =
            desired.spec.linux.as_ref().and_then(|linux| linux.resources.as_ref()).unwrap_or(&none);
        let group = Group::create(&hierarchies, &path, resources).map_err(failed)?;
        self.group = Some(group);
        self.open_group()
    }

    /// A group that was once killed kills whoever is cloned into it (`CLONE_INTO_CGROUP` compares the group's kill
    /// count with that of the caller's group; seen on Linux 6.18), and it still counts the former run's memory kills.
    fn renew_cgroup(&mut self, desired: &Desired) -> Result<(), Failure> {
        if !self.group_is_spent {
            return Ok(());
        }
        self.entry = None;
        self.oom = None;
        if let Some(group) = self.group.take() {
            group.remove().map_err(|error| Failure::host(&error))?;
        }
        self.set_up_cgroup(desired)?;
        self.group_is_spent = false;
        Ok(())
    }

    /// Opens what is needed of an existing group.
    fn open_group(&mut self) -> Result<(), Failure> {
        let Some(group) = &self.group else { return Ok(()) };
        self.entry = Some(group.entry().map_err(|error| Failure::host(&error))?);
        // Without it an out-of-memory kill is not told from another; the container runs all the same.
        self.oom = group.oom_events().ok().flatten();
        Ok(())
    }

    fn compile_filter(&mut self, desired: &Desired) -> Result<(), Failure> {
        let compiled = match &desired.seccomp {
            SeccompChoice::Unconfined => return Ok(()),
            SeccompChoice::Default => {
                let process = desired.spec.process.as_ref();
                let bounding =
                    process.and_then(|process| process.capabilities.as_ref()).map(|sets| &sets.bounding);
                seccomp::Program::default_for(CapabilitySet::from_names(
                    bounding.map_or(&[][..], Vec::as_slice),
                ))
            }
            SeccompChoice::Profile(profile) => seccomp::Program::compile(profile).map(|(program, _)| program),
        };
        self.filter = Some(compiled.map_err(|error| Failure::host(&error))?);
        Ok(())
    }
}

fn errno_failure(context: &str, errno: rustix::io::Errno) -> Failure {
    Failure { kind: FailureKind::Host, message: format!("{context}: {}", std::io::Error::from(errno)) }
}

fn launch_failure(error: &LaunchError) -> Failure {
    let kind = match error.exit_code() {
        127 => FailureKind::CommandNotFound,
        126 => FailureKind::CommandNotExecutable,
        _ => FailureKind::Host,
    };
    Failure { kind, message: super::isolation::chain(error) }
}

fn runtime_stdio(stdio: ChildStdio) -> Stdio {
    match stdio {
        ChildStdio::Terminal => Stdio::Terminal,
        ChildStdio::Pipes { stdin, stdout, stderr } => Stdio::Fds(Streams { stdin, stdout, stderr }),
    }
}

impl Isolation for ProcessIsolation {
    fn create_sandbox(&mut self, desired: &Desired) -> Result<(), Failure> {
        if matches!(desired.network, NetworkPlan::Bridge { .. } | NetworkPlan::None) {
            let sockets = NetworkSockets::open(&self.instance).map_err(|error| Failure::host(&error))?;
            self.sockets = Some(sockets);
        }
        let result = self
            .open_namespaces(desired)
            .and_then(|()| self.make_shm(desired))
            .and_then(|()| self.set_up_network(desired))
            .and_then(|()| self.set_up_cgroup(desired))
            .and_then(|()| self.compile_filter(desired));
        if result.is_err() {
            let mut failures = self.destroy();
            failures.extend(self.end_connections());
            self.failures = failures;
        }
        result
    }

    fn adopt(&mut self, desired: &Desired, pid: Option<i32>) -> Result<(), Failure> {
        let failed = |error: cgroup::CgroupError| Failure::host(&error);
        let hierarchies = Hierarchies::detect().map_err(failed)?;
        let path = GroupPath::parse(&desired.cgroup_path).map_err(failed)?;
        self.group = match Group::open(&hierarchies, &path) {
            Ok(group) => Some(group),
            // A reboot takes the cgroup along, and with it everything that could be left of the container.
            Err(cgroup::CgroupError::NotFound { .. }) if pid.is_none() => None,
            Err(error) => return Err(failed(error)),
        };
        self.adopt_shm(desired);
        self.adopt_ports(desired, pid.is_some())?;
        let Some(pid) = pid else { return Ok(()) };
        self.open_group()?;
        for kind in SANDBOX_KINDS {
            let namespace = namespace::open_of(pid, kind)
                .map_err(|errno| errno_failure("open the container's namespaces", errno))?;
            self.namespaces.push((kind, namespace));
        }
        self.attach_missing(desired)?;
        self.compile_filter(desired)
    }

    fn create(&mut self, desired: &Desired, stdio: ChildStdio) -> Result<Launched, Failure> {
        self.renew_cgroup(desired)?;
        let shared =
            desired.pid_of.as_ref().map(|id| self.namespace_of(id, "pid", "processes")).transpose()?;
        let mut launch = Launch::new(&desired.spec, &desired.rootfs, runtime_stdio(stdio));
        launch.join = JoinedNamespaces { pid: shared.as_ref().map(AsFd::as_fd), ..self.joined() };
        launch.cgroup = self.entry.as_ref().map(cgroup_entry);
        launch.seccomp = self.filter.as_ref();
        let mut created = runtime::create(launch).map_err(|error| launch_failure(&error))?;
        let pidfd = created.pidfd().try_clone_to_owned().map_err(|error| Failure::host(&error))?;
        let launched = Launched { pid: created.pid(), pidfd, terminal: created.terminal() };
        self.waiting = Some(created);
        Ok(launched)
    }

    fn start(&mut self) -> Result<(), Failure> {
        let created = self.waiting.take().ok_or_else(|| Failure::state("no process waits to be started"))?;
        created.start().map(drop).map_err(|error| launch_failure(&error))
    }

    fn exec(
        &mut self,
        target: BorrowedFd<'_>,
        request: &ExecRequest<'_>,
        stdio: ChildStdio,
    ) -> Result<Launched, Failure> {
        let mut launch = ExecLaunch::new(target, request.process, runtime_stdio(stdio));
        launch.cgroup = self.entry.as_ref().map(cgroup_entry);
        launch.seccomp = self.filter.as_ref().filter(|_| !request.privileged);
        let (started, terminal) = runtime::exec(launch).map_err(|error| launch_failure(&error))?;
        Ok(Launched { pid: started.pid, pidfd: started.pidfd, terminal })
    }

    fn pause(&mut self) -> Result<(), Failure> {
        let group = self.group.as_ref().ok_or_else(|| Failure::state("the container has no cgroup"))?;
        group.freeze().map_err(|error| Failure::host(&error))
    }

    fn unpause(&mut self) -> Result<(), Failure> {
        let group = self.group.as_ref().ok_or_else(|| Failure::state("the container has no cgroup"))?;
        group.thaw().map_err(|error| Failure::host(&error))
    }

    fn leave_callers_group(&self) -> Result<(), Failure> {
        super::leaf::enter(&self.instance)
    }

    fn is_paused(&self) -> bool {
        // A group that cannot be asked cannot be frozen either.
        self.group.as_ref().is_some_and(|group| group.is_frozen().unwrap_or(false))
    }

    fn update(&mut self, desired: &Desired) -> Result<(), Failure> {
        let resources = desired.spec.linux.as_ref().and_then(|linux| linux.resources.clone());
        match (&mut self.group, resources) {
            (Some(group), Some(resources)) => {
                // Rules about devices do not change, and laying them down anew would deny all devices for a moment.
                let resources = spec::runtime::Resources { devices: Vec::new(), ..resources };
                group.apply(&resources).map_err(|error| Failure::host(&error))
            }
            _ => Ok(()),
        }
    }

    fn change_networks(&mut self, before: &NetworkPlan, now: &NetworkPlan) -> Result<(), Failure> {
        self.change_endpoints(before, now)
    }

    fn open_resolver(&mut self) -> Result<Option<ResolverPlace>, Failure> {
        self.resolver_place()
    }

    fn processes(&self) -> Result<Vec<i32>, Failure> {
        match &self.group {
            Some(group) => {
                let processes = group.processes().map_err(|error| Failure::host(&error))?;
                Ok(processes.into_iter().map(|pid| pid.as_raw_nonzero().get()).collect())
            }
            None => Ok(Vec::new()),
        }
    }

    fn stats(&self) -> Result<cgroup::Stats, Failure> {
        let group = self.group.as_ref().ok_or_else(|| Failure::state("the container has no cgroup"))?;
        group.stats().map_err(|error| Failure::host(&error))
    }

    fn open_namespace(&self, kind: &str) -> Result<OwnedFd, Failure> {
        let namespace = match kind {
            "net" => self.namespace(Kind::Network),
            "ipc" => self.namespace(Kind::Ipc),
            "uts" => self.namespace(Kind::Uts),
            _ => return Err(Failure::state(format!("a sandbox has no {kind:?} namespace of its own"))),
        };
        match namespace {
            Some(namespace) => namespace.try_clone_to_owned().map_err(|error| Failure::host(&error)),
            // It shares the host's.
            None => namespace::open_own(
                Kind::from_spec(if kind == "net" { "network" } else { kind }).unwrap_or(Kind::Network),
            )
            .map_err(|errno| errno_failure("open the host's namespace", errno)),
        }
    }

    fn oom_signal(&self) -> Option<OomSignal<'_>> {
        self.oom.as_ref().map(|watch| {
            let urgent = watch.readiness().contains(rustix::event::epoll::EventFlags::PRI);
            OomSignal { fd: watch.as_fd(), interest: if urgent { Interest::URGENT } else { Interest::READ } }
        })
    }

    fn oom_kills(&mut self) -> u64 {
        self.oom.as_mut().map_or(0, |watch| {
            watch.clear();
            // A group that cannot be read has killed nobody that we know of.
            watch.count().unwrap_or(0)
        })
    }

    fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    fn kill_all(&mut self) {
        // A process that waits for its program ends with its channel.
        self.waiting = None;
        self.group_is_spent = true;
        if let Some(group) = &self.group
            && let Err(error) = group.kill()
        {
            self.failures.push(super::isolation::chain(&error));
        }
    }

    fn destroy(&mut self) -> Vec<String> {
        let mut failures = std::mem::take(&mut self.failures);
        self.waiting = None;
        self.entry = None;
        self.oom = None;
        failures.extend(self.withdraw_ports());
        if let Some(group) = self.group.take()
            && let Err(error) = group.kill().and_then(|()| group.remove())
        {
            failures.push(super::isolation::chain(&error));
        }
        // With the last descriptor the namespace goes, and its interfaces with it, in the background.
        self.namespaces.clear();
        failures.extend(self.release_shm());
        failures
    }

    fn end_connections(&mut self) -> Vec<String> {
        let (Some((note, withdrawn)), Some(sockets)) = (self.withdrawn.take(), &self.sockets) else {
            return Vec::new();
        };
        let done = note.end(sockets, &withdrawn);
        done.err().map(|error| super::isolation::chain(&error)).into_iter().collect()
    }
}

fn cgroup_entry(entry: &Entry) -> runtime::CgroupEntry<'_> {
    runtime::CgroupEntry {
        unified: entry.v2_directory.as_ref().map(AsFd::as_fd),
        tasks: entry.v1_tasks.iter().map(AsFd::as_fd).collect(),
    }
}
