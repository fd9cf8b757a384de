//! What `create` and `run` have in common: from the bundle to a process that waits, with everything undone on
//! failure.

use super::Context;
use crate::arguments::CreateOptions;
use crate::bundle::Bundle;
use crate::error::CliError;
use crate::store::{self, Container, Record, RootMount};
use crate::{console, groups, process, time};
use cgroup::Group;
use runtime::seccomp::Program;
use runtime::{Created, HookContext, Launch, Stdio, Streams};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// A container that was made.
pub(super) struct Made {
    pub(super) bundle: Bundle,
    pub(super) container: Container,
    pub(super) group: Option<Group>,
    pub(super) created: Created,
    pub(super) record: Record,
}

/// Makes a container. With `gate` it waits there for `start` to come from another process.
///
/// # Errors
/// [`CliError`]; nothing is left then.
pub(super) fn make(context: &Context<'_>, options: &CreateOptions, gate: bool) -> Result<Made, CliError> {
    let bundle = Bundle::read(&options.bundle, &options.config)?;
    check_terminal(&bundle, options, gate)?;
    let filter = filter(context, &bundle)?;
    let container = context.store.create(&options.id)?;
    let mut group = None;
    match fill(context, options, &bundle, filter.as_ref(), gate, &container, &mut group) {
        Ok((created, record)) => Ok(Made { bundle, container, group, created, record }),
        Err(error) => {
            // The first error is the one to tell; what cannot be undone now `delete --force` will find.
            if let Some(group) = &group {
                let _ = groups::remove(group);
            }
            if let Ok(Some(Record { root_mount: Some(mount), .. })) = container.record() {
                let _ = mount.remove();
            }
            let _ = container.remove();
            Err(error)
        }
    }
}

fn fill(
    context: &Context<'_>,
    options: &CreateOptions,
    bundle: &Bundle,
    filter: Option<&Program>,
    gate: bool,
    container: &Container,
    group: &mut Option<Group>,
) -> Result<(Created, Record), CliError> {
    container.keep_config(&bundle.bytes)?;
    if !context.no_cgroups {
        *group = match groups::create(&bundle.spec, &options.id) {
            Ok(made) => Some(made),
            Err(error) if context.lenient_cgroups && groups::is_dispensable(&error, &bundle.spec) => {
                context.warn(&format!("no cgroup for the container: {}", crate::error::chain(&error)));
                None
            }
            Err(error) => return Err(error),
        };
    }
    let listener = gate.then(|| listen(container)).transpose()?;
    let entry = group.as_ref().map(Group::entry).transpose()?;
    let mut launch = Launch::new(&bundle.spec, &bundle.rootfs, stdio(bundle.spec.process.as_ref())?);
    launch.cgroup = entry.as_ref().map(groups::entry);
    launch.seccomp = filter;
    launch.preserve_fds = options.preserve_fds;
    launch.keep_keyring = options.keep_keyring;
    launch.no_pivot = options.no_pivot;
    launch.gate = listener.as_ref().map(AsFd::as_fd);
    launch.hooks = Some(HookContext { id: options.id.as_str(), bundle: &bundle.path });
    let mut created = runtime::create(launch)?;
    created.warnings().iter().for_each(|warning| context.warn(warning));
    let record = note_down(&created, bundle, group.as_ref(), container)?;
    if let Some(path) = &options.console_socket
        && let Some(terminal) = created.terminal()
    {
        console::send(path, terminal.as_fd())?;
    }
    if let Some(path) = &options.pidfd_socket {
        console::send_pidfd(path, created.pidfd())?;
    }
    if let Some(path) = &options.pid_file {
        write_pid(path, created.pid())?;
    }
    Ok((created, record))
}

fn note_down(
    created: &Created,
    bundle: &Bundle,
    group: Option<&Group>,
    container: &Container,
) -> Result<Record, CliError> {
    let pid = created.pid();
    let glimpse =
        process::glimpse(pid).ok_or_else(|| CliError::process("look at the process")(Errno::SRCH))?;
    let record = Record {
        pid,
        start_time: glimpse.start_time,
        bundle: bundle.path.clone(),
        created: time::now(),
        cgroup: group.map(|group| group.path().clone()),
        root_mount: inherits_mounts(&bundle.spec)
            .then(|| bundle.rootfs_path())
            .flatten()
            .and_then(RootMount::of),
    };
    container.write_record(&record)?;
    Ok(record)
}

/// Whether the container mounts in our own mount namespace.
fn inherits_mounts(spec: &spec::runtime::Spec) -> bool {
    let listed = spec.linux.as_ref().map_or(&[][..], |linux| &linux.namespaces);
    listed.iter().all(|namespace| namespace.kind != "mount")
}

/// A terminal needs somebody who holds its other end after we are gone.
fn check_terminal(bundle: &Bundle, options: &CreateOptions, gone: bool) -> Result<(), CliError> {
    let terminal = bundle.spec.process.as_ref().is_some_and(|process| process.terminal);
    let problem = match (terminal, options.console_socket.is_some()) {
        (true, false) if gone => "process.terminal needs --console-socket here",
        (false, true) => "--console-socket is given, but process.terminal is false",
        _ => return Ok(()),
    };
    Err(CliError::Usage { problem: problem.to_owned() })
}

fn filter(context: &Context<'_>, bundle: &Bundle) -> Result<Option<Program>, CliError> {
    let section = bundle.spec.linux.as_ref().and_then(|linux| linux.seccomp.as_ref());
    let Some(section) = section else { return Ok(None) };
    let (program, report) = Program::compile(section)?;
    if !report.unknown_calls.is_empty() {
        let names = report.unknown_calls.join(", ");
        context.log.write(crate::log::Level::Warning, &format!("linux.seccomp: no such calls here: {names}"));
    }
    Ok(Some(program))
}

/// The streams of our own, or a terminal.
pub(super) fn stdio(process: Option<&spec::runtime::Process>) -> Result<Stdio, CliError> {
    if process.is_some_and(|process| process.terminal) {
        return Ok(Stdio::Terminal);
    }
    let copy = |stream: BorrowedFd<'_>| -> Result<OwnedFd, CliError> {
        rustix::io::fcntl_dupfd_cloexec(stream, 3).map_err(CliError::process("copy the standard streams"))
    };
    let stdin = copy(rustix::stdio::stdin())?;
    let (stdout, stderr) = (copy(rustix::stdio::stdout())?, copy(rustix::stdio::stderr())?);
    Ok(Stdio::Fds(Streams { stdin, stdout, stderr }))
}

fn listen(container: &Container) -> Result<OwnedFd, CliError> {
    kernel::seqpacket::listen(container.directory(), store::GATE)
        .map_err(CliError::process("listen for the start"))
}

/// Writes a pid file, whole or not at all: engines watch for it.
pub(super) fn write_pid(path: &Path, pid: i32) -> Result<(), CliError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = path.with_file_name(format!(".{name}"));
    std::fs::write(&unfinished, pid.to_string()).map_err(CliError::std_path("write", &unfinished))?;
    std::fs::rename(&unfinished, path).map_err(CliError::std_path("write", path))
}
