//! What isolates a sandbox: the seam between the monitor's logic and the kernel, or later a virtual machine.

use super::reactor::Interest;
use crate::desired::{Desired, NetworkPlan};
use crate::protocol::FailureKind;
use network::dns::Listeners;
use spec::runtime::Process;
use std::error::Error;
use std::os::fd::{BorrowedFd, OwnedFd};

/// Something that the engine, and so a person, is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: FailureKind,
    /// One line.
    pub(super) message: String,
}

impl Failure {
    /// A failure on the host: the error and all its causes in one line.
    pub(super) fn host(error: &dyn Error) -> Self {
        Self { kind: FailureKind::Host, message: chain(error) }
    }

    /// Refused because of the state that the container is in.
    pub(super) fn state(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::WrongState, message: message.into() }
    }

    /// The exit code that `run` shows for it.
    pub(super) fn exit_code(&self) -> i32 {
        match self.kind {
            FailureKind::CommandNotFound => 127,
            FailureKind::CommandNotExecutable => 126,
            _ => 125,
        }
    }
}

/// An error and its causes, outermost first, separated by colons.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// The ends of the standard streams that a new process gets.
#[derive(Debug)]
pub(super) enum ChildStdio {
    /// Three descriptors.
    Pipes { stdin: OwnedFd, stdout: OwnedFd, stderr: OwnedFd },
    /// A terminal, made inside the container.
    Terminal,
}

/// A process that was made.
#[derive(Debug)]
pub(super) struct Launched {
    /// In the host's namespace.
    pub(super) pid: i32,
    pub(super) pidfd: OwnedFd,
    /// The master of its terminal, if it has one.
    pub(super) terminal: Option<OwnedFd>,
}

/// A descriptor that becomes ready when the kernel's memory killer strikes.
#[derive(Debug)]
pub(super) struct OomSignal<'a> {
    pub(super) fd: BorrowedFd<'a>,
    pub(super) interest: Interest,
}

/// A sandbox of one container. Every method names the container by being called; the order of calls is
/// `create_sandbox`, then any number of (`create`, `start`, end of the process), then `destroy`; or `adopt` instead of
/// the first.
pub(super) trait Isolation {
    /// Makes namespaces, network and cgroup. On failure nothing is left.
    fn create_sandbox(&mut self, desired: &Desired) -> Result<(), Failure>;

    /// Takes over what a dead monitor left. `pid` is the running first process; absent when it is gone too, and
    /// everything is only to be destroyed.
    fn adopt(&mut self, desired: &Desired, pid: Option<i32>) -> Result<(), Failure>;

    /// Makes the first process up to the moment before its program.
    fn create(&mut self, desired: &Desired, stdio: ChildStdio) -> Result<Launched, Failure>;

    /// Lets the first process run its program.
    fn start(&mut self) -> Result<(), Failure>;

    /// Runs another process beside the first one, whose descriptor `target` is.
    fn exec(
        &mut self,
        target: BorrowedFd<'_>,
        request: &ExecRequest<'_>,
        stdio: ChildStdio,
    ) -> Result<Launched, Failure>;

    /// Freezes all processes.
    fn pause(&mut self) -> Result<(), Failure>;

    /// Thaws them.
    fn unpause(&mut self) -> Result<(), Failure>;

    /// Whether they are frozen, whoever did it.
    fn is_paused(&self) -> bool;

    /// Takes the monitor itself out of the control group that it inherited.
    fn leave_callers_group(&self) -> Result<(), Failure>;

    /// Puts new limits into force.
    fn update(&mut self, desired: &Desired) -> Result<(), Failure>;

    /// Puts the sandbox on the networks of `now`, and takes it off those that only `before` has. What fails leaves the
    /// sandbox where it was.
    fn change_networks(&mut self, before: &NetworkPlan, now: &NetworkPlan) -> Result<(), Failure>;

    /// Makes room for a resolver in the sandbox's network; `None` when it has none of its own.
    fn open_resolver(&mut self) -> Result<Option<ResolverPlace>, Failure>;

    /// Process ids in the host's namespace.
    fn processes(&self) -> Result<Vec<i32>, Failure>;

    /// What processes, memory, tasks and block devices cost so far.
    fn stats(&self) -> Result<cgroup::Stats, Failure>;

    /// A namespace that others may join.
    fn open_namespace(&self, kind: &str) -> Result<OwnedFd, Failure>;

    /// What signals an out-of-memory kill, if the host can.
    fn oom_signal(&self) -> Option<OomSignal<'_>>;

    /// Takes the signal, so that the next one is seen; processes that the kernel killed for lack of memory since the
    /// sandbox was made.
    fn oom_kills(&mut self) -> u64;

    /// What a person should know though nothing failed, since the last call.
    fn take_warnings(&mut self) -> Vec<String>;

    /// Ends every process.
    fn kill_all(&mut self);

    /// Gives everything back, whatever fails on the way; what failed is returned. Connections through published ports
    /// may still stand: see [`Self::end_connections`].
    fn destroy(&mut self) -> Vec<String>;

    /// After [`Self::destroy`]: ends the connections that came through ports that were withdrawn. It may take some
    /// milliseconds; if this process is killed before it is done, whoever gets the address next does it.
    fn end_connections(&mut self) -> Vec<String>;
}

/// Where a resolver of a sandbox lives.
#[derive(Debug)]
pub(super) struct ResolverPlace {
    pub(super) namespace: OwnedFd,
    pub(super) listeners: Listeners,
}

/// A process to run beside the first one.
#[derive(Debug)]
pub(super) struct ExecRequest<'a> {
    pub(super) process: &'a Process,
    /// Without the container's filter of system calls.
    pub(super) privileged: bool,
}
