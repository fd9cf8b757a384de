//! Drives the command line as an engine would, as root.
//!
//! The test program is the runtime as well: called with `--as-runtime` it hands everything else to [`oci_cli::main`],
//! which needs a process with one thread and a program of its own.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod commands;
mod engine;
mod exec;
mod lifecycle;
mod mounts;
mod network;
mod refusals;
mod users;

type Test = (&'static str, fn());

fn main() {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.next_if(|word| word == "--as-runtime").is_some() {
        std::process::exit(oci_cli::main(arguments));
    }
    if !rustix::process::geteuid().is_root() {
        println!("skipped: running containers needs root");
        return;
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let before = engine::census();
    let mut failed = Vec::new();
    let suites = [
        commands::TESTS,
        exec::TESTS,
        lifecycle::TESTS,
        mounts::TESTS,
        network::TESTS,
        refusals::TESTS,
        users::TESTS,
    ];
    for (name, test) in suites.concat() {
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let passed = std::panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        if !passed {
            failed.push(name);
        }
    }
    let after = engine::census();
    if before != after {
        println!("left behind: {before:?} became {after:?}");
        failed.push("nothing_is_left_behind");
    }
    if !failed.is_empty() {
        println!("failed: {}", failed.join(", "));
        std::process::exit(1);
    }
}
