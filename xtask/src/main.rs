//! Developer tasks, run as `cargo xtask TASK`.
//!
//! * `dist [--profile dist|dev]` builds what is shipped into `target/dist` (`target/dist-dev`), with manual pages and
//!   completions below `share`;
//! * `check-deps` checks the house rules that no compiler checks: crate edges, where `unsafe` may be, what the
//!   runtime's dependency tree may hold, file names;
//! * `bench` measures the shipped programs beside the peers that are installed;
//! * `vm-test` runs the shipped programs and the black-box tests in a virtual machine with cgroup v2 and systemd.
//!
//! A task prints what it did and fails with one line per thing that is wrong.

mod bench;
mod build_id;
mod check_deps;
mod commit;
mod dist;
mod share;
mod vm_test;
mod workspace;

use anyhow::{Result, bail};
use lexopt::prelude::*;
use std::env;
use std::process::ExitCode;
use workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask TASK

  dist [--profile dist|dev]   build the shipped programs into target/dist (dev: target/dist-dev, quicker)
  check-deps                  check crate edges, unsafe code, the runtime's dependencies and file names
  bench [oci] [--rounds N] [--peers DIRECTORY]
                              measure ours beside docker and podman (installed, or unpacked by scripts/peers), write
                              docs/benchmarks.md; with oci the bare runtimes, into docs/benchmarks-oci.md
  vm-test [--profile dist|dev]
                              run the built programs in a virtual machine with cgroup v2 and systemd";

/// Samples of each operation and contender, unless said otherwise.
const BENCH_ROUNDS: usize = 20;

enum Task {
    Dist(dist::Profile),
    CheckDeps,
    Bench { oci: bool, options: bench::Options },
    VmTest { profile: dist::Profile },
    Help,
}

fn main() -> ExitCode {
    match parse().and_then(|task| run(&task)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Result<Task> {
    let mut arguments = lexopt::Parser::from_env();
    let Some(first) = arguments.next()? else { bail!("no task\n{USAGE}") };
    let task = match first {
        Value(name) if name == "dist" => return Ok(Task::Dist(parse_profile(&mut arguments)?)),
        Value(name) if name == "check-deps" => Task::CheckDeps,
        Value(name) if name == "bench" => {
            let mut oci = false;
            let mut options =
                bench::Options { rounds: BENCH_ROUNDS, peers: env::var_os("SAMPAN_PEERS").map(Into::into) };
            while let Some(argument) = arguments.next()? {
                match argument {
                    Value(part) if part == "oci" => oci = true,
                    Long("rounds") => options.rounds = arguments.value()?.parse()?,
                    Long("peers") => options.peers = Some(arguments.value()?.into()),
                    other => return Err(other.unexpected().into()),
                }
            }
            return Ok(Task::Bench { oci, options });
        }
        Value(name) if name == "vm-test" => {
            return Ok(Task::VmTest { profile: parse_profile(&mut arguments)? });
        }
        Value(name) if name == "help" => Task::Help,
        Short('h') | Long("help") => Task::Help,
        Value(name) => bail!("unknown task {}\n{USAGE}", name.to_string_lossy()),
        other => return Err(other.unexpected().into()),
    };
    match arguments.next()? {
        Some(extra) => Err(extra.unexpected().into()),
        None => Ok(task),
    }
}

/// The rest of a command line that knows `--profile` alone.
fn parse_profile(arguments: &mut lexopt::Parser) -> Result<dist::Profile> {
    let mut profile = dist::Profile::Dist;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("profile") => profile = arguments.value()?.parse()?,
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(profile)
}

fn run(task: &Task) -> Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Dist(profile) => dist::run(&workspace, *profile),
        Task::CheckDeps => check_deps::run(&workspace),
        Task::Bench { oci: true, options } => bench::run_oci(&workspace, options),
        Task::Bench { oci: false, options } => bench::run(&workspace, options),
        Task::VmTest { profile } => vm_test::run(&workspace, *profile),
        Task::Help => {
            println!("{USAGE}");
            Ok(())
        }
    }
}
