//! The `sampan` program: builds the host context when a command needs it, and hands everything else to the command
//! line.

use engine::{HostContext, Programs, Roots};
use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `cargo xtask dist` bakes into both programs, so that they are only used together.
const BUILD_ID: &str = match option_env!("SAMPAN_BUILD_ID") {
    Some(id) => id,
    None => "dev",
};

/// The host file, with the keys of dockerd's `daemon.json`.
const CONFIG_FILE: &str = "/etc/sampan/config.json";

/// The runtime program is not where it belongs.
#[derive(Debug)]
struct NoRuntime {
    beside: PathBuf,
}

impl std::fmt::Display for NoRuntime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "sampan-runtime is neither {} nor in {LIBEXEC:?}; install it beside sampan",
            self.beside.display()
        )
    }
}

impl Error for NoRuntime {}

/// Where packages put what people do not start themselves.
const LIBEXEC: [&str; 2] = ["/usr/local/libexec/sampan", "/usr/libexec/sampan"];

fn main() -> ExitCode {
    let began_ns = now_ns();
    let args: Vec<OsString> = std::env::args_os().collect();
    ExitCode::from(cli::run(args, BUILD_ID, Box::new(move |roots| open(roots, began_ns))))
}

/// `CLOCK_BOOTTIME`, which every process of the host reads alike.
fn now_ns() -> Option<u64> {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    u64::try_from(now.tv_sec).ok()?.checked_mul(1_000_000_000)?.checked_add(u64::try_from(now.tv_nsec).ok()?)
}

fn open(roots: Roots, began_ns: Option<u64>) -> Result<HostContext, Box<dyn Error + Send + Sync>> {
    let sampan = std::env::current_exe()?;
    let runtime = find_runtime(&sampan)?;
    let programs = Programs { sampan, runtime, build: BUILD_ID.to_owned(), version: cli::VERSION.to_owned() };
    let context = HostContext::open(roots, programs, Some(Path::new(CONFIG_FILE)))?;
    Ok(HostContext { command_began_ns: began_ns, ..context })
}

/// Beside `sampan`, then in libexec.
fn find_runtime(sampan: &Path) -> Result<PathBuf, NoRuntime> {
    let beside = sampan.with_file_name("sampan-runtime");
    std::iter::once(beside.clone())
        .chain(LIBEXEC.iter().map(|directory| Path::new(directory).join("sampan-runtime")))
        .find(|path| path.is_file())
        .ok_or(NoRuntime { beside })
}
