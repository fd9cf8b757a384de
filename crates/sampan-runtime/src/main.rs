//! The runtime program: `sampan-runtime monitor` owns a sandbox for the engine, `sampan-runtime
//! resolve` resolves names for one; every other command line is that of an
//! OCI runtime.

use std::process::ExitCode;

/// What `cargo xtask dist` bakes into both programs, so that they are only used together.
const BUILD_ID: &str = match option_env!("SAMPAN_BUILD_ID") {
    Some(id) => id,
    None => "dev",
};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let code = match arguments.as_slice() {
        [role] if role == "monitor" => monitor::main(BUILD_ID),
        [role] if role == "resolve" => monitor::resolve(BUILD_ID),
        _ => oci_cli::main(arguments),
    };
    // Exit codes of processes have eight bits.
    ExitCode::from(u8::try_from(code & 0xff).unwrap_or(u8::MAX))
}
