//! `exec`.

use super::{Command, required, take_id, usage};
use crate::error::CliError;
use crate::id::BundleId;
use lexopt::prelude::{Long, Short, Value, ValueExt};
use std::path::PathBuf;

#[derive(Debug)]
pub(crate) struct ExecOptions {
    pub(crate) id: BundleId,
    /// A document with the whole process.
    pub(crate) process: Option<PathBuf>,
    pub(crate) arguments: Vec<String>,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) environment: Vec<String>,
    pub(crate) user: Option<(u32, Option<u32>)>,
    pub(crate) groups: Vec<u32>,
    pub(crate) capabilities: Vec<String>,
    pub(crate) terminal: bool,
    pub(crate) no_new_privileges: bool,
    pub(crate) apparmor: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) console_socket: Option<PathBuf>,
    pub(crate) pid_file: Option<PathBuf>,
    pub(crate) detach: bool,
    pub(crate) preserve_fds: u32,
    pub(crate) pidfd_socket: Option<PathBuf>,
    /// A group below the container's, in which it starts.
    pub(crate) cgroup: Option<String>,
    /// Whether a paused container is no obstacle.
    pub(crate) ignore_paused: bool,
}

pub(super) fn parse(parser: &mut lexopt::Parser) -> Result<Command, CliError> {
    let mut id = None;
    let mut options = ExecOptions {
        id: BundleId::parse("-")?,
        process: None,
        arguments: Vec::new(),
        cwd: None,
        environment: Vec::new(),
        user: None,
        groups: Vec::new(),
        capabilities: Vec::new(),
        terminal: false,
        no_new_privileges: false,
        apparmor: None,
        label: None,
        console_socket: None,
        pid_file: None,
        detach: false,
        preserve_fds: 0,
        pidfd_socket: None,
        cgroup: None,
        ignore_paused: false,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("process") | Short('p') => options.process = Some(parser.value()?.into()),
            Long("cwd") => options.cwd = Some(parser.value()?.into()),
            Long("env") | Short('e') => options.environment.push(parser.value()?.string()?),
            Long("user") | Short('u') => options.user = Some(user(&parser.value()?.string()?)?),
            Long("additional-gids") | Short('g') => options.groups.push(parser.value()?.parse()?),
            Long("cap") | Short('c') => options.capabilities.push(parser.value()?.string()?),
            Long("tty") | Short('t') => options.terminal = true,
            Long("no-new-privs") => options.no_new_privileges = true,
            Long("apparmor") => options.apparmor = Some(parser.value()?.string()?),
            Long("process-label") => options.label = Some(parser.value()?.string()?),
            Long("console-socket") => options.console_socket = Some(parser.value()?.into()),
            Long("pid-file") => options.pid_file = Some(parser.value()?.into()),
            Long("detach") | Short('d') => options.detach = true,
            Long("preserve-fds") => {
                options.preserve_fds = super::create::preserved(&parser.value()?.string()?)?;
            }
            Long("pidfd-socket") => options.pidfd_socket = Some(parser.value()?.into()),
            Long("cgroup") => options.cgroup = Some(parser.value()?.string()?),
            Long("ignore-paused") => options.ignore_paused = true,
            Value(word) => {
                take_id(&mut id, word)?;
                // All that follows is the command's, options included.
                options.arguments = parser.raw_args()?.map(ValueExt::string).collect::<Result<_, _>>()?;
                if options.arguments.first().is_some_and(|word| word == "--") {
                    options.arguments.remove(0);
                }
            }
            other => return Err(other.unexpected().into()),
        }
    }
    options.id = required(id)?;
    if options.process.is_none() && options.arguments.is_empty() {
        return Err(usage("exec needs a command or --process"));
    }
    Ok(Command::Exec(options))
}

/// `UID[:GID]`.
fn user(text: &str) -> Result<(u32, Option<u32>), CliError> {
    let number = |text: &str| text.parse().map_err(|_| usage(format!("{text:?} is no user or group id")));
    match text.split_once(':') {
        Some((uid, gid)) => Ok((number(uid)?, Some(number(gid)?))),
        None => Ok((number(text)?, None)),
    }
}
