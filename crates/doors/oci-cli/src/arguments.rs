//! What was typed: runc's command line, as engines use it.

use crate::error::CliError;
use crate::id::BundleId;
use crate::log::Log;
use lexopt::prelude::{Long, Short, Value, ValueExt};
use std::ffi::OsString;
use std::path::PathBuf;

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
}

#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Version,
    Features,
    Spec { bundle: PathBuf },
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
    Ps { id: BundleId, json: bool },
    Update { id: BundleId, resources: PathBuf },
}

/// `create`, and `run` as well.
#[derive(Debug)]
pub(crate) struct CreateOptions {
    pub(crate) id: BundleId,
    pub(crate) bundle: PathBuf,
    /// Below the bundle unless absolute.
    pub(crate) config: PathBuf,
    pub(crate) console_socket: Option<PathBuf>,
    pub(crate) pid_file: Option<PathBuf>,
    pub(crate) preserve_fds: u32,
    pub(crate) keep_keyring: bool,
}

/// What only `run` has.
#[derive(Debug, Default)]
pub(crate) struct RunOptions {
    pub(crate) detach: bool,
    pub(crate) keep: bool,
}

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
}

pub(crate) const HELP: &str = "\
Usage: sampan-runtime [--root DIR] [--log FILE] [--log-format text|json] [--cgroup-manager cgroupfs|disabled] COMMAND

An OCI runtime.

  create [-b BUNDLE] ID       create a container; it waits for start
  start ID                    let a created container execute its program
  run [-b BUNDLE] [-d] ID     create and start, and stay until it ends
  exec [-t] [-d] ID COMMAND   execute a further program in a container
  kill [-a] ID [SIGNAL]       send a signal, TERM by default
  delete [-f] ID              remove a container that has ended
  state ID                    show a container's state as JSON
  list [-f table|json] [-q]   list containers
  pause ID, resume ID         halt all its processes, and let them go on
  ps [-f table|json] ID       list its processes
  update -r FILE ID           change its resource limits
  spec [-b BUNDLE]            write an example config.json
  features                    show what this runtime can do, as JSON
";

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
        let mut global = Global::default();
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
                Long("cgroup-manager") => global.no_cgroups = no_cgroups(&parser.value()?.string()?)?,
                Long("systemd-cgroup") => {
                    return Err(CliError::Unsupported { what: "the systemd cgroup driver".to_owned() });
                }
                Long("rootless") => rootless(&parser.value()?.string()?)?,
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

fn rootless(mode: &str) -> Result<(), CliError> {
    match mode {
        "auto" | "false" => Ok(()),
        _ => Err(CliError::Unsupported { what: "the rootless mode".to_owned() }),
    }
}

fn command(name: &str, parser: &mut lexopt::Parser) -> Result<Command, CliError> {
    match name {
        "create" => Ok(Command::Create(create(parser)?.0)),
        "run" => create(parser).map(|(options, run)| Command::Run(options, run)),
        "start" => only_id(parser).map(Command::Start),
        "state" => only_id(parser).map(Command::State),
        "pause" => only_id(parser).map(Command::Pause),
        "resume" => only_id(parser).map(Command::Resume),
        "kill" => kill(parser),
        "delete" => delete(parser),
        "exec" => exec(parser),
        "list" => list(parser),
        "ps" => ps(parser),
        "update" => update(parser),
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

fn create(parser: &mut lexopt::Parser) -> Result<(CreateOptions, RunOptions), CliError> {
    let mut id = None;
    let mut run = RunOptions::default();
    let (mut bundle, mut config) = (PathBuf::from("."), PathBuf::from("config.json"));
    let (mut console_socket, mut pid_file, mut preserve_fds, mut keep_keyring) = (None, None, 0, false);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("bundle") | Short('b') => bundle = parser.value()?.into(),
            Long("config") | Short('f') => config = parser.value()?.into(),
            Long("console-socket") => console_socket = Some(parser.value()?.into()),
            Long("pid-file") => pid_file = Some(parser.value()?.into()),
            Long("preserve-fds") => preserve_fds = parser.value()?.parse()?,
            Long("no-new-keyring") => keep_keyring = true,
            Long("no-pivot") => {
                return Err(CliError::Unsupported {
                    what: "a root without pivot_root (--no-pivot)".to_owned(),
                });
            }
            // Nobody but a container's own first process adopts its orphans.
            Long("no-subreaper") => {}
            Long("detach") | Short('d') => run.detach = true,
            Long("keep") => run.keep = true,
            Value(word) => take_id(&mut id, word)?,
            other => return Err(other.unexpected().into()),
        }
    }
    let id = required(id)?;
    let options = CreateOptions { id, bundle, config, console_socket, pid_file, preserve_fds, keep_keyring };
    Ok((options, run))
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
    let (mut id, mut json) = (None, false);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("format") | Short('f') => json = is_json(&parser.value()?.string()?)?,
            Value(word) => take_id(&mut id, word)?,
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Ps { id: required(id)?, json })
}

fn update(parser: &mut lexopt::Parser) -> Result<Command, CliError> {
    let (mut id, mut resources) = (None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("resources") | Short('r') => resources = Some(parser.value()?.into()),
            Value(word) => take_id(&mut id, word)?,
            other => return Err(other.unexpected().into()),
        }
    }
    let resources = resources.ok_or_else(|| usage("--resources FILE is missing"))?;
    Ok(Command::Update { id: required(id)?, resources })
}

fn spec(parser: &mut lexopt::Parser) -> Result<Command, CliError> {
    let mut bundle = PathBuf::from(".");
    while let Some(argument) = parser.next()? {
        match argument {
            Long("bundle") | Short('b') => bundle = parser.value()?.into(),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Spec { bundle })
}

fn exec(parser: &mut lexopt::Parser) -> Result<Command, CliError> {
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
            Long("preserve-fds") => options.preserve_fds = parser.value()?.parse()?,
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
            ("create --no-pivot c1", "--no-pivot"),
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
