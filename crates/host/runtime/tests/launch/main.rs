//! Launches real containers, as root, and looks at them from inside and outside.
//!
//! Runs without the usual harness, because a launch needs a process with one thread: `cargo test -p runtime --test
//! launch -- [PART OF A NAME]`. Nothing is left behind; the last test counts.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod basics;
mod container;
mod escape;
mod execs;
mod filters;
mod gates;
mod hostile;
mod mounts;
mod process;
mod seals;
mod terminal;

/// A name and what to do.
type Test = (&'static str, fn());

fn main() {
    if let [_, role, mode] = &std::env::args().collect::<Vec<_>>()[..] {
        match role.as_str() {
            "--victim" => return seals::victim(mode),
            "--exchange" => return escape::exchange(mode),
            "--shared" => return mounts::share_and_mount(),
            "--borrow" => return mounts::borrow_devices(),
            "--layers" => return basics::stack_layers(mode.parse().unwrap()),
            _ => {}
        }
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if !rustix::process::geteuid().is_root() {
        println!("skipped: launching containers needs root");
        return;
    }
    if cfg!(feature = "weakened") && std::env::var_os(INSIDE).is_none() {
        return run_apart(&wanted);
    }
    let before = container::Census::take();
    let mut failed = Vec::new();
    let suites = [
        basics::TESTS,
        execs::TESTS,
        filters::TESTS,
        gates::TESTS,
        hostile::TESTS,
        mounts::TESTS,
        process::TESTS,
        seals::TESTS,
        terminal::TESTS,
    ];
    let sound = if cfg!(feature = "weakened") { Vec::new() } else { suites.concat() };
    for (name, test) in sound.into_iter().chain(escape::tests()) {
        if !wanted.is_empty() && !wanted.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let passed = std::panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        if !passed {
            failed.push(name);
        }
    }
    let after = container::Census::take();
    if before != after {
        println!("left behind: {before:?} became {after:?}");
        failed.push("nothing_is_left_behind");
    }
    #[cfg(feature = "weakened")]
    {
        let untried = runtime::weakness::untried();
        println!("{}; not tried: {untried:?}", runtime::weakness::MARK);
        if wanted.is_empty() && !untried.is_empty() {
            failed.push("every_weakness_is_tried");
        }
    }
    if !failed.is_empty() {
        println!("failed: {}", failed.join(", "));
        std::process::exit(1);
    }
}

/// Set in the process that [`run_apart`] starts.
const INSIDE: &str = "SAMPAN_TEST_INSIDE";

/// Attacks that are to succeed do so in namespaces of their own.
fn run_apart(wanted: &[String]) {
    let own = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", "--uts", "--ipc", "--"];
    let status = std::process::Command::new("unshare")
        .args(own)
        .arg(std::env::current_exe().unwrap())
        .args(wanted)
        .env(INSIDE, "yes")
        .status()
        .unwrap();
    std::process::exit(status.code().unwrap_or(1));
}
