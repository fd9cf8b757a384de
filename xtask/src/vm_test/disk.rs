//! The guest's disk: a minimal Debian with systemd, our programs, and a service that runs the tests.

use super::guest::{self, TestProgram};
use super::kernel::Kernel;
use crate::workspace::output;
use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the disk from the shipped programs and the test programs.
pub(super) fn build(
    place: &Path,
    kernel: &Kernel,
    dist: &Path,
    test_programs: &[(PathBuf, TestProgram)],
) -> Result<PathBuf> {
    let base = place.join(base_name());
    if !base.exists() {
        let partial = place.join("base.partial.tar");
        let include = format!("--include={}", guest::PACKAGES);
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

/// Another list of packages is another base.
fn base_name() -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    guest::PACKAGES.hash(&mut hasher);
    format!("base-{:08x}.tar", hasher.finish() as u32)
}

/// Copies the small test images to where the test programs, which know absolute paths, look for them.
fn install_fixtures(tree: &Path, fixtures: &Path) -> Result<()> {
    let there = tree.join(fixtures.strip_prefix("/").context("the target directory's path is not absolute")?);
    fs::create_dir_all(&there)?;
    for entry in fs::read_dir(fixtures).context("no test images: run cargo run -p tests --bin fixtures")? {
        let path = entry?.path();
        let is_small = |name: &str| name.contains("busybox") || name.contains("small");
        if path.file_name().is_some_and(|name| is_small(&name.to_string_lossy())) {
            output(Command::new("cp").arg("-a").arg(&path).arg(&there))?;
        }
    }
    Ok(())
}

fn install(tree: &Path, dist: &Path, test_programs: &[(PathBuf, TestProgram)]) -> Result<()> {
    if let Some(target) = dist.parent() {
        install_fixtures(tree, &target.join("fixtures"))?;
    }
    let home = tree.join("opt/sampan");
    fs::create_dir_all(home.join("tests"))?;
    for program in ["sampan", "sampan-runtime", "sampan-init"] {
        fs::copy(dist.join(program), home.join(program))
            .with_context(|| format!("{program} is not built: run cargo xtask dist"))?;
    }
    for (built, program) in test_programs {
        fs::copy(built, home.join("tests").join(&program.name))?;
    }
    let script = home.join("run-tests");
    fs::write(&script, guest::script(test_programs.iter().map(|(_, program)| program)))?;
    output(Command::new("chmod").arg("755").arg(&script))?;
    let unit = tree.join("etc/systemd/system/sampan-tests.service");
    fs::write(&unit, guest::SERVICE)?;
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
