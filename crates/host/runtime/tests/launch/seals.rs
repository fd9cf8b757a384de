//! The runtime's own program, as a container could get at it.

use crate::Test;
use std::io::{BufRead, BufReader};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

pub(crate) const TESTS: &[Test] = &[("the_program_of_a_protected_process_cannot_be_written_to", written)];

/// What the test program does when it is started as a victim: it is executed again if it protects itself, says
/// whether it is protected, and waits.
pub(crate) fn victim(mode: &str) {
    match mode {
        "protected" => {
            runtime::seal::protect().unwrap();
            runtime::seal::protect().unwrap();
        }
        #[cfg(feature = "weakened")]
        "weakened" => {
            runtime::weakness::with(&[runtime::weakness::Weakness::ProgramWritable], || {
                runtime::seal::protect().unwrap();
            });
        }
        _ => {}
    }
    println!("{} {}", runtime::seal::is_protected(), std::env::args().count());
    let _ = std::io::stdin().lock().read_line(&mut String::new());
}

/// The attack of CVE-2019-5736: keep `/proc/PID/exe` open until the process has ended, then write through it.
fn attack(mode: &str) -> Result<(), Option<i32>> {
    let directory = tempfile::tempdir().unwrap();
    let program: PathBuf = directory.path().join("victim");
    std::fs::copy("/proc/self/exe", &program).unwrap();
    let mut child = Command::new(&program)
        .args(["--victim", mode])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), format!("{} 3", mode == "protected"));
    let flags = rustix::fs::OFlags::PATH.bits() as i32;
    let held = std::fs::File::options()
        .read(true)
        .custom_flags(flags)
        .open(format!("/proc/{}/exe", child.id()))
        .unwrap();
    drop(child.stdin.take());
    child.wait().unwrap();
    let again = std::fs::File::options().write(true).open(format!("/proc/self/fd/{}", held.as_raw_fd()));
    again.map(drop).map_err(|error| error.raw_os_error())
}

/// Whether the attack succeeds.
pub(crate) fn can_be_written(mode: &str) -> bool {
    attack(mode).is_ok()
}

fn written() {
    assert_eq!(attack("protected"), Err(Some(rustix::io::Errno::ROFS.raw_os_error())));
    // The same attack on a program that does not protect itself succeeds, so it is the protection that helps.
    assert_eq!(attack("plain"), Ok(()));
}
