//! The command line: Docker's verbs, flags, output and exit codes.
//!
//! Called by the `sampan` program alone. Each command goes through three steps: what was typed ([`args`]), what it
//! means (a value of `docker-model`, or a small request), and the command function in [`verbs`], which prints.
//! Commands are written against [`client::Client`], so that a server can stand there instead of the engine in this
//! process.
//!
//! Limits: this version has no server to talk to; a context, `-H` or `DOCKER_HOST` that names another machine is refused
//! by every command that would run there.

mod args;
mod client;
mod completion;
mod context;
mod contexts;
mod copying;
mod dispatch;
mod docker_commands;
mod failure;
mod filters;
mod foreground;
mod glob;
mod keep;
mod live;
mod manual;
mod moment;
mod output_file;
mod parse;
mod program;
mod progress;
mod render;
mod request;
mod settings;
mod table;
mod target;
mod users;
mod verbs;

pub use context::OpenHost;

use args::Globals;
use context::Context;
use engine::Roots;
use failure::Failure;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use target::Asked;

/// Version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the command line `args` (the program's name first) and returns the exit code. `build` identifies what was
/// built, for `version`.
pub fn run(args: Vec<OsString>, build: &'static str, open: OpenHost) -> u8 {
    program::set_called(args.first().map(OsString::as_os_str));
    let name = program::name();
    let verb = args.get(1).and_then(|word| word.to_str()).unwrap_or_default().to_owned();
    if completion::VERBS.contains(&verb.as_str()) {
        return complete(&verb, &args[2..], build, open);
    }
    let (debug, outcome) = match args::parse_globals(args) {
        Ok(globals) => (globals.debug, carry_out(&globals, build, open)),
        Err(args::UsageError::UnknownShorthand { letter: 'h', .. }) => {
            (false, context::print(&dispatch::all_help()).map(|()| 0))
        }
        Err(error) => {
            (false, Err(dispatch::with_usage(error, &format!("{name} [OPTIONS] COMMAND [ARG...]"), name)))
        }
    };
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            report(&failure, debug);
            failure.code
        }
    }
}

fn carry_out(globals: &Globals, build: &'static str, open: OpenHost) -> Result<u8, Failure> {
    if globals.host.is_some() && globals.context.is_some() {
        return Err(Failure::new("conflicting options: cannot specify both --host and --context"));
    }
    let mut context = context_of(globals, build, open)?;
    if globals.version {
        context.line(&program::called().version_line(VERSION, build))?;
        return Ok(0);
    }
    dispatch::dispatch(&mut context, globals)
}

/// What a shell asks for while somebody types: never an error.
fn complete(verb: &str, words: &[OsString], build: &'static str, open: OpenHost) -> u8 {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let described = verb == completion::VERBS[0];
    let Ok(context) = context_of(&completion::globals(&words), build, open) else { return 1 };
    u8::from(context.print(&completion::answer(&context, &words, described)).is_err())
}

fn context_of(globals: &Globals, build: &'static str, open: OpenHost) -> Result<Context, Failure> {
    let root = |typed: &Option<PathBuf>, variable: &str, default: PathBuf| {
        let chosen = typed.clone().or_else(|| std::env::var_os(variable).map(PathBuf::from));
        chosen.filter(|path| !path.as_os_str().is_empty()).map_or(Ok(default), |path| absolute(&path))
    };
    let defaults = Roots::default();
    let roots = Roots {
        data: root(&globals.data_root, "SAMPAN_DATA_ROOT", defaults.data)?,
        exec: root(&globals.exec_root, "SAMPAN_EXEC_ROOT", defaults.exec)?,
    };
    let asked = Asked {
        config: globals.config.as_deref().map(absolute).transpose()?,
        host: globals.host.clone(),
        context: globals.context.clone(),
    };
    Ok(Context::new(roots, build, open, asked))
}

/// Monitors and mount tables know roots by their absolute path.
fn absolute(path: &std::path::Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::new(format!("cannot find {}: {error}", path.display())).with_code(125))
}

fn report(failure: &Failure, debug: bool) {
    // Nobody is left to be told when standard error is closed.
    let mut err = std::io::stderr().lock();
    if !failure.message.is_empty() {
        let _ = writeln!(err, "{}{}", program::called().complaint(), failure.message);
    }
    if let Some(details) = failure.details.as_ref().filter(|_| debug) {
        let _ = writeln!(err, "{}debug: {details}", program::called().complaint());
    }
    if let Some(hint) = &failure.hint {
        let _ = writeln!(err, "{hint}");
    }
}
