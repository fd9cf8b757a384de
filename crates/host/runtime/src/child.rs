//! The child's side of a launch: works off the plan, waits for the word, executes.
//!
//! Runs on a copy of the parent's memory and never returns to the parent's code: [`run`] gives the exit code that
//! is left when executing failed. What went wrong has been told over the channel by then.

mod cgroups;
mod devices;
mod hide;
mod home;
mod hooking;
mod identity;
mod mounts;
mod program;
mod root;
mod settings;
mod terminal;

use crate::channel::{self, Failure, FromChild};
use crate::error::StepKind;
use crate::guard;
use crate::launch::{HookContext, Streams};
use crate::plan::{HookPoint, Plan, Step};
use crate::seccomp;
use crate::sources::Root;
use kernel::namespace::{self, Kind, Kinds};
use kernel::process::Program;
use kernel::signal;
use rustix::fs::Mode;
use rustix::io::Errno;
use spec::runtime::Spec;
use std::ffi::CString;
use std::mem::take;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

pub(crate) use program::NOT_IN_PATH;

/// The exit code of a child that could not execute its program; its parent never sees it as the container's.
const FAILED: i32 = 125;

/// What there is to do and with what, the same for both ends.
pub(crate) struct Work<'a> {
    pub(crate) plan: &'a Plan,
    /// The arguments, the program's name first.
    pub(crate) arguments: Vec<CString>,
    pub(crate) environment: Vec<CString>,
    /// The new root; absent where the child enters a container.
    pub(crate) root: Option<&'a Root>,
    /// The root of a container that is entered otherwise than by its mount namespace.
    pub(crate) entered_root: Option<BorrowedFd<'a>>,
    /// Namespaces to enter one by one.
    pub(crate) namespaces: Vec<(Kind, BorrowedFd<'a>)>,
    /// The process whose namespaces are entered.
    pub(crate) target: Option<(BorrowedFd<'a>, Kinds)>,
    /// The host's `/proc`.
    pub(crate) proc: Option<BorrowedFd<'a>>,
    pub(crate) hooks: Option<HookWork<'a>>,
    pub(crate) seccomp: Option<&'a seccomp::Program>,
}

/// The spec's hooks and what they are told.
#[derive(Clone, Copy)]
pub(crate) struct HookWork<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) context: HookContext<'a>,
}

impl<'a> Work<'a> {
    /// Everything here that is a descriptor.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'a>> + use<'a> {
        let target = self.target.map(|(target, _)| target);
        let namespaces: Vec<_> = self.namespaces.iter().map(|(_, fd)| *fd).collect();
        let root = self.root.into_iter().flat_map(Root::descriptors).map(AsFd::as_fd);
        root.chain(self.entered_root).chain(self.proc).chain(target).chain(namespaces)
    }

    /// What the parent has to enter so that the child is born in the right pid namespace.
    pub(crate) fn pid_namespace(&self) -> Option<BorrowedFd<'a>> {
        let listed = self.namespaces.iter().find(|(kind, _)| *kind == Kind::Pid).map(|(_, fd)| *fd);
        listed.or(self.target.filter(|(_, kinds)| kinds.contains(Kind::Pid)).map(|(target, _)| target))
    }
}

/// The child's own share.
pub(crate) struct Assignment<'a> {
    pub(crate) work: Work<'a>,
    pub(crate) tasks: &'a [BorrowedFd<'a>],
    pub(crate) streams: Option<&'a Streams>,
    pub(crate) channel: BorrowedFd<'a>,
    /// Where to wait for the start, if not at the channel.
    pub(crate) gate: Option<BorrowedFd<'a>>,
    pub(crate) preserve_fds: u32,
}

/// What a step can say about its failure.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) errno: Errno,
    pub(crate) detail: String,
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        Fault { errno, detail: String::new() }
    }
}

pub(crate) type Outcome = Result<(), Fault>;

/// What the steps leave for later ones.
#[derive(Default)]
struct State {
    /// The root file system, once it is attached.
    root: Option<OwnedFd>,
    /// The terminal's other end.
    master: Option<OwnedFd>,
    /// The program as a path inside the container.
    program: CString,
    /// `HOME=…`, where the environment has none.
    home: Option<CString>,
    covers: hide::Covers,
    /// Sources of bind mounts that the parent has sent, and the index of the first.
    binds: (usize, Vec<OwnedFd>),
    kernel_mounts: hide::KernelMounts,
    /// Its groups, where a mount will show them.
    groups: Vec<cgroups::View>,
    /// Our number on the host, where hooks will be told it.
    host_pid: i32,
    /// Whether the working directory still has to be entered, with the user's rights.
    pending_directory: Option<std::path::PathBuf>,
}

impl State {
    fn root(&self) -> Result<BorrowedFd<'_>, Fault> {
        self.root.as_ref().map(AsFd::as_fd).ok_or_else(|| Errno::BADF.into())
    }

    /// The bind sources at hand: the index of the first, and they.
    fn binds(&self) -> (usize, &[OwnedFd]) {
        (self.binds.0, &self.binds.1)
    }

    fn mask(&mut self, path: &std::path::Path) -> Outcome {
        let root = self.root.as_ref().ok_or(Errno::BADF)?;
        hide::mask(path, root.as_fd(), &self.kernel_mounts, &mut self.covers)
    }
}

/// Does everything; the returned code is for `_exit`.
pub(crate) fn run(mut assignment: Assignment<'_>) -> i32 {
    let channel = assignment.channel;
    let mut state = State::default();
    let ended = prepare_all(&mut assignment, &mut state).and_then(|()| wait_for_start(&assignment));
    let shares_mounts = assignment.work.plan.shares_mounts;
    let shared_root = state.root.take().filter(|_| shares_mounts);
    let (failure, listener) = match ended {
        Ok(Starter::Nobody) => (None, Starter::Nobody),
        Ok(starter) => (Some(execute(state, &mut assignment)), starter),
        Err(failure) => (Some(failure), Starter::Parent),
    };
    if let Some(root) = shared_root {
        // Nobody else will take it away from a namespace that lives on.
        let _ = root::withdraw(root.as_fd());
    }
    // Whoever was to start us is gone, or it is told.
    let Some(failure) = failure else { return FAILED };
    let listener = match &listener {
        Starter::Somebody(connection) => connection.as_fd(),
        _ => channel,
    };
    let _ = FromChild::Failed(failure).send(listener, &[]);
    FAILED
}

/// Works off the plan and says that all is ready.
fn prepare_all(assignment: &mut Assignment<'_>, state: &mut State) -> Result<(), Failure> {
    prepare(assignment).map_err(|fault| failure(StepKind::Prepare, String::new(), fault))?;
    if assignment.work.hooks.is_some() {
        state.host_pid = hooking::host_pid();
    }
    for step in &assignment.work.plan.steps {
        perform(step, assignment, state).map_err(|fault| failure(step.kind(), step.object(), fault))?;
    }
    let master = state.master.take();
    let fds: Vec<BorrowedFd<'_>> = master.iter().map(AsFd::as_fd).collect();
    FromChild::Ready.send(assignment.channel, &fds).map_err(unprepared)
}

fn unprepared(errno: Errno) -> Failure {
    failure(StepKind::Prepare, String::new(), errno.into())
}

/// Who gave the word.
enum Starter {
    Parent,
    /// Another process, over this connection.
    Somebody(OwnedFd),
    /// The parent went away without giving it.
    Nobody,
}

fn wait_for_start(assignment: &Assignment<'_>) -> Result<Starter, Failure> {
    // With a gate this first word says that the parent has noted us down and may go away.
    if !channel::wait_for_go(assignment.channel).map_err(unprepared)? {
        return Ok(Starter::Nobody);
    }
    let Some(gate) = assignment.gate else { return Ok(Starter::Parent) };
    loop {
        let connection = channel::accept(gate).map_err(unprepared)?;
        // One that says nothing was somebody looking whether we still wait.
        if channel::wait_for_go(connection.as_fd()).is_ok_and(|told| told) {
            return Ok(Starter::Somebody(connection));
        }
    }
}

/// Returns only to say why the program could not be executed.
fn execute(state: State, assignment: &mut Assignment<'_>) -> Failure {
    let work = &mut assignment.work;
    if let Err(fault) = hooking::run_at(HookPoint::StartContainer, work, state.host_pid) {
        return failure(StepKind::Hook, String::new(), fault);
    }
    work.environment.extend(state.home);
    let program = Program::new(state.program, take(&mut work.arguments), take(&mut work.environment));
    reset_signals();
    if let (true, Some(filter)) = (work.plan.seccomp_last, work.seccomp)
        && let Err(errno) = filter.install()
    {
        return failure(StepKind::Seccomp, String::new(), errno.into());
    }
    let errno = program.execute();
    failure(StepKind::Execute, String::new(), errno.into())
}

fn failure(step: StepKind, object: String, fault: Fault) -> Failure {
    Failure { step, object, detail: fault.detail, errno: fault.errno }
}

/// Cuts the child off from what its parent was: descriptors, session, `/proc/PID`.
fn prepare(assignment: &Assignment<'_>) -> Outcome {
    // Nothing of the parent's survives execve(2), and before that nobody in a pid namespace that we enter can open
    // our program or memory by /proc/PID.
    guard::close_on_exec(assignment.preserve_fds)?;
    guard::hide_process()?;
    for preserved in 3..3 + assignment.preserve_fds {
        kernel::process::keep_on_exec(preserved)?;
    }
    rustix::process::setsid()?;
    // Whatever is made gets the mode that the plan says.
    rustix::process::umask(Mode::empty());
    if let Some(streams) = assignment.streams {
        rustix::stdio::dup2_stdin(&streams.stdin)?;
        rustix::stdio::dup2_stdout(&streams.stdout)?;
        rustix::stdio::dup2_stderr(&streams.stderr)?;
    }
    Ok(())
}

fn perform(step: &Step, assignment: &Assignment<'_>, state: &mut State) -> Outcome {
    let work = &assignment.work;
    match step {
        Step::EnterCgroup => {
            enter_cgroup(assignment.tasks)?;
            if work.plan.mounts_cgroups() {
                state.groups = cgroups::find()?;
            }
            Ok(())
        }
        Step::EnterNamespaces => enter_namespaces(&work.namespaces),
        Step::AwaitParent => await_parent(assignment.channel),
        Step::BecomeRoot => identity::become_root(),
        Step::EnterTarget(kinds) => enter_target(work, *kinds),
        Step::MakeNamespaces(kinds) => Ok(namespace::unshare(*kinds)?),
        Step::MakeTimeNamespace(offsets) => settings::make_time_namespace(work.proc, offsets),
        Step::Affinity(cpus) => settings::affinity(cpus),
        Step::Loopback => settings::loopback_up(),
        Step::Hostname(name) => Ok(rustix::system::sethostname(name.as_bytes())?),
        Step::Domainname(name) => Ok(rustix::system::setdomainname(name.as_bytes())?),
        Step::IsolateMounts => root::isolate(),
        Step::AttachRoot => {
            state.root = Some(root::attach(work.root.ok_or(Errno::BADF)?)?);
            Ok(())
        }
        Step::FetchBinds { first, count } => {
            state.binds = (*first, fetch_binds(assignment.channel, *first, *count)?);
            Ok(())
        }
        Step::Mount(mount) => {
            if let Some(mounted) = mounts::mount(mount, state.root()?, state.binds(), &state.groups)? {
                state.kernel_mounts.add(&mount.destination, mounted);
            }
            Ok(())
        }
        Step::Device(device) => devices::make(device, state.root()?),
        Step::Link { path, target } => devices::link(path, target, state.root()?),
        Step::MakeWorkingDirectory(path) => Ok(guard::make_working_directory(state.root()?, path)?),
        Step::Terminal { size, uid, console } => {
            let console = if *console { Some(state.root()?) } else { None };
            state.master = Some(terminal::make(state.root.as_ref().map(AsFd::as_fd), *size, *uid, console)?);
            Ok(())
        }
        Step::Sysctl { path, value } => {
            settings::sysctl(work.proc, state.root.as_ref().map(AsFd::as_fd), path, value)
        }
        Step::Mask(path) => state.mask(path),
        Step::Readonly(path) => hide::make_readonly(path, state.root()?, &state.kernel_mounts),
        Step::FinishRoot { readonly, propagation } => root::finish(state.root()?, *readonly, *propagation),
        Step::PivotRoot => root::pivot(state.root()?),
        Step::EnterRoot => root::change(work.entered_root.ok_or(Errno::BADF)?),
        Step::ChangeRoot => root::change(state.root()?),
        Step::Keyring => settings::keyring(),
        Step::Rlimit { resource, limit, lenient } => settings::rlimit(*resource, limit, *lenient),
        Step::OomScore(score) => settings::oom_score(work.proc, *score),
        Step::Scheduler(attributes) => Ok(kernel::settings::set_scheduler(*attributes)?),
        Step::IoPriority(class, level) => Ok(kernel::settings::set_io_priority(*class, *level)?),
        Step::Personality(domain) => Ok(kernel::settings::set_personality(*domain)?),
        Step::MemoryPolicy(mode, nodes) => Ok(kernel::settings::set_memory_policy(*mode, nodes)?),
        Step::Label { file, value } => {
            settings::label(work.proc, state.root.as_ref().map(AsFd::as_fd), file, value)
        }
        Step::NoNewPrivileges => Ok(rustix::thread::set_no_new_privs(true)?),
        Step::Seccomp => install_filter(work, assignment.channel),
        Step::WorkingDirectory(path) => {
            state.pending_directory = program::enter_directory(path)?;
            Ok(())
        }
        Step::Identity(identity) => {
            for warning in identity::assume(identity)? {
                FromChild::Warning(warning).send(assignment.channel, &[])?;
            }
            Ok(())
        }
        Step::ParentHooks => hooking::wait_for_parent(assignment.channel),
        Step::Hooks(point) => hooking::run_at(*point, work, state.host_pid),
        Step::FindProgram { uid } => find_program(*uid, work, state),
    }
}

/// Installs the filter; the listener of one that asks an agent goes to the parent.
fn install_filter(work: &Work<'_>, channel: BorrowedFd<'_>) -> Outcome {
    let filter = work.seccomp.ok_or(Errno::BADF)?;
    if let Some(listener) = filter.install()? {
        FromChild::Listener.send(channel, &[listener.as_fd()])?;
    }
    Ok(())
}

fn find_program(uid: u32, work: &Work<'_>, state: &mut State) -> Outcome {
    if let Some(path) = state.pending_directory.take() {
        program::enter_directory_as_user(&path)?;
    }
    state.program = program::find(&work.arguments, &work.environment)?;
    if !work.environment.iter().any(|entry| entry.as_bytes().starts_with(b"HOME=")) {
        state.home = Some(home::variable(uid));
    }
    Ok(())
}

/// Waits while the parent does what the child has no right to.
fn await_parent(channel: BorrowedFd<'_>) -> Outcome {
    FromChild::AtParent.send(channel, &[])?;
    if channel::wait_for_go(channel)? { Ok(()) } else { Err(Errno::CANCELED.into()) }
}

/// Asks the parent for bind sources.
fn fetch_binds(channel: BorrowedFd<'_>, first: usize, count: usize) -> Result<Vec<OwnedFd>, Fault> {
    let number = |value| u16::try_from(value).map_err(|_| Errno::TOOBIG);
    FromChild::AtBinds { first: number(first)?, count: number(count)? }.send(channel, &[])?;
    let sent = channel::wait_for_fds(channel)?.ok_or(Errno::CANCELED)?;
    if sent.len() == count { Ok(sent) } else { Err(Errno::PROTO.into()) }
}

/// "0" means the writing thread, and a thread that moves itself waits for nobody.
fn enter_cgroup(tasks: &[BorrowedFd<'_>]) -> Outcome {
    for file in tasks {
        rustix::io::write(file, b"0")?;
    }
    Ok(())
}

fn enter_namespaces(namespaces: &[(Kind, BorrowedFd<'_>)]) -> Outcome {
    for (kind, namespace) in namespaces {
        if *kind != Kind::Pid {
            namespace::enter(*namespace, *kind)
                .map_err(|errno| Fault { errno, detail: kind.proc_name().to_owned() })?;
        }
    }
    Ok(())
}

fn enter_target(work: &Work<'_>, kinds: Kinds) -> Outcome {
    let (target, _) = work.target.ok_or(Errno::BADF)?;
    Ok(namespace::enter_of(target, kinds)?)
}

/// What signals the program gets: none blocked, none ignored.
fn reset_signals() {
    signal::reset_dispositions();
    // Only fails for a mask of a wrong size.
    let _ = signal::set_mask(signal::Set::NONE);
}
