//! The guest's kernel and what it needs to reach its disk.

use crate::workspace::output;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Modules that the initramfs loads, before their dependencies are added.
const BOOT_MODULES: [&str; 2] = ["virtio_pci", "virtio_blk"];

/// A kernel package, unpacked.
pub(super) struct Kernel {
    /// The bootable image.
    pub(super) image: PathBuf,
    /// `lib/modules/RELEASE`.
    pub(super) modules: PathBuf,
}

/// Downloads and unpacks Debian's cloud kernel, unless that is done.
pub(super) fn fetch(place: &Path) -> Result<Kernel> {
    let tree = place.join("kernel");
    if !tree.join("done").exists() {
        let _ = fs::remove_dir_all(&tree);
        fs::create_dir_all(&tree)?;
        let depends = output(Command::new("apt-cache").args(["depends", "linux-image-cloud-amd64"]))?;
        let text = String::from_utf8_lossy(&depends);
        let package = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("Depends: "))
            .context("apt does not know linux-image-cloud-amd64: run apt-get update")?;
        output(Command::new("apt-get").args(["download", package]).current_dir(&tree))?;
        let archive = only_entry(&tree)?;
        output(Command::new("dpkg").arg("-x").arg(&archive).arg(&tree))?;
        let release = only_entry(&tree.join("lib/modules"))?;
        let release = release.file_name().context("a kernel without a release")?.to_owned();
        output(Command::new("depmod").arg("-b").arg(&tree).arg(release))?;
        fs::write(tree.join("done"), "")?;
    }
    let modules = only_entry(&tree.join("lib/modules"))?;
    let image = fs::read_dir(tree.join("boot"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz")));
    Ok(Kernel { image: image.context("the kernel package has no vmlinuz")?, modules })
}

fn only_entry(directory: &Path) -> Result<PathBuf> {
    let mut entries = fs::read_dir(directory)?;
    match (entries.next().transpose()?, entries.next()) {
        (Some(entry), None) => Ok(entry.path()),
        _ => bail!("{} should have exactly one entry", directory.display()),
    }
}

/// An initramfs of busybox and the modules for a virtio disk.
pub(super) fn initramfs(place: &Path, kernel: &Kernel) -> Result<PathBuf> {
    let tree = place.join("initramfs");
    let _ = fs::remove_dir_all(&tree);
    for directory in ["bin", "dev", "proc", "sys", "root", "modules"] {
        fs::create_dir_all(tree.join(directory))?;
    }
    fs::copy("/bin/busybox", tree.join("bin/busybox")).context("install the package busybox-static")?;
    let dependencies = fs::read_to_string(kernel.modules.join("modules.dep"))?;
    let mut script = String::from(
        "#!/bin/busybox sh\nb=/bin/busybox\n$b mount -t devtmpfs dev /dev\n$b mount -t proc proc /proc\n",
    );
    for (number, module) in in_order(&dependencies)?.iter().enumerate() {
        let name = format!("{number:02}.ko");
        fs::copy(kernel.modules.join(module), tree.join("modules").join(&name))?;
        script.push_str(&format!("$b insmod /modules/{name}\n"));
    }
    script.push_str(
        "while ! [ -b /dev/vda ]; do $b sleep 0.1; done\n$b mount -t ext4 /dev/vda /root\n\
         $b mount --move /dev /root/dev\n$b umount /proc\nexec $b switch_root /root /sbin/init\n",
    );
    fs::write(tree.join("init"), script)?;
    let archive = place.join("initramfs.cpio");
    let pack =
        format!("chmod 755 init bin/busybox && find . | cpio --quiet -o -H newc > '{}'", archive.display());
    output(Command::new("sh").args(["-c", &pack]).current_dir(&tree))?;
    Ok(archive)
}

/// The boot modules and all that they depend on, dependencies first (`modules.dep`, depmod(8)).
fn in_order(dependencies: &str) -> Result<Vec<String>> {
    let line_of = |module: &str| {
        dependencies.lines().filter_map(|line| line.split_once(':')).find(|(path, _)| {
            Path::new(path).file_stem().is_some_and(|stem| stem.to_string_lossy().replace('-', "_") == module)
        })
    };
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    for module in BOOT_MODULES {
        let (path, needs) = line_of(module).with_context(|| format!("the kernel has no module {module}"))?;
        // Each line lists everything that is needed, last first.
        let needed = needs.split_ascii_whitespace().rev().chain([path]);
        order.extend(needed.filter(|path| seen.insert((*path).to_owned())).map(str::to_owned));
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_come_first_and_once() {
        let dependencies = "k/virtio.ko:\nk/ring.ko: k/virtio.ko\nk/virtio_pci.ko: k/ring.ko k/virtio.ko\n\
                            k/virtio_blk.ko: k/ring.ko k/virtio.ko\n";
        assert_eq!(
            in_order(dependencies).unwrap(),
            ["k/virtio.ko", "k/ring.ko", "k/virtio_pci.ko", "k/virtio_blk.ko"]
        );
    }
}
