//! The runtime program: `sampan-runtime monitor` owns a sandbox for the engine.

use std::process::ExitCode;

/// What `cargo xtask dist` bakes into both programs, so that they are only used together.
const BUILD_ID: &str = match option_env!("SAMPAN_BUILD_ID") {
    Some(id) => id,
    None => "dev",
};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let code = match arguments.next() {
        Some(role) if role == "monitor" && arguments.next().is_none() => monitor::main(BUILD_ID),
        _ => {
            eprintln!("sampan-runtime: only `sampan-runtime monitor`, started by sampan, is known so far");
            125
        }
    };
    // Exit codes of processes have eight bits.
    ExitCode::from(u8::try_from(code & 0xff).unwrap_or(u8::MAX))
}
