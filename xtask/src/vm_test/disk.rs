//! The guest's disk: a minimal Debian with systemd, our programs, and a service that runs the tests.

use super::VERDICT;
use super::kernel::Kernel;
use crate::workspace::output;
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the guest has besides Debian's minimal base.
const PACKAGES: &str = "systemd,systemd-sysv,dbus,udev,kmod,iproute2,nftables,iptables,procps,busybox-static";

const SERVICE: &str = "\
[Unit]
Description=The tests of sampan
After=multi-user.target dbus.service

[Service]
Type=oneshot
ExecStart=/opt/sampan/run-tests
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
TimeoutStartSec=infinity

[Install]
WantedBy=multi-user.target
";

/// Builds the disk from the shipped programs and test programs (executables of the crate `tests`).
pub(super) fn build(
    place: &Path,
    kernel: &Kernel,
    dist: &Path,
    test_programs: &[PathBuf],
) -> Result<PathBuf> {
    let base = place.join("base.tar");
    if !base.exists() {
        let partial = place.join("base.partial.tar");
        let include = format!("--include={PACKAGES}");
        output(Command::new("mmdebstrap").args(["--variant=minbase", &include, "bookworm"]).arg(&partial))?;
        fs::rename(&partial, &base)?;
    }
    let tree = place.join("tree");
    let _ = fs::remove_dir_all(&tree);
    fs::create_dir_all(&tree)?;
    output(Command::new("tar").arg("-C").arg(&tree).arg("-xf").arg(&base))?;
    let release = kernel.modules.file_name().context("a kernel without a release")?;
    fs::create_dir_all(tree.join("lib/modules"))?;
    output(Command::new("cp").arg("-a").arg(&kernel.modules).arg(tree.join("lib/modules").join(release)))?;
    install(&tree, dist, test_programs)?;
    let disk = place.join("disk.ext4");
    let _ = fs::remove_file(&disk);
    output(Command::new("mke2fs").args(["-q", "-t", "ext4", "-d"]).arg(&tree).arg(&disk).arg("2G"))?;
    fs::remove_dir_all(&tree)?;
    Ok(disk)
}

/// Copies the small test images to where the test programs, which know absolute paths, look for them.
fn install_fixtures(tree: &Path, fixtures: &Path) -> Result<()> {
    let there = tree.join(fixtures.strip_prefix("/").context("the target directory's path is not absolute")?);
    fs::create_dir_all(&there)?;
    for entry in fs::read_dir(fixtures).context("no test images: run cargo run -p tests --bin fixtures")? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().contains("busybox")) {
            output(Command::new("cp").arg("-a").arg(&path).arg(&there))?;
        }
    }
    Ok(())
}

fn install(tree: &Path, dist: &Path, test_programs: &[PathBuf]) -> Result<()> {
    if let Some(target) = dist.parent() {
        install_fixtures(tree, &target.join("fixtures"))?;
    }
    let home = tree.join("opt/sampan");
    fs::create_dir_all(home.join("tests"))?;
    for program in ["sampan", "sampan-runtime", "sampan-init"] {
        fs::copy(dist.join(program), home.join(program))
            .with_context(|| format!("{program} is not built: run cargo xtask dist"))?;
    }
    for program in test_programs {
        let name = program.file_name().context("a test program without a name")?;
        fs::copy(program, home.join("tests").join(name))?;
    }
    let script = home.join("run-tests");
    fs::write(&script, run_tests())?;
    output(Command::new("chmod").arg("755").arg(&script))?;
    let unit = tree.join("etc/systemd/system/sampan-tests.service");
    fs::write(&unit, SERVICE)?;
    let wants = tree.join("etc/systemd/system/multi-user.target.wants");
    fs::create_dir_all(&wants)?;
    symlink("../sampan-tests.service", wants.join("sampan-tests.service"))?;
    // Nobody logs in.
    symlink("/dev/null", tree.join("etc/systemd/system/serial-getty@ttyS0.service"))?;
    fs::write(tree.join("etc/hostname"), "guest\n")?;
    fs::write(tree.join("etc/hosts"), "127.0.0.1 localhost guest\n")?;
    fs::write(tree.join("etc/fstab"), "")?;
    Ok(())
}

/// What the guest has no tools or images for: kills by strace, Debian's servers, registries, the repository's files.
const SKIPPED: &str = "--skip kill_sweep --skip soak --skip compatibility --skip scripts --skip init --skip debian \
                       --skip nginx --skip redis --skip images --skip pull --skip oci_layout";

/// What the guest does: shows where it is, runs the demo container, then every test program.
fn run_tests() -> String {
    format!(
        "#!/bin/sh\n\
         export PATH=/opt/sampan:/usr/sbin:/usr/bin:/sbin:/bin SAMPAN_BIN=/opt/sampan/sampan SAMPAN_GUEST=1\n\
         modprobe -a overlay veth bridge nf_tables 2>/dev/null\n\
         uname -r; stat -f -c 'cgroup file system: %T' /sys/fs/cgroup; systemctl --version | head -1\n\
         code=0\n\
         sampan version && sampan run --rm localhost/sampan-demo || code=1\n\
         for test in /opt/sampan/tests/*; do\n\
         \x20 [ -x \"$test\" ] || continue\n\
         \x20 \"$test\" --test-threads=2 {SKIPPED} || code=1\n\
         done\n\
         sampan system check || code=1\n\
         echo '{VERDICT}'$code\n\
         sync; systemctl --no-block poweroff --force --force\n"
    )
}
