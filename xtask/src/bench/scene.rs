//! Where everything happens: a directory of its own and, for the whole program, network and mount namespaces of their own
//! (`docker` leaves rules behind, `podman` wants the hugetlb controller on cgroup v1), with a /sys that shows this network
//! (docker waits for what it cannot see there) and control groups in which nobody leaves directories for the machine.

use crate::workspace::{Workspace, output};
use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The place of a run.
pub(super) struct Scene {
    pub(super) root: PathBuf,
    pub(super) dist: PathBuf,
    /// A root file system with busybox.
    pub(super) archive: PathBuf,
    /// What `scripts/peers` unpacked.
    peers: Option<PathBuf>,
}

/// Says to the program itself that it is inside its namespaces already.
const INSIDE: &str = "SAMPAN_BENCH_INSIDE";

/// Where the programs of a package are.
const PROGRAM_DIRECTORIES: [&str; 2] = ["usr/bin", "usr/sbin"];

/// Mounts /sys anew, with the hierarchies of control groups where they were; of version 1 each by itself, so that other
/// directories beside them are this namespace's alone. The argument is an empty directory.
const MOUNT_SYS: &str = r#"set -e
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount --bind /sys/fs/cgroup "$1"
else
    mount -t tmpfs cgroups "$1"
    for one in /sys/fs/cgroup/*; do
        mountpoint -q "$one" || continue
        mkdir "$1/${one##*/}"
        mount --bind "$one" "$1/${one##*/}"
    done
fi
mount -t sysfs sysfs /sys
mount --move "$1" /sys/fs/cgroup
"#;

impl Scene {
    /// Enters namespaces (by running the program anew) and makes the image.
    pub(super) fn prepare(workspace: &Workspace, peers: Option<&Path>) -> Result<Self> {
        let peers = peers.map(|path| check_peers(&workspace.root.join(path))).transpose()?;
        if env::var_os(INSIDE).is_none() {
            enter_namespaces()?;
        }
        let root = PathBuf::from("/tmp/sampan-bench");
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("cgroups"))?;
        output(Command::new("sh").args(["-c", MOUNT_SYS, "sh"]).arg(root.join("cgroups")))?;
        output(Command::new("ip").args(["link", "set", "lo", "up"]))?;
        let tree = root.join("rootfs");
        fs::create_dir_all(tree.join("bin"))?;
        fs::copy("/bin/busybox", tree.join("bin/busybox")).context("install the package busybox-static")?;
        for applet in ["true", "sleep", "sh"] {
            symlink("busybox", tree.join("bin").join(applet))?;
        }
        let archive = root.join("busybox.tar");
        output(Command::new("tar").arg("-C").arg(&tree).arg("-cf").arg(&archive).arg("."))?;
        Ok(Self { root, dist: workspace.target.join("dist"), archive, peers })
    }

    /// A program of a peer: the unpacked one, else the installed one.
    pub(super) fn peer(&self, name: &str) -> Option<PathBuf> {
        let unpacked = PROGRAM_DIRECTORIES.map(|directory| self.peer_file(&format!("{directory}/{name}")));
        let installed = ["/usr/bin", "/usr/sbin"].map(|directory| Path::new(directory).join(name));
        let mut all = unpacked.into_iter().flatten().chain(installed);
        all.find(|path| path.is_file())
    }

    /// Another file of the unpacked peers.
    pub(super) fn peer_file(&self, path: &str) -> Option<PathBuf> {
        self.peers.as_ref().map(|peers| peers.join(path)).filter(|path| path.exists())
    }

    /// Where a daemon looks for its helpers.
    pub(super) fn peer_path(&self) -> OsString {
        let unpacked = self.peers.iter().flat_map(|peers| PROGRAM_DIRECTORIES.map(|name| peers.join(name)));
        let path = env::var_os("PATH").unwrap_or_default();
        let all: Vec<PathBuf> = unpacked.chain(env::split_paths(&path)).collect();
        env::join_paths(all).unwrap_or(path)
    }

    /// crun refuses a hybrid machine whose hugetlb controller is on v2.
    pub(super) fn mount_hugetlb(&self) -> Result<()> {
        let hugetlb = "/sys/fs/cgroup/hugetlb";
        if Path::new("/sys/fs/cgroup/memory").exists() && !Path::new(hugetlb).exists() {
            fs::create_dir_all(hugetlb)?;
            output(Command::new("mount").args(["-t", "cgroup", "-o", "hugetlb", "cgroup", hugetlb]))?;
        }
        Ok(())
    }
}

fn check_peers(path: &Path) -> Result<PathBuf> {
    if !path.join("versions").exists() {
        bail!("{} holds no peers: scripts/peers unpacks them", path.display());
    }
    Ok(path.to_owned())
}

/// Replaces the program by itself in new network and mount namespaces.
fn enter_namespaces() -> Result<()> {
    let program = env::current_exe()?;
    let error = Command::new("unshare")
        .args(["--net", "--mount", "--"])
        .arg(program)
        .args(env::args_os().skip(1))
        .env(INSIDE, "1")
        .exec();
    bail!("cannot run unshare: {error}");
}
