//! `vm-test`: the shipped programs in a virtual machine with what users run: Debian's kernel, cgroup v2, systemd.
//!
//! QEMU emulates in software, so any machine will do; nothing is measured. What the guest needs comes from Debian's
//! packages and is kept in `target/vm`. The console's text goes to `docs/results/vm-test.txt` when it is of a commit.

mod disk;
mod guest;
mod kernel;

use crate::commit::Commit;
use crate::dist::Profile;
use crate::workspace::{Workspace, output};
use anyhow::{Context, Result, bail};
use guest::TestProgram;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What the guest prints last, followed by the exit code of its tests.
const VERDICT: &str = "SAMPAN-VM-EXIT:";
/// Until the guest is given up. Emulation is some thirty times slower than the processor.
const PATIENCE: Duration = Duration::from_secs(50 * 60);

/// Builds the guest, boots it, keeps its log.
///
/// # Errors
/// When a package or a tool is missing, when the guest does not finish, or when its tests fail.
pub(crate) fn run(workspace: &Workspace, profile: Profile) -> Result<()> {
    let place = workspace.target.join("vm");
    std::fs::create_dir_all(&place)?;
    let commit = Commit::of(workspace)?;
    let kernel = kernel::fetch(&place)?;
    let initramfs = kernel::initramfs(&place, &kernel)?;
    let dist = workspace.target.join(profile.directory());
    let disk = disk::build(&place, &kernel, &dist, &test_programs(workspace)?)?;
    let log = place.join("vm-test.txt");
    let verdict = boot(&kernel.image, &initramfs, &disk, &log, &commit)?;
    let kept = keep(workspace, &log, &commit, profile)?;
    if verdict != 0 {
        bail!("the tests in the guest failed with exit code {verdict}: see {kept}");
    }
    println!("vm-test: all tests in the guest passed; its log is {kept}");
    Ok(())
}

/// Puts the log among the results if it is of a commit, and of what users get; says where it is.
fn keep(workspace: &Workspace, log: &Path, commit: &Commit, profile: Profile) -> Result<String> {
    if commit.changed || profile != Profile::Dist {
        let why = if commit.changed { "there are changes without a commit" } else { "not what is shipped" };
        return Ok(format!("{} (not kept in docs/results: {why})", log.display()));
    }
    let results = workspace.root.join("docs/results");
    std::fs::create_dir_all(&results)?;
    std::fs::copy(log, results.join("vm-test.txt"))?;
    Ok("docs/results/vm-test.txt".to_owned())
}

/// Crates whose integration tests run in the guest: the black-box suite, and those that speak with control groups.
const TESTED: [&str; 3] = ["tests", "cgroup", "runtime"];

/// Builds the tests and says where their executables are.
fn test_programs(workspace: &Workspace) -> Result<Vec<(PathBuf, TestProgram)>> {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--no-run", "--message-format=json"]);
    cargo.args(TESTED.iter().flat_map(|name| ["-p", name]));
    let messages = output(&mut cargo)?;
    let program = |line: &[u8]| -> Option<(PathBuf, TestProgram)> {
        let message: serde_json::Value = serde_json::from_slice(line).ok()?;
        let is_test = message["target"]["kind"][0] == "test";
        let path = PathBuf::from(message["executable"].as_str().filter(|_| is_test)?);
        let name = message["target"]["name"].as_str()?.to_owned();
        let has_harness = name == "suite";
        Some((path, TestProgram { name, has_harness }))
    };
    let mut found: Vec<_> = messages.split(|byte| *byte == b'\n').filter_map(program).collect();
    // The small ones first, so that what is wrong below is seen before what stands on it.
    found.sort_by_key(|(_, program)| (program.has_harness, program.name.clone()));
    Ok(found)
}

fn boot(kernel: &Path, initramfs: &Path, disk: &Path, log: &Path, commit: &Commit) -> Result<i32> {
    let mut guest = Command::new("qemu-system-x86_64")
        .args(["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1536"])
        .args(["-nographic", "-no-reboot", "-nodefaults", "-serial", "stdio"])
        .args([
            "-append",
            "console=ttyS0 root=/dev/vda rw panic=-1 quiet systemd.show_status=0 net.ifnames=0",
        ])
        .arg("-kernel")
        .arg(kernel)
        .arg("-initrd")
        .arg(initramfs)
        .arg("-drive")
        .arg(format!("file={},format=raw,if=virtio,snapshot=on", disk.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .context("cannot run qemu-system-x86_64: install the package qemu-system-x86")?;
    let console = guest.stdout.take().context("the guest has no console")?;
    let result = follow(console, log, commit);
    // It has powered itself off, or is given up.
    let _ = guest.kill();
    guest.wait()?;
    result
}

/// Copies the console into the log until the verdict.
fn follow(console: impl std::io::Read + Send + 'static, log: &Path, commit: &Commit) -> Result<i32> {
    let (sender, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(console).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                return;
            }
        }
    });
    let mut log = std::fs::File::create(log)?;
    writeln!(log, "# cargo xtask vm-test, {}, commit {commit}\n", commit.date)?;
    let begun = Instant::now();
    let deadline = Instant::now() + PATIENCE;
    while let Ok(line) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        if let Some(code) = line.trim().strip_prefix(VERDICT) {
            writeln!(log, "exit code {code} after {} s", begun.elapsed().as_secs())?;
            return code.trim().parse().context("the guest's verdict is no number");
        }
        println!("guest | {line}");
        writeln!(log, "{line}")?;
    }
    bail!("the guest did not finish its tests within {} minutes", PATIENCE.as_secs() / 60);
}
