//! Our programs against libseccomp's: results it gave once, and fresh ones where it is installed.

use super::*;
use serde::Deserialize;
use spec::runtime::Seccomp;
use std::process::Command;

/// Made by `libseccomp.py 20 40 40` with libseccomp 2.5.4.
const KEPT: &str = include_str!("libseccomp.golden");

#[derive(Deserialize)]
struct Case {
    native: String,
    seccomp: Seccomp,
    /// Architecture, number, arguments, result.
    probes: Vec<(String, u32, [u64; 6], u32)>,
}

fn arch(name: &str) -> Arch {
    let all = [Arch::X86_64, Arch::X86, Arch::X32, Arch::Aarch64, Arch::Arm];
    all.into_iter().find(|arch| arch.name() == name).unwrap()
}

/// How many probes there were.
fn compare(lines: &str) -> usize {
    let mut count = 0;
    for line in lines.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let (program, _) = Program::compile_for(arch(&case.native), &case.seccomp).unwrap();
        check(program.instructions());
        for (name, number, args, result) in case.probes {
            let ours = verdict(&program, arch(&name), number, args);
            assert_eq!(ours, result, "{name} {number} {args:?}: {ours:#x} and not {result:#x}\n{line}");
            count += 1;
        }
    }
    count
}

#[test]
fn kept_results_are_ours_too() {
    assert!(compare(KEPT) > 1000);
}

#[test]
fn fresh_results_are_ours_too() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/seccomp/tests/libseccomp.py");
    match Command::new("python3").args(["-B", script, "1", "150", "60"]).output() {
        Ok(output) if output.status.success() => {
            let count = compare(&String::from_utf8(output.stdout).unwrap());
            println!("{count} probes");
        }
        Ok(output) => {
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(message.contains("libseccomp.so.2"), "{message}");
            eprintln!("skipped: libseccomp is not installed");
        }
        Err(_) => eprintln!("skipped: python3 is not installed"),
    }
}
