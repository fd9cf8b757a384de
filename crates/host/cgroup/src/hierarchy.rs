//! Which hierarchies this machine has, and what each controls.
//!
//! Detected once per program run by reading `/proc/self/cgroup` and, unless it says that all is v2, as much of
//! `/proc/self/mountinfo` as it takes to find every hierarchy named there; no directory is scanned. The result is
//! plain data, so it can be sent to another process of the same mount namespace.

use crate::directory::read_all;
use crate::parse::{CgroupMount, cgroup_mount, memberships};
use crate::{CgroupError, Controller, ControllerSet};
use rustix::fs::{CWD, Mode as FileMode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where cgroup2 is mounted on a pure v2 machine, by systemd's rule that everybody follows.
const UNIFIED: &str = "/sys/fs/cgroup";
/// `CGROUP2_SUPER_MAGIC` of linux/magic.h.
const CGROUP2_MAGIC: u64 = 0x6367_7270;
/// Larger than any mountinfo line that the kernel writes (three paths of at most a page, escaped fourfold).
const LINE_MAX: usize = 64 * 1024;

/// How controllers are spread over the two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// No cgroup2 mount.
    V1,
    /// v1 controllers, and a cgroup2 mount beside them.
    Hybrid,
    /// cgroup2 alone.
    V2,
}

/// One of the two interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// One tree per controller.
    V1,
    /// One tree.
    V2,
}

/// A mounted tree of groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hierarchy {
    /// Its interface.
    pub version: Version,
    /// Where it is mounted.
    pub mount_point: PathBuf,
    /// v1: the controllers bound to it; v2: those that its top directory offers.
    pub controllers: ControllerSet,
    /// Whether the process that detected it is in a group of it, so that its children would inherit that group.
    pub caller_is_below_top: bool,
}

/// Every usable hierarchy of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hierarchies {
    pub(crate) all: Vec<Hierarchy>,
}

impl Hierarchies {
    /// Finds what is mounted in this mount namespace; some 50 microseconds.
    ///
    /// # Errors
    /// [`CgroupError::Detect`] when /proc cannot be read, [`CgroupError::NotMounted`] when there is nothing.
    pub fn detect() -> Result<Self, CgroupError> {
        const MEMBERSHIP: &str = "/proc/self/cgroup";
        let text = rustix::fs::open(MEMBERSHIP, OFlags::RDONLY | OFlags::CLOEXEC, FileMode::empty())
            .and_then(|file| read_all(&file))
            .map_err(|source| CgroupError::Detect { file: MEMBERSHIP, source })?;
        let wanted = Wanted::from_memberships(&String::from_utf8_lossy(&text));
        let all = if wanted.v1.is_empty() && is_cgroup2(Path::new(UNIFIED)) {
            vec![Hierarchy {
                version: Version::V2,
                mount_point: UNIFIED.into(),
                controllers: offered_controllers(Path::new(UNIFIED)),
                caller_is_below_top: wanted.v2_below_top,
            }]
        } else {
            find_mounts(wanted)?
        };
        if all.is_empty() { Err(CgroupError::NotMounted) } else { Ok(Self { all }) }
    }

    /// Leaves out the hierarchies of the other version: a hybrid machine then behaves as one of pure v1, or as one of
    /// v2 with the controllers that v1 does not hold.
    #[must_use]
    pub fn only(mut self, version: Version) -> Self {
        self.all.retain(|hierarchy| hierarchy.version == version);
        self
    }

    /// How controllers are spread.
    #[must_use]
    pub fn mode(&self) -> Mode {
        let v2 = self.unified().is_some();
        let v1 = self.all.iter().any(|hierarchy| hierarchy.version == Version::V1);
        match (v1, v2) {
            (true, true) => Mode::Hybrid,
            (false, true) => Mode::V2,
            _ => Mode::V1,
        }
    }

    /// Whether limits of this controller can be set here. Devices and pausing need no controller in v2 and are
    /// reported as present where cgroup2 is mounted.
    #[must_use]
    pub fn has(&self, controller: Controller) -> bool {
        let built_into_v2 =
            matches!(controller, Controller::Devices | Controller::Freezer | Controller::Cpuacct);
        (built_into_v2 && self.unified().is_some())
            || self.all.iter().any(|hierarchy| hierarchy.controllers.contains(controller))
    }

    /// The cgroup2 mount.
    #[must_use]
    pub fn unified(&self) -> Option<&Hierarchy> {
        self.all.iter().find(|hierarchy| hierarchy.version == Version::V2)
    }

    /// The v1 mount of a controller.
    #[must_use]
    pub fn v1(&self, controller: Controller) -> Option<&Hierarchy> {
        self.all
            .iter()
            .find(|hierarchy| hierarchy.version == Version::V1 && hierarchy.controllers.contains(controller))
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Hierarchy] {
        &self.all
    }
}

/// What `/proc/self/cgroup` says to look for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Wanted {
    v1: ControllerSet,
    v2: bool,
    /// v1 controllers in whose hierarchy we are in a group.
    v1_below_top: ControllerSet,
    /// Whether we are in a group of cgroup2.
    v2_below_top: bool,
}

impl Wanted {
    fn from_memberships(text: &str) -> Self {
        let mut wanted = Self::default();
        for line in memberships(text) {
            let below_top = line.path != "/";
            if line.hierarchy == 0 {
                wanted.v2 = true;
                wanted.v2_below_top = below_top;
                continue;
            }
            for controller in line.controllers.split(',').filter_map(Controller::from_name) {
                wanted.v1.insert(controller);
                if below_top {
                    wanted.v1_below_top.insert(controller);
                }
            }
        }
        wanted
    }

    fn is_met(self) -> bool {
        self.v1.is_empty() && !self.v2
    }

    /// The hierarchy that a mount shows, if it is still looked for.
    fn take(&mut self, mount: &CgroupMount<'_>) -> Option<Hierarchy> {
        let mount_point = PathBuf::from(OsStr::from_bytes(&mount.mount_point));
        if mount.is_v2 {
            return std::mem::take(&mut self.v2).then(|| Hierarchy {
                version: Version::V2,
                controllers: offered_controllers(&mount_point),
                mount_point,
                caller_is_below_top: self.v2_below_top,
            });
        }
        let named = mount
            .options
            .split(|byte| *byte == b',')
            .filter_map(|name| std::str::from_utf8(name).ok().and_then(Controller::from_name));
        let mut controllers = ControllerSet::EMPTY;
        named.for_each(|controller| controllers.insert(controller));
        let controllers = controllers.intersection(self.v1);
        self.v1 = self.v1.difference(controllers);
        (!controllers.is_empty()).then(|| Hierarchy {
            version: Version::V1,
            mount_point,
            controllers,
            caller_is_below_top: !controllers.intersection(self.v1_below_top).is_empty(),
        })
    }
}

/// Reads mountinfo until all that is wanted was found. A mount of a whole tree is taken before one of a part of
/// it, which containers without a cgroup namespace have.
fn find_mounts(mut wanted: Wanted) -> Result<Vec<Hierarchy>, CgroupError> {
    const MOUNTS: &str = "/proc/self/mountinfo";
    let failed = |source| CgroupError::Detect { file: MOUNTS, source };
    let file =
        rustix::fs::open(MOUNTS, OFlags::RDONLY | OFlags::CLOEXEC, FileMode::empty()).map_err(failed)?;
    let (mut found, mut parts) = (Vec::new(), Vec::new());
    let mut buffer = vec![0; 4096];
    let mut filled = 0;
    while !wanted.is_met() {
        match rustix::io::read(&file, &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => continue,
            Err(source) => return Err(failed(source)),
        }
        let end = buffer[..filled].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for line in buffer[..end].split(|byte| *byte == b'\n') {
            match cgroup_mount(line) {
                Some(mount) if &*mount.root == b"/" => found.extend(wanted.take(&mount)),
                Some(_) => parts.push(line.to_vec()),
                None => {}
            }
        }
        buffer.copy_within(end..filled, 0);
        filled -= end;
        if filled == buffer.len() {
            if filled >= LINE_MAX {
                return Err(failed(Errno::OVERFLOW));
            }
            buffer.resize(2 * filled, 0);
        }
    }
    found.extend(parts.iter().filter_map(|line| cgroup_mount(line)).filter_map(|mount| wanted.take(&mount)));
    Ok(found)
}

fn is_cgroup2(path: &Path) -> bool {
    // f_type is signed on some architectures; the magic fits in 32 bits.
    rustix::fs::statfs(path)
        .is_ok_and(|found| u64::try_from(found.f_type).is_ok_and(|kind| kind == CGROUP2_MAGIC))
}

/// The controllers in `cgroup.controllers`; none when it cannot be read.
fn offered_controllers(directory: &Path) -> ControllerSet {
    let file = directory.join("cgroup.controllers");
    let text = rustix::fs::openat(CWD, &file, OFlags::RDONLY | OFlags::CLOEXEC, FileMode::empty())
        .and_then(|file| read_all(&file))
        .unwrap_or_default();
    ControllerSet::from_names(&String::from_utf8_lossy(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_for_what_the_membership_names() {
        let wanted =
            Wanted::from_memberships("9:name=systemd:/\n4:blkio:/\n2:cpu,cpuacct:/x\n1:misc:/\n0::/\n");
        assert_eq!(wanted.v1, ControllerSet::of(&[Controller::Cpu, Controller::Cpuacct, Controller::Io]));
        assert_eq!(wanted.v1_below_top, ControllerSet::of(&[Controller::Cpu, Controller::Cpuacct]));
        assert!(wanted.v2 && !wanted.v2_below_top);
        assert!(!wanted.is_met());
    }

    #[test]
    fn a_mount_is_taken_once() {
        let mut wanted = Wanted::from_memberships("2:cpu,cpuacct:/x\n");
        let line = b"33 31 0:30 / /c rw,relatime - cgroup cgroup rw,cpu,cpuacct";
        let mount = cgroup_mount(line).unwrap();
        let taken = wanted.take(&mount).unwrap();
        assert_eq!(taken.controllers, ControllerSet::of(&[Controller::Cpu, Controller::Cpuacct]));
        assert!(wanted.is_met());
        assert_eq!(wanted.take(&mount), None);
    }

    #[test]
    fn this_machine_has_a_mode_and_it_is_found_quickly() {
        let Ok(found) = Hierarchies::detect() else { return };
        let rounds: u32 = 200;
        let start = std::time::Instant::now();
        for _ in 0..rounds {
            assert_eq!(Hierarchies::detect().unwrap(), found);
        }
        println!("{:?}: {:?} per detection", found.mode(), start.elapsed() / rounds);
        assert!(found.has(Controller::Memory) || found.mode() != Mode::V2);
    }
}
