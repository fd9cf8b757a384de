//! What was typed: runc's command line, as engines use it.

mod create;
mod criu;
mod events;
mod exec;
mod help;
mod update;

use crate::error::CliError;
use crate::id::BundleId;
use crate::log::Log;
use lexopt::prelude::{Long, Short, Value, ValueExt};
use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) use create::{CreateOptions, RunOptions};
pub(crate) use events::EventsOptions;
pub(crate) use exec::ExecOptions;
pub(crate) use help::HELP;
pub(crate) use update::UpdateOptions;

/// One call of the program.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) global: Global,
    pub(crate) command: Command,
}

/// Options before the command.
#[derive(Debug, Default)]
pub(crate) struct Global {
    pub(crate) root: Option<PathBuf>,
    pub(crate) log: Log,
    /// Whether containers get no cgroup of their own.
    pub(crate) no_cgroups: bool,
    /// Whether a cgroup that the caller may not make is done without.
    pub(crate) lenient_cgroups: bool,
}

#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Version,
    Features,
    Spec { bundle: PathBuf, rootless: bool },
    Create(CreateOptions),
    Run(CreateOptions, RunOptions),
    Start(BundleId),
    State(BundleId),
    Kill { id: BundleId, signal: i32, all: bool },
    Delete { id: BundleId, force: bool },
    Exec(ExecOptions),
    List { json: bool, quiet: bool },
    Pause(BundleId),
    Resume(BundleId),
    Ps { id: BundleId, json: bool, options: Vec<OsString> },
    Update(Box<UpdateOptions>),
    Events(EventsOptions),
    Checkpoint(BundleId),
    Restore(BundleId),
}

fn usage(problem: impl Into<String>) -> CliError {
    CliError::Usage { problem: problem.into() }
}

impl From<lexopt::Error> for CliError {
    fn from(error: lexopt::Error) -> Self {
        usage(error.to_string())
    }
}

impl Invocation {
    /// # Errors
    /// [`CliError::Usage`], [`CliError::InvalidId`] or [`CliError::Unsupported`].
    pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, CliError> {
        let mut parser = lexopt::Parser::from_args(arguments);
        let lenient_cgroups = !rustix::process::geteuid().is_root();
        let mut global = Global { lenient_cgroups, ..Global::default() };
        while let Some(argument) = parser.next()? {
            match argument {
                Long("root") => global.root = Some(parser.value()?.into()),
                Long("log") => global.log.path = Some(parser.value()?.into()),
                Long("log-format") => {
                    global.log.json = match parser.value()?.string()?.as_str() {
                        "json" => true,
                        "text" => false,
                        other => return Err(usage(format!("unknown log format {other:?}"))),
                    };
                }
                // Engines pass it to make a runtime talk; ours says what is to say anyway.
                Long("debug") => {}
                // runc finds the program by PATH, too, and keeps the option for old callers.
                Long("criu") => drop(parser.value()?),
                Long("cgroup-manager") => global.no_cgroups = no_cgroups(&parser.value()?.string()?)?,
                Long("systemd-cgroup") => {
                    return Err(CliError::Unsupported { what: "the systemd cgroup driver".to_owned() });
                }
                Long("rootless") => global.lenient_cgroups = rootless(&parser.value()?.string()?)?,
                Long("help") | Short('h') => return Ok(Invocation { global, command: Command::Help }),
                Long("version") | Short('v') => return Ok(Invocation { global, command: Command::Version }),
                Value(name) => {
                    let command = command(&name.string()?, &mut parser)?;
                    return Ok(Invocation { global, command });
                }
                other => return Err(other.unexpected().into()),
            }
        }
        Err(usage("a command is missing"))
    }
}

fn no_cgroups(manager: &str) -> Result<bool, CliError> {
    match manager {
        "cgroupfs" => Ok(false),
        "disabled" => Ok(true),
        other => Err(CliError::Unsupported { what: format!("the cgroup manager {other:?}") }),
    }
}

/// Whether cgroups are best effort: `auto` looks who calls.
fn rootless(mode: &str) -> Result<bool, CliError> {
    match mode {
        "auto" => Ok(!rustix::process::geteuid().is_root()),
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        other => Err(usage(format!("unknown rootless mode {other:?}; true, false or auto"))),
    }
}

fn command(name: &str, parser: &mut lexopt::Parser) -> Result<Command, CliError> {
    match name {
        "create" => Ok(Command::Create(create::parse(parser, false)?.0)),
        "run" => create::parse(parser, true).map(|(options, run)| Command::Run(options, run)),
        "start" => only_id(parser).map(Command::Start),
        "state" => only_id(parser).map(Command::State),
        "pause" => only_id(parser).map(Command::Pause),
        "resume" => only_id(parser).map(Command::Resume),
        "kill" => kill(parser),
        "delete" => delete(parser),
        "exec" => exec::parse(parser),
        "events" => events::parse(parser),
        "checkpoint" => criu::parse(parser).map(Command::Checkpoint),
        "restore" => criu::parse(parser).map(Command::Restore),
        "list" => list(parser),
        "ps" => ps(parser),
        "update" => update::parse(parser),
        "spec" => spec(parser),
        "features" => Ok(Command::Features),
        "help" => Ok(Command::Help),
        other => Err(usage(format!("unknown command {other:?}"))),
    }
}

/// The one value that must be there.
fn required(id: Option<BundleId>) -> Result<BundleId, CliError> {
    id.ok_or_else(|| usage("a container id is missing"))
}

/// Takes the id, which may come only once.
fn take_id(id: &mut Option<BundleId>, word: OsString) -> Result<(), CliError> {
    if id.is_some() {
        return Err(usage(format!("unexpected argument {word:?}")));
    }
    *id = Some(BundleId::parse(&word.string()?)?);
    Ok(())
}

fn only_id(parser: &mut lexopt::Parser) -> Result<BundleId, CliError> {
    let mut id = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Value(word) => take_id(&mut id, word)?,
            other => return Err(other.unexpected().into()),
        }
    }
    required(id)
}

fn kill(parser: &mut lexopt::Parser) -> Result<Command, CliError> {
    let (mut id, mut signal, mut all) = (None, None, false);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("all") | Short('a') => all = true,
            Value(word) if id.is_some() && signal.is_none() => {
                signal = Some(crate::signals::parse(&word.string()?)?);
            }
            Value(word) => take_id(&mut id, word)?,
            other => return Err(other.unexpected().into()),
        }
    }
    let sigterm = 15;
    Ok(Command::Kill { id: required(id)?, signal: signal.unwrap_or(sigterm), all })
}

fn delete(parser: &mut lexopt::Parser) -> Result<Command, CliError> {
    let (mut id, mut force) = (None, false);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("force") | Short('f') => force = true,
            Value(word) => take_id(&mut id, word)?,
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Delete { id: required(id)?, force })
}

fn is_json(format: &str) -> Result<bool, CliError> {
    match format {
        "json" => Ok(true),
        "table" => Ok(false),
        other => Err(usage(format!("unknown format {other:?}"))),
    }
}

fn list(parser: &mut lexopt::Parser) -> Result<Command, CliError> {
    let (mut json, mut quiet) = (false, false);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("format") | Short('f') => json = is_json(&parser.value()?.string()?)?,
            Long("quiet") | Short('q') => quiet = true,
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::List { json, quiet })
}

fn ps(parser: &mut lexopt::Parser) -> Result<Command, CliError> {
    let (mut id, mut json, mut options) = (None, false, Vec::new());
    while let Some(argument) = parser.next()? {
        match argument {
            Long("format") | Short('f') => json = is_json(&parser.value()?.string()?)?,
            Value(word) if id.is_none() => {
                take_id(&mut id, word)?;
                // What follows is for ps(1), unless it says how we are to print.
                let mut rest = parser.raw_args()?;
                while let Some(word) = rest.next() {
                    match word.to_str() {
                        Some("--format" | "-f") => {
                            let format = rest.next().ok_or_else(|| usage("--format needs a value"))?;
                            json = is_json(&format.string()?)?;
                        }
                        Some("--") => {}
                        _ => options.push(word),
                    }
                }
                break;
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Ps { id: required(id)?, json, options })
}

fn spec(parser: &mut lexopt::Parser) -> Result<Command, CliError> {
    let (mut bundle, mut rootless) = (PathBuf::from("."), false);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("bundle") | Short('b') => bundle = parser.value()?.into(),
            Long("rootless") => rootless = true,
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Spec { bundle, rootless })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Invocation, CliError> {
        Invocation::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn containerd_s_create() {
        let line =
            "--root /r --log /l --log-format json create --bundle /b --pid-file /p --console-socket /c c1";
        let invocation = parse(line).unwrap();
        assert!(invocation.global.log.json);
        let Command::Create(options) = invocation.command else { panic!("{:?}", invocation.command) };
        assert_eq!((options.id.as_str(), options.bundle), ("c1", PathBuf::from("/b")));
        assert_eq!(options.console_socket, Some(PathBuf::from("/c")));
    }

    #[test]
    fn the_command_of_exec_keeps_its_options() {
        let Command::Exec(options) = parse("exec -t -u 33:34 -e A=b c1 ls -l --all").unwrap().command else {
            panic!()
        };
        assert!(options.terminal);
        assert_eq!(
            (options.user, options.arguments.join(" ")),
            (Some((33, Some(34))), "ls -l --all".to_owned())
        );
    }

    #[test]
    fn kill_takes_its_signal_last() {
        let Command::Kill { id, signal, all } = parse("kill --all c1 KILL").unwrap().command else {
            panic!()
        };
        assert_eq!((id.as_str(), signal, all), ("c1", 9, true));
    }

    #[test]
    fn what_is_not_done_is_refused_by_name() {
        for (line, message) in [
            ("", "a command is missing"),
            ("fly", "unknown command \"fly\""),
            ("create", "a container id is missing"),
            ("create a/b", "invalid container id"),
            ("--systemd-cgroup create c1", "systemd"),
            ("state c1 c2", "unexpected argument"),
            ("exec c1", "exec needs a command"),
            ("list --wings", "wings"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains(message), "{line}: {error}");
        }
    }
}
