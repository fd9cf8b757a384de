//! The command line: Docker's verbs, flags, output and exit codes.
//!
//! Called by the `sampan` program alone. Each command goes through three steps: what was typed ([`args`]), what it
//! means (a value of `docker-model`, or a small request), and the command function in [`verbs`], which prints.
//! Everything that changes containers goes through [`lifecycle::Lifecycle`], so that a server can stand there instead
//! of the engine in this process.
//!
//! Limits: this version has no server to talk to; `-H` and a `DOCKER_HOST` that names another machine are refused.

mod args;
mod context;
mod copying;
mod dispatch;
mod docker_commands;
mod failure;
mod filters;
mod foreground;
mod glob;
mod lifecycle;
mod local;
mod moment;
mod output_file;
mod parse;
mod render;
mod request;
mod table;
mod verbs;

pub use context::OpenHost;

use args::Globals;
use context::Context;
use engine::Roots;
use failure::Failure;
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

/// Version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the command line `args` (the program's name first) and returns the exit code. `build` identifies what was
/// built, for `version`.
pub fn run(args: Vec<OsString>, build: &'static str, open: OpenHost) -> u8 {
    let (debug, outcome) = match args::parse_globals(args) {
        Ok(globals) => (globals.debug, carry_out(&globals, build, open)),
        Err(args::UsageError::UnknownShorthand { letter: 'h', .. }) => {
            (false, context::print(&dispatch::all_help()).map(|()| 0))
        }
        Err(error) => {
            (false, Err(dispatch::with_usage(error, "sampan [OPTIONS] COMMAND [ARG...]", "sampan")))
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
    refuse_servers(globals.host.as_deref())?;
    let root = |typed: &Option<PathBuf>, variable: &str, default: PathBuf| {
        let chosen = typed.clone().or_else(|| std::env::var_os(variable).map(PathBuf::from));
        chosen.filter(|path| !path.as_os_str().is_empty()).map_or(Ok(default), |path| absolute(&path))
    };
    let defaults = Roots::default();
    let roots = Roots {
        data: root(&globals.data_root, "SAMPAN_DATA_ROOT", defaults.data)?,
        exec: root(&globals.exec_root, "SAMPAN_EXEC_ROOT", defaults.exec)?,
    };
    let mut context = Context::new(roots, build, open);
    if globals.version {
        context.line(&format!("sampan version {VERSION}, build {build}"))?;
        return Ok(0);
    }
    dispatch::dispatch(&mut context, globals)
}

/// Monitors and mount tables know roots by their absolute path.
fn absolute(path: &std::path::Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::new(format!("cannot find {}: {error}", path.display())).with_code(125))
}

/// A server that was asked for must not silently become this machine.
fn refuse_servers(flag: Option<&str>) -> Result<(), Failure> {
    let local =
        |host: &str| matches!(host, "" | "local" | "unix:///var/run/docker.sock" | "unix:///run/docker.sock");
    if let Some(host) = flag.filter(|host| !local(host)) {
        return Err(Failure::new(format!(
            "--host is not supported by this version of sampan: it works on this machine without a server ({host} was asked for)"
        ))
        .with_code(125));
    }
    match std::env::var("DOCKER_HOST") {
        Ok(host) if !local(&host) => Err(Failure::new(format!(
            "DOCKER_HOST={host} is not supported by this version of sampan: it works on this machine without a server; unset DOCKER_HOST"
        ))
        .with_code(125)),
        _ => Ok(()),
    }
}

fn report(failure: &Failure, debug: bool) {
    // Nobody is left to be told when standard error is closed.
    let mut err = std::io::stderr().lock();
    if !failure.message.is_empty() {
        let _ = writeln!(err, "sampan: {}", failure.message);
    }
    if let Some(details) = failure.details.as_ref().filter(|_| debug) {
        let _ = writeln!(err, "sampan: debug: {details}");
    }
    if let Some(hint) = &failure.hint {
        let _ = writeln!(err, "{hint}");
    }
}
