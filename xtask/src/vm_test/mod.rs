//! `vm-test`: the shipped programs in a virtual machine with what users run: Debian's kernel, cgroup v2, systemd.
//!
//! QEMU emulates in software, so any machine will do; nothing is measured. What the guest needs comes from Debian's
//! packages and is kept in `target/vm`; the console's text goes to `docs/results/vm-test.txt`.

mod disk;
mod kernel;

use crate::workspace::{Workspace, output};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What the guest prints last, followed by the exit code of its tests.
const VERDICT: &str = "SAMPAN-VM-EXIT:";
/// Until the guest is given up. Emulation is some thirty times slower than the processor.
const PATIENCE: Duration = Duration::from_secs(25 * 60);

/// Builds the guest, boots it, keeps its log.
///
/// # Errors
/// When a package or a tool is missing, when the guest does not finish, or when its tests fail.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let place = workspace.target.join("vm");
    std::fs::create_dir_all(&place)?;
    let kernel = kernel::fetch(&place)?;
    let initramfs = kernel::initramfs(&place, &kernel)?;
    let disk = disk::build(&place, &kernel, &workspace.target.join("dist"), &test_programs(workspace)?)?;
    let results = workspace.root.join("docs/results");
    std::fs::create_dir_all(&results)?;
    let verdict = boot(&kernel.image, &initramfs, &disk, &results.join("vm-test.txt"))?;
    if verdict != 0 {
        bail!("the tests in the guest failed with exit code {verdict}: see docs/results/vm-test.txt");
    }
    println!("vm-test: all tests in the guest passed; its log is docs/results/vm-test.txt");
    Ok(())
}

/// Builds the black-box tests and says where their executables are.
fn test_programs(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let messages =
        output(workspace.cargo().args(["test", "-p", "tests", "--no-run", "--message-format=json"]))?;
    let executable = |line: &[u8]| -> Option<PathBuf> {
        let message: serde_json::Value = serde_json::from_slice(line).ok()?;
        let is_test = message["target"]["kind"][0] == "test";
        Some(PathBuf::from(message["executable"].as_str().filter(|_| is_test)?))
    };
    Ok(messages.split(|byte| *byte == b'\n').filter_map(executable).collect())
}

fn boot(kernel: &Path, initramfs: &Path, disk: &Path, log: &Path) -> Result<i32> {
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
    let result = follow(console, log);
    // It has powered itself off, or is given up.
    let _ = guest.kill();
    guest.wait()?;
    result
}

/// Copies the console into the log until the verdict.
fn follow(console: impl std::io::Read + Send + 'static, log: &Path) -> Result<i32> {
    let (sender, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(console).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                return;
            }
        }
    });
    let mut log = std::fs::File::create(log)?;
    writeln!(log, "{}", header()?)?;
    let deadline = Instant::now() + PATIENCE;
    while let Ok(line) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        if let Some(code) = line.trim().strip_prefix(VERDICT) {
            writeln!(log, "exit code {code}")?;
            return code.trim().parse().context("the guest's verdict is no number");
        }
        println!("guest | {line}");
        writeln!(log, "{line}")?;
    }
    bail!("the guest did not finish its tests within {} minutes", PATIENCE.as_secs() / 60);
}

/// Date and commit, so that a reader can tell whether the log is of the code.
fn header() -> Result<String> {
    let text = |command: &mut Command| -> Result<String> {
        Ok(String::from_utf8_lossy(&output(command)?).trim().to_owned())
    };
    let date = text(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]))?;
    let commit = text(Command::new("git").args(["describe", "--always", "--dirty"]))?;
    Ok(format!("# cargo xtask vm-test, {date}, commit {commit}\n"))
}
