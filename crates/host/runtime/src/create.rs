//! The parent's side of a launch.

use crate::agent::Agent;
use crate::child::{self, Assignment, HookWork, Work};
use crate::created::{Created, channel_error, give_up};
use crate::error::{Cause, LaunchError, StepKind};
use crate::guard;
use crate::launch::{CgroupEntry, ExecLaunch, Launch, Started, Stdio, Streams};
use crate::plan::{self, FilterKind, Situation};
use crate::service::Service;
use crate::sources::{self, Sources};
use crate::through;
use kernel::namespace::{self, Kind, Kinds};
use kernel::process::{self, Child, CloneOptions};
use kernel::signal;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// Makes the container's first process and sets it up completely.
///
/// # Errors
/// [`LaunchError`] names the step that failed; nothing is left of the process then.
pub fn create(launch: Launch<'_>) -> Result<Created, LaunchError> {
    let process = launch.spec.process.as_ref();
    let program = process.and_then(|process| process.args.first()).cloned().unwrap_or_default();
    let joined = Kind::ALL.into_iter().filter(|kind| launch.join.get(*kind).is_some()).collect();
    let situation = Situation {
        joined,
        terminal: matches!(launch.stdio, Stdio::Terminal),
        seccomp: launch.seccomp.map(filter_kind),
        hooks: launch.hooks.is_some(),
        keep_keyring: launch.keep_keyring,
        no_pivot: launch.no_pivot,
        selinux: launch.spec.linux.as_ref().is_some_and(|linux| !linux.mount_label.is_empty())
            && std::path::Path::new("/sys/fs/selinux/enforce").exists(),
        rlimit_defaults: launch.rlimit_defaults,
    };
    let plan = plan::create(launch.spec, situation)?;
    let process = process.ok_or_else(missing_process)?;
    let sources = Sources::open(&plan, launch.rootfs)?;
    let namespaces = Kind::ALL
        .into_iter()
        .filter_map(|kind| Some((kind, launch.join.get(kind)?)))
        .chain(sources.namespaces.iter().map(|(kind, fd)| (*kind, fd.as_fd())))
        .collect();
    let work = Work {
        plan: &plan,
        arguments: c_strings("process.args", &process.args)?,
        environment: c_strings("process.env", &process.env)?,
        root: Some(&sources.root),
        entered_root: None,
        namespaces,
        target: None,
        proc: sources.proc.as_ref().map(AsFd::as_fd),
        hooks: launch.hooks.map(|context| HookWork { spec: launch.spec, context }),
        seccomp: launch.seccomp,
    };
    let making = Making {
        work,
        cgroup: launch.cgroup.as_ref(),
        preserve_fds: launch.preserve_fds,
        gate: launch.gate,
        agent: launch.seccomp.filter(|filter| filter.notifies()).map(|_| Agent::of(&launch)),
        program,
        patience: None,
    };
    making.make(launch.stdio)
}

/// Starts a further process in a running container: the process, and its terminal's other end if it has one.
///
/// # Errors
/// As [`create`] and [`Created::start`].
pub fn exec(launch: ExecLaunch<'_>) -> Result<(Started, Option<OwnedFd>), LaunchError> {
    let situation = Situation {
        joined: Kinds::NONE,
        terminal: matches!(launch.stdio, Stdio::Terminal),
        seccomp: launch.seccomp.map(filter_kind),
        hooks: false,
        keep_keyring: false,
        no_pivot: false,
        selinux: false,
        rlimit_defaults: launch.rlimit_defaults,
    };
    if launch.seccomp.is_some_and(crate::seccomp::Program::notifies) {
        return Err(LaunchError::Invalid {
            field: "linux.seccomp",
            value: "SCMP_ACT_NOTIFY".to_owned(),
            problem: "is not possible for a further process",
        });
    }
    let mut plan = plan::exec(launch.process, launch.namespaces, situation)?;
    if launch.root.is_some() {
        plan.enter_root();
    }
    let proc = sources::open_proc(&plan.steps)?;
    let work = Work {
        plan: &plan,
        arguments: c_strings("process.args", &launch.process.args)?,
        environment: c_strings("process.env", &launch.process.env)?,
        root: None,
        entered_root: launch.root,
        namespaces: Vec::new(),
        target: Some((launch.target, launch.namespaces)),
        proc: proc.as_ref().map(AsFd::as_fd),
        hooks: None,
        seccomp: launch.seccomp,
    };
    let making = Making {
        work,
        cgroup: launch.cgroup.as_ref(),
        preserve_fds: launch.preserve_fds,
        gate: None,
        agent: None,
        program: launch.process.args.first().cloned().unwrap_or_default(),
        patience: Some(guard::exec_patience()),
    };
    let mut created = making.make(launch.stdio)?;
    let terminal = created.terminal();
    Ok((created.start()?, terminal))
}

fn missing_process() -> LaunchError {
    LaunchError::Invalid { field: "process", value: String::new(), problem: "is missing" }
}

fn c_strings(field: &'static str, words: &[String]) -> Result<Vec<CString>, LaunchError> {
    let convert = |word: &String| {
        CString::new(word.as_bytes()).map_err(|_| LaunchError::Invalid {
            field,
            value: word.clone(),
            problem: "contains a zero byte",
        })
    };
    words.iter().map(convert).collect()
}

/// Streams whose descriptors are none of 0, 1, 2, so that the child can put them there in any order.
fn above_standard(streams: Streams) -> Result<Streams, LaunchError> {
    let lift = |fd: OwnedFd| {
        if fd.as_raw_fd() > 2 {
            return Ok(fd);
        }
        rustix::io::fcntl_dupfd_cloexec(&fd, 3).map_err(|errno| LaunchError::Clone { source: Cause(errno) })
    };
    Ok(Streams { stdin: lift(streams.stdin)?, stdout: lift(streams.stdout)?, stderr: lift(streams.stderr)? })
}

/// Everything that making a child takes but the streams.
struct Making<'a> {
    work: Work<'a>,
    cgroup: Option<&'a CgroupEntry<'a>>,
    preserve_fds: u32,
    gate: Option<BorrowedFd<'a>>,
    agent: Option<Agent<'a>>,
    program: String,
    patience: Option<Duration>,
}

fn filter_kind(filter: &crate::seccomp::Program) -> FilterKind {
    if filter.notifies() { FilterKind::Asking } else { FilterKind::Plain }
}

impl<'a> Making<'a> {
    /// Every descriptor that the child works with.
    fn kept<'b>(&self, streams: Option<&'b Streams>, channel: BorrowedFd<'b>) -> Vec<BorrowedFd<'b>>
    where
        'a: 'b,
    {
        let streams =
            streams.into_iter().flat_map(|streams| [&streams.stdin, &streams.stdout, &streams.stderr]);
        let tasks = self.cgroup.into_iter().flat_map(|cgroup| cgroup.tasks.iter().copied());
        let own = self.gate.into_iter().chain([channel]);
        self.work.descriptors().chain(streams.map(AsFd::as_fd)).chain(tasks).chain(own).collect()
    }

    /// Clones the child and waits until it is ready.
    fn make(self, stdio: Stdio) -> Result<Created, LaunchError> {
        let (ours, theirs) = kernel::seqpacket::pair().map_err(channel_error)?;
        let streams = match stdio {
            Stdio::Fds(streams) => Some(above_standard(streams)?),
            Stdio::Terminal => None,
        };
        let kept = self.kept(streams.as_ref(), theirs.as_fd());
        let (plan, entered) = (self.work.plan, self.work.namespaces.clone());
        let warnings = plan.warnings.clone();
        let options = CloneOptions {
            namespaces: plan.namespaces,
            cgroup: self.cgroup.and_then(|cgroup| cgroup.unified),
            sibling: false,
            keep: &kept,
            keep_first: guard::kept_descriptors(self.preserve_fds),
        };
        let (pid_namespace, hooks) = (self.work.pid_namespace(), self.work.hooks);
        let assignment = Assignment {
            work: self.work,
            tasks: self.cgroup.map_or(&[][..], |cgroup| &cgroup.tasks),
            streams: streams.as_ref(),
            channel: theirs.as_fd(),
            gate: self.gate,
            preserve_fds: self.preserve_fds,
        };
        let child = if plan.through {
            through::clone_through(&entered, &options, || child::run(assignment))?
        } else {
            clone_in(pid_namespace, &options, || child::run(assignment))?
        };
        drop(theirs);
        let mut created = Created::new(self.program, child, ours, warnings, self.patience);
        let joined_user = entered.iter().find(|(kind, _)| *kind == Kind::User).map(|(_, fd)| *fd);
        created.await_ready(Service { plan, hooks, agent: self.agent, joined_user })?;
        Ok(created)
    }
}

/// Clones with every signal blocked (no handler of the parent's runs in the child), and with the pid namespace for
/// children switched for as long as that takes.
fn clone_in(
    pid_namespace: Option<BorrowedFd<'_>>,
    options: &CloneOptions<'_>,
    child: impl FnOnce() -> i32,
) -> Result<Child, LaunchError> {
    let enter = |fd: BorrowedFd<'_>| {
        // A pidfd stands for the namespaces of its process, other descriptors for themselves.
        namespace::enter(fd, Kind::Pid).map_err(|errno| LaunchError::Host {
            step: StepKind::Namespaces,
            object: "pid".to_owned(),
            source: Cause(errno),
        })
    };
    let clone_error = |errno| LaunchError::Clone { source: Cause(errno) };
    let own = pid_namespace.map(|_| namespace::open_own(Kind::Pid)).transpose().map_err(clone_error)?;
    let mask = signal::set_mask(signal::Set::ALL).map_err(clone_error)?;
    let cloned = pid_namespace
        .map_or(Ok(()), enter)
        .and_then(|()| process::clone_child(options, child).map_err(clone_error));
    let back = own.map_or(Ok(()), |own| enter(own.as_fd()));
    let restored = signal::set_mask(mask).map(drop).map_err(clone_error);
    let child = cloned?;
    if let Err(error) = back.and(restored) {
        give_up(&child);
        return Err(error);
    }
    Ok(child)
}
