//! `exec`: a further process in a running container.

use super::{Context, launch};
use crate::arguments::ExecOptions;
use crate::error::CliError;
use crate::foreground::{self, Signals};
use crate::store::{self, Status};
use crate::{console, groups, process};
use kernel::namespace::{Kind, Kinds};
use runtime::ExecLaunch;
use runtime::seccomp::Program;
use rustix::fs::{CWD, Mode, OFlags};
use spec::runtime::{Capabilities, Linux, Process, Spec};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

pub(super) fn exec(context: &Context<'_>, options: &ExecOptions) -> Result<i32, CliError> {
    let container = context.store.open(&options.id)?;
    let record = container.created_record()?;
    let status = container.status(Some(&record));
    let may_be_paused = options.ignore_paused && status == Status::Paused;
    if !(may_be_paused || matches!(status, Status::Running | Status::Created)) {
        let needed = match status {
            Status::Paused => "resume it, or use --ignore-paused",
            _ => "a further process needs a running one",
        };
        return Err(container.wrong(status, needed));
    }
    let spec = container.config()?;
    let process = further_process(&spec, options)?;
    let target =
        process::open(record.pid, record.start_time).map_err(CliError::process("open the container"))?;
    let section = spec.linux.as_ref().and_then(|linux| linux.seccomp.as_ref());
    let filter = section.map(Program::compile).transpose()?.map(|(program, _)| program);
    let group = match &options.cgroup {
        Some(below) => Some(groups::open_below(record.cgroup.as_ref(), below)?),
        None => groups::open(record.cgroup.as_ref())?,
    };
    let entry = group.as_ref().map(cgroup::Group::entry).transpose()?;
    let signals = if options.detach { None } else { Some(Signals::collect()?) };
    let mut launched = ExecLaunch::new(target.as_fd(), &process, launch::stdio(Some(&process))?);
    launched.namespaces = kinds(spec.linux.as_ref());
    let root = if launched.namespaces.contains(Kind::Mount) { None } else { Some(root_of(record.pid)?) };
    launched.root = root.as_ref().map(AsFd::as_fd);
    launched.cgroup = entry.as_ref().map(groups::entry);
    launched.seccomp = filter.as_ref();
    launched.preserve_fds = options.preserve_fds;
    let (started, mut terminal) = runtime::exec(launched)?;
    if let Some(path) = &options.console_socket
        && let Some(terminal) = terminal.take()
    {
        console::send(path, terminal.as_fd())?;
    }
    if let Some(path) = &options.pidfd_socket {
        console::send_pidfd(path, started.pidfd.as_fd())?;
    }
    if let Some(path) = &options.pid_file {
        launch::write_pid(path, started.pid)?;
    }
    match signals {
        None => Ok(0),
        Some(signals) => foreground::wait(started.pidfd.as_fd(), terminal, &signals),
    }
}

/// The root directory of a process.
fn root_of(pid: i32) -> Result<OwnedFd, CliError> {
    let path = PathBuf::from(format!("/proc/{pid}/root"));
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, &path, flags, Mode::empty()).map_err(CliError::path("open", &path))
}

/// The namespaces that the container has of its own or has joined.
fn kinds(linux: Option<&Linux>) -> Kinds {
    let listed = linux.map_or(&[][..], |linux| &linux.namespaces);
    listed.iter().filter_map(|namespace| Kind::from_spec(&namespace.kind)).collect()
}

/// The process of the document, or the container's own with what the options change.
fn further_process(spec: &Spec, options: &ExecOptions) -> Result<Process, CliError> {
    let mut process = match &options.process {
        Some(path) => store::parse(path, &store::read(path)?)?,
        None => Process { terminal: options.terminal, ..spec.process.clone().unwrap_or_default() },
    };
    if options.process.is_none() {
        apply(&mut process, options);
    }
    process.terminal |= options.terminal;
    let problem = match (process.terminal, options.console_socket.is_some()) {
        (true, false) if options.detach => "a detached terminal needs --console-socket",
        (false, true) => "--console-socket is given without --tty",
        _ => return Ok(process),
    };
    Err(CliError::Usage { problem: problem.to_owned() })
}

fn apply(process: &mut Process, options: &ExecOptions) {
    process.args.clone_from(&options.arguments);
    process.env.extend(options.environment.iter().cloned());
    if let Some(cwd) = &options.cwd {
        process.cwd.clone_from(cwd);
    }
    if let Some((uid, gid)) = options.user {
        process.user.uid = uid;
        process.user.gid = gid.unwrap_or(process.user.gid);
        process.user.additional_gids.clear();
    }
    process.user.additional_gids.extend(&options.groups);
    process.no_new_privileges |= options.no_new_privileges;
    if let Some(profile) = &options.apparmor {
        process.apparmor_profile.clone_from(profile);
    }
    if let Some(label) = &options.label {
        process.selinux_label.clone_from(label);
    }
    if !options.capabilities.is_empty() {
        let sets = process.capabilities.get_or_insert_with(Capabilities::default);
        for set in [&mut sets.bounding, &mut sets.effective, &mut sets.permitted] {
            set.extend(options.capabilities.iter().cloned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Command, Invocation};

    fn process(line: &str) -> Process {
        let invocation = Invocation::parse(line.split(' ').map(Into::into)).unwrap();
        let Command::Exec(options) = invocation.command else { panic!() };
        let own = Process {
            args: vec!["sleep".into()],
            env: vec!["PATH=/bin".into()],
            cwd: "/srv".into(),
            ..Process::default()
        };
        further_process(&Spec { process: Some(own), ..Spec::default() }, &options).unwrap()
    }

    #[test]
    fn options_change_the_container_s_own_process() {
        let changed = process("exec -e A=b -u 33 -g 5 --cap CAP_KILL c1 ls");
        assert_eq!((changed.args.join(" "), changed.env.join(" ")), ("ls".into(), "PATH=/bin A=b".into()));
        assert_eq!((changed.user.uid, changed.user.additional_gids.as_slice()), (33, &[5][..]));
        assert_eq!(changed.capabilities.unwrap().effective, ["CAP_KILL"]);
        assert_eq!(changed.cwd, std::path::Path::new("/srv"));
    }
}
