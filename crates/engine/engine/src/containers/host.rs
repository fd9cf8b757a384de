//! What the plan asks about the host: looked up only where a request depends on it.

use crate::documents::FileError;
use crate::model::{ContainerConfig, DeviceConfig, DeviceRate, ResourceConfig};
use crate::plan::{Facts, HostDevice};
use rustix::fs::{FileType, Stat, major, minor};
use spec::runtime::{BlockIo, Resources, ThrottleDevice, WeightDevice};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// `CGROUP2_SUPER_MAGIC` of statfs(2).
const CGROUP2_MAGIC: u64 = 0x6367_7270;
/// The file that memory and swap are limited together with on cgroup v1.
const V1_SWAP_LIMIT: &str = "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes";
/// Devices looked at below one directory at the most.
const DEVICES_MAX: usize = 4096;

/// The facts that the request depends on; the others have harmless values.
pub(super) fn facts(config: &ContainerConfig) -> Facts {
    let unified_cgroup = is_unified();
    let thermal = Path::new("/sys/devices/system/cpu/cpu0/thermal_throttle").exists();
    let asks_for_cpus = config.resources.nano_cpus.is_some() || config.resources.cpuset_cpus.is_some();
    let cpus = if thermal || asks_for_cpus { cpus() } else { 1 };
    let swap_limit = config.resources.memory.is_none() || has_swap_limit(unified_cgroup);
    let thermal_cpus = if thermal { usize::try_from(cpus).unwrap_or(0) } else { 0 };
    Facts { unified_cgroup, cpus, swap_limit, thermal_cpus }
}

pub(crate) fn is_unified() -> bool {
    rustix::fs::statfs("/sys/fs/cgroup")
        .is_ok_and(|found| u64::try_from(found.f_type).is_ok_and(|kind| kind == CGROUP2_MAGIC))
}

/// Whether memory and swap can be limited together.
pub(crate) fn has_swap_limit(unified: bool) -> bool {
    unified || Path::new(V1_SWAP_LIMIT).exists()
}

/// Whether the kernel enforces AppArmor profiles.
pub(super) fn has_apparmor() -> bool {
    fs::read("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.first() == Some(&b'Y'))
}

/// Processors that this process may use.
pub(crate) fn cpus() -> u32 {
    rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count().max(1))
}

/// A device that was asked for is not there.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Nothing there, or not to be looked at. The words are Docker's.
    #[error("error gathering device information while adding custom device {path:?}")]
    Missing {
        /// What was asked.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something else is there.
    #[error("{path:?} is not a device node")]
    NoDevice {
        /// What was asked.
        path: String,
    },
    /// More than anybody has.
    #[error("{path:?} has more than {limit} devices below it")]
    TooMany {
        /// What was asked.
        path: String,
        /// The bound.
        limit: usize,
    },
    /// Not of `r`, `w`, `m`.
    #[error("invalid device mode: {mode}")]
    Mode {
        /// What was asked.
        mode: String,
    },
    /// A directory could not be read.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The devices of the request; all of the host's for a privileged container.
pub(super) fn devices(config: &ContainerConfig) -> Result<Vec<HostDevice>, DeviceError> {
    let mut all = Vec::new();
    if config.privileged {
        walk(Path::new("/dev"), Path::new("/dev"), "rwm", &mut all)?;
    }
    for device in &config.devices {
        asked(device, &mut all)?;
    }
    Ok(all)
}

/// Puts the limits of single block devices into the plan.
pub(super) fn limit_devices(resources: &mut Resources, asked: &ResourceConfig) -> Result<(), DeviceError> {
    let rate = |rate: &DeviceRate| {
        let (major, minor) = block_device(&rate.path)?;
        Ok::<_, DeviceError>(ThrottleDevice { major, minor, rate: rate.value })
    };
    let rates = |list: &[DeviceRate]| list.iter().map(rate).collect::<Result<Vec<_>, _>>();
    let weight = |rate: &DeviceRate| {
        let (major, minor) = block_device(&rate.path)?;
        // The door has checked the range.
        Ok::<_, DeviceError>(WeightDevice {
            major,
            minor,
            weight: u16::try_from(rate.value).ok(),
            leaf_weight: None,
        })
    };
    let own = resources.block_io.take().unwrap_or_default();
    let all = BlockIo {
        weight_device: asked.blkio_weight_devices.iter().map(weight).collect::<Result<_, _>>()?,
        throttle_read_bps_device: rates(&asked.read_bytes_per_second)?,
        throttle_write_bps_device: rates(&asked.write_bytes_per_second)?,
        throttle_read_iops_device: rates(&asked.reads_per_second)?,
        throttle_write_iops_device: rates(&asked.writes_per_second)?,
        ..own
    };
    resources.block_io = (all != BlockIo::default()).then_some(all);
    Ok(())
}

fn block_device(path: &str) -> Result<(i64, i64), DeviceError> {
    let missing =
        |errno: rustix::io::Errno| DeviceError::Missing { path: path.to_owned(), source: errno.into() };
    let stat = rustix::fs::stat(path).map_err(missing)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::BlockDevice => Ok((major(stat.st_rdev).into(), minor(stat.st_rdev).into())),
        _ => Err(DeviceError::NoDevice { path: path.to_owned() }),
    }
}

fn asked(device: &DeviceConfig, all: &mut Vec<HostDevice>) -> Result<(), DeviceError> {
    let access = if device.permissions.is_empty() { "rwm" } else { &device.permissions };
    if access.len() > 3 || !access.bytes().all(|letter| matches!(letter, b'r' | b'w' | b'm')) {
        return Err(DeviceError::Mode { mode: device.permissions.clone() });
    }
    let missing = |source| DeviceError::Missing { path: device.host_path.clone(), source };
    let real = fs::canonicalize(&device.host_path).map_err(missing)?;
    let inside = if device.container_path.is_empty() { &device.host_path } else { &device.container_path };
    let stat = rustix::fs::stat(&real).map_err(|errno| missing(errno.into()))?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return walk(&real, Path::new(inside), access, all);
    }
    let node = node(Path::new(inside), &stat, access);
    all.push(node.ok_or_else(|| DeviceError::NoDevice { path: device.host_path.clone() })?);
    Ok(())
}

fn node(inside: &Path, stat: &Stat, access: &str) -> Option<HostDevice> {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::CharacterDevice => 'c',
        FileType::BlockDevice => 'b',
        _ => return None,
    };
    Some(HostDevice {
        path: inside.to_owned(),
        kind,
        major: major(stat.st_rdev),
        minor: minor(stat.st_rdev),
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        access: access.to_owned(),
    })
}

/// Directories of `/dev` that are mounts of their own in every container (moby, `getDevices`).
const SKIPPED: [&str; 6] = ["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts"];

fn walk(from: &Path, inside: &Path, access: &str, all: &mut Vec<HostDevice>) -> Result<(), DeviceError> {
    let mut pending: Vec<(PathBuf, PathBuf)> = vec![(from.to_owned(), inside.to_owned())];
    while let Some((directory, inside)) = pending.pop() {
        let entries = fs::read_dir(&directory).map_err(FileError::of("read", &directory))?;
        for entry in entries {
            let entry = entry.map_err(FileError::of("read", &directory))?;
            let name = entry.file_name();
            // What vanishes meanwhile is not there.
            let Ok(stat) = rustix::fs::lstat(entry.path()) else { continue };
            let place = inside.join(&name);
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                if !SKIPPED.iter().any(|skipped| *skipped == name) {
                    pending.push((entry.path(), place));
                }
            } else if name != "console" {
                all.extend(node(&place, &stat, access));
            }
            if all.len() > DEVICES_MAX {
                return Err(DeviceError::TooMany { path: from.display().to_string(), limit: DEVICES_MAX });
            }
        }
    }
    Ok(())
}
