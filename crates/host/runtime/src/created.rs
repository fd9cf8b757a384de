//! A process that waits: what its maker and its starter do with it.

use crate::channel::{self, Failure, FromChild};
use crate::child::{self, HookWork};
use crate::error::{Cause, LaunchError, StepKind};
use crate::guard;
use crate::hooks::{self, HookState};
use crate::launch::{HookContext, Started};
use crate::service::Service;
use kernel::process::{self, Child};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// How often a child that is silent is looked at.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

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
    /// How long one answer of the process may take.
    patience: Option<Duration>,
}

#[derive(Debug)]
struct Waiting {
    child: Child,
    channel: OwnedFd,
}

impl Created {
    pub(crate) fn new(
        program: String,
        child: Child,
        channel: OwnedFd,
        warnings: Vec<String>,
        patience: Option<Duration>,
    ) -> Self {
        Created { program, waiting: Some(Waiting { child, channel }), terminal: None, warnings, patience }
    }

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
        self.release()
    }

    fn next(&self) -> Result<Option<(FromChild, Vec<OwnedFd>)>, LaunchError> {
        let Some(waiting) = &self.waiting else { return Ok(None) };
        self.await_word(waiting)?;
        FromChild::receive(waiting.channel.as_fd()).map_err(channel_error)
    }

    /// Waits until the child says something or is gone, but not for one that is kept from it: whoever is root in the
    /// pid namespace that it has entered can stop it, and what it looks at there can be a file system of theirs.
    fn await_word(&self, waiting: &Waiting) -> Result<(), LaunchError> {
        let since = Instant::now();
        loop {
            match poll(&mut [PollFd::new(&waiting.channel, PollFlags::IN)], Some(&LOOK_EVERY)) {
                Ok(0) => {}
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => continue,
                Err(other) => return Err(channel_error(other)),
            }
            if guard::gives_up_stopped() && process::is_stopped(waiting.child.pidfd.as_fd()).unwrap_or(false)
            {
                return Err(LaunchError::Hindered { why: "was stopped" });
            }
            if self.patience.is_some_and(|patience| since.elapsed() > patience) {
                return Err(LaunchError::Hindered { why: "took too long" });
            }
        }
    }

    /// Waits until the child is ready, and does meanwhile what it asks for.
    pub(crate) fn await_ready(&mut self, service: Service<'_>) -> Result<(), LaunchError> {
        loop {
            match self.next()? {
                Some((FromChild::Warning(text), _)) => self.warnings.push(text),
                Some((FromChild::AtHooks, _)) => self.run_hooks(service.hooks)?,
                Some((FromChild::AtParent, _)) => {
                    service.grant(self.pid())?;
                    self.go_on(&[])?;
                }
                Some((FromChild::AtBinds { first, count }, _)) => {
                    let trees = service.binds(first.into(), count.into())?;
                    self.go_on(&trees.iter().map(AsFd::as_fd).collect::<Vec<_>>())?;
                }
                Some((FromChild::Listener, fds)) => match (service.agent, fds.first()) {
                    (Some(agent), Some(listener)) => agent.hand_over(self.pid(), listener.as_fd())?,
                    _ => return Err(channel_error(Errno::PROTO)),
                },
                Some((FromChild::Ready, fds)) => {
                    self.terminal = fds.into_iter().next();
                    return Ok(());
                }
                Some((FromChild::Failed(failure), _)) => return Err(self.failed(failure)),
                None => return Err(LaunchError::Died { exit: self.end() }),
            }
        }
    }

    /// Runs the hooks that belong into the caller's namespaces, while the child waits.
    fn run_hooks(&self, hooks: Option<HookWork<'_>>) -> Result<(), LaunchError> {
        let (Some(HookWork { spec, context }), Some(waiting)) = (hooks, &self.waiting) else {
            return Err(channel_error(Errno::PROTO));
        };
        let HookContext { id, bundle } = context;
        let state = HookState { id, bundle, pid: waiting.child.pid, status: "creating", spec };
        if let Some(listed) = &spec.hooks {
            // config.md, "Prestart": they are of the time when `start` made the process, and are told so.
            hooks::run(&listed.prestart, &HookState { status: "created", ..state })?;
            hooks::run(&listed.create_runtime, &state)?;
        }
        self.go_on(&[])
    }

    /// Answers the child.
    fn go_on(&self, fds: &[BorrowedFd<'_>]) -> Result<(), LaunchError> {
        match &self.waiting {
            Some(waiting) => {
                channel::send_go_with(waiting.channel.as_fd(), fds).map_err(|errno| self.lost(errno))
            }
            None => Err(channel_error(Errno::NOTCONN)),
        }
    }

    /// Leaves the process to whoever starts it at its gate ([`Launch::gate`]). Until this is called the process ends
    /// when the caller does, so that one that nobody has noted down does not stay.
    ///
    /// # Errors
    /// [`LaunchError::Channel`] or [`LaunchError::Died`] when there is no process any more.
    pub fn leave(mut self) -> Result<Started, LaunchError> {
        if let Some(waiting) = &self.waiting {
            channel::send_go(waiting.channel.as_fd()).map_err(|errno| self.lost(errno))?;
        }
        self.release()
    }

    fn release(&mut self) -> Result<Started, LaunchError> {
        match self.waiting.take() {
            Some(Waiting { child, .. }) => Ok(Started { pid: child.pid, pidfd: child.pidfd }),
            None => Err(channel_error(Errno::NOTCONN)),
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

    fn failed(&mut self, failure: Failure) -> LaunchError {
        self.end();
        failure_error(failure, std::mem::take(&mut self.program))
    }
}

/// What a child's word about its failure means to the caller.
fn failure_error(failure: Failure, program: String) -> LaunchError {
    let source = Cause(failure.errno);
    match failure.step {
        StepKind::FindProgram if failure.detail == child::NOT_IN_PATH => LaunchError::NotInPath { program },
        StepKind::FindProgram | StepKind::Execute => LaunchError::Program { program, source },
        step => LaunchError::Step { step, object: failure.object, detail: failure.detail, source },
    }
}

/// Starts a process that waits at its gate ([`Launch::gate`]): `gate` is a connection of
/// [`kernel::seqpacket::connect`], `program` the command for messages.
///
/// # Errors
/// As [`Created::start`].
pub fn start_at(gate: BorrowedFd<'_>, program: &str) -> Result<(), LaunchError> {
    channel::send_go(gate).map_err(channel_error)?;
    match FromChild::receive(gate).map_err(channel_error)? {
        None => Ok(()),
        Some((FromChild::Failed(failure), _)) => Err(failure_error(failure, program.to_owned())),
        Some(_) => Err(channel_error(Errno::PROTO)),
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        self.end();
    }
}

/// Kills and reaps; errors mean that it is gone already.
pub(crate) fn give_up(child: &Child) -> Option<process::Exit> {
    let _ = process::send_signal(child.pidfd.as_fd(), 9);
    process::reap(child.pidfd.as_fd()).ok()
}

pub(crate) fn channel_error(errno: Errno) -> LaunchError {
    LaunchError::Channel { source: Cause(errno) }
}
