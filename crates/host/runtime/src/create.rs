//! The parent's side of a launch.

use crate::channel::{self, FromChild};
use crate::child::{self, Assignment, Work};
use crate::error::{Cause, LaunchError, StepKind};
use crate::launch::{CgroupEntry, ExecLaunch, Launch, Started, Stdio, Streams};
use crate::plan::{self, Situation};
use crate::sources::{self, Sources};
use kernel::namespace::{self, Kind, Kinds};
use kernel::process::{self, Child, CloneOptions};
use kernel::signal;
use rustix::io::Errno;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// A container whose process is set up completely and waits before executing its program.
///
/// Dropped without [`Created::start`], it is killed and reaped.
#[derive(Debug)]
pub struct Created {
    program: String,
    /// Absent once started or given up.
    waiting: Option<Waiting>,
    terminal: Option<OwnedFd>,
    warnings: Vec<String>,
}

#[derive(Debug)]
struct Waiting {
    child: Child,
    channel: OwnedFd,
}

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
        seccomp: false,
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
        root: Some(sources.root.as_fd()),
        binds: &sources.binds,
        namespaces,
        target: None,
        proc: sources.proc.as_ref().map(AsFd::as_fd),
    };
    make(work, launch.cgroup.as_ref(), launch.stdio, launch.preserve_fds, program)
}

/// Starts a further process in a running container: the process, and its terminal's other end if it has one.
///
/// # Errors
/// As [`create`] and [`Created::start`].
pub fn exec(launch: ExecLaunch<'_>) -> Result<(Started, Option<OwnedFd>), LaunchError> {
    let situation = Situation {
        joined: Kinds::NONE,
        terminal: matches!(launch.stdio, Stdio::Terminal),
        seccomp: false,
        rlimit_defaults: launch.rlimit_defaults,
    };
    let plan = plan::exec(launch.process, launch.namespaces, situation)?;
    let proc = sources::open_proc(&plan.steps)?;
    let work = Work {
        plan: &plan,
        arguments: c_strings("process.args", &launch.process.args)?,
        environment: c_strings("process.env", &launch.process.env)?,
        root: None,
        binds: &[],
        namespaces: Vec::new(),
        target: Some((launch.target, launch.namespaces)),
        proc: proc.as_ref().map(AsFd::as_fd),
    };
    let program = launch.process.args.first().cloned().unwrap_or_default();
    let mut created = make(work, launch.cgroup.as_ref(), launch.stdio, launch.preserve_fds, program)?;
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

/// Clones the child and waits until it is ready.
fn make(
    work: Work<'_>,
    cgroup: Option<&CgroupEntry<'_>>,
    stdio: Stdio,
    preserve_fds: u32,
    program: String,
) -> Result<Created, LaunchError> {
    let (ours, theirs) = kernel::seqpacket::pair().map_err(channel_error)?;
    let streams = match stdio {
        Stdio::Fds(streams) => Some(above_standard(streams)?),
        Stdio::Terminal => None,
    };
    let mut warnings = work.plan.warnings.clone();
    let options = CloneOptions {
        namespaces: work.plan.namespaces,
        cgroup: cgroup.and_then(|cgroup| cgroup.unified),
        sibling: false,
    };
    let pid_namespace = work.pid_namespace();
    let assignment = Assignment {
        work,
        tasks: cgroup.map_or(&[][..], |cgroup| &cgroup.tasks),
        streams: streams.as_ref(),
        channel: theirs.as_fd(),
        preserve_fds,
    };
    let child = clone_in(pid_namespace, &options, || child::run(assignment))?;
    drop(theirs);
    let mut created = Created {
        program,
        waiting: Some(Waiting { child, channel: ours }),
        terminal: None,
        warnings: Vec::new(),
    };
    created.await_ready(&mut warnings)?;
    created.warnings = warnings;
    Ok(created)
}

fn channel_error(errno: Errno) -> LaunchError {
    LaunchError::Channel { source: Cause(errno) }
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

/// Kills and reaps; errors mean that it is gone already.
fn give_up(child: &Child) -> Option<process::Exit> {
    let _ = process::send_signal(child.pidfd.as_fd(), 9);
    process::reap(child.pidfd.as_fd()).ok()
}

impl Created {
    /// The process's number in the caller's pid namespace.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.waiting.as_ref().map_or(0, |waiting| waiting.child.pid)
    }

    /// The process itself.
    ///
    /// # Panics
    /// Never: it is there until [`Created::start`] consumes it.
    #[must_use]
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.waiting
            .as_ref()
            .map(|waiting| waiting.child.pidfd.as_fd())
            .expect("present until start consumes self")
    }

    /// The other end of the container's terminal, once.
    pub fn terminal(&mut self) -> Option<OwnedFd> {
        self.terminal.take()
    }

    /// What is not as the spec asks, without being a reason to fail.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Lets the process execute its program, and waits until it has.
    ///
    /// # Errors
    /// [`LaunchError::Program`] when the kernel refuses the program; the process is gone then.
    pub fn start(mut self) -> Result<Started, LaunchError> {
        if let Some(waiting) = &self.waiting {
            channel::send_go(waiting.channel.as_fd()).map_err(|errno| self.lost(errno))?;
            match self.next()? {
                None => {}
                Some((FromChild::Failed(failure), _)) => return Err(self.failed(failure)),
                Some(_) => return Err(channel_error(Errno::PROTO)),
            }
        }
        match self.waiting.take() {
            Some(Waiting { child, .. }) => Ok(Started { pid: child.pid, pidfd: child.pidfd }),
            None => Err(channel_error(Errno::NOTCONN)),
        }
    }

    fn next(&self) -> Result<Option<(FromChild, Vec<OwnedFd>)>, LaunchError> {
        match &self.waiting {
            Some(waiting) => FromChild::receive(waiting.channel.as_fd()).map_err(channel_error),
            None => Ok(None),
        }
    }

    fn await_ready(&mut self, warnings: &mut Vec<String>) -> Result<(), LaunchError> {
        loop {
            match self.next()? {
                Some((FromChild::Warning(text), _)) => warnings.push(text),
                Some((FromChild::Ready, fds)) => {
                    self.terminal = fds.into_iter().next();
                    return Ok(());
                }
                Some((FromChild::Failed(failure), _)) => return Err(self.failed(failure)),
                None => return Err(LaunchError::Died { exit: self.end() }),
            }
        }
    }

    fn end(&mut self) -> Option<process::Exit> {
        self.waiting.take().and_then(|waiting| give_up(&waiting.child))
    }

    fn lost(&self, errno: Errno) -> LaunchError {
        match errno {
            Errno::PIPE | Errno::CONNRESET => LaunchError::Died { exit: None },
            other => channel_error(other),
        }
    }

    fn failed(&mut self, failure: channel::Failure) -> LaunchError {
        self.end();
        let source = Cause(failure.errno);
        match failure.step {
            StepKind::FindProgram if failure.detail == child::NOT_IN_PATH => {
                LaunchError::NotInPath { program: std::mem::take(&mut self.program) }
            }
            StepKind::FindProgram | StepKind::Execute => {
                LaunchError::Program { program: std::mem::take(&mut self.program), source }
            }
            step => LaunchError::Step { step, object: failure.object, detail: failure.detail, source },
        }
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        self.end();
    }
}
