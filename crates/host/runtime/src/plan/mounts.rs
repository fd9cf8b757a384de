//! The part of a plan that fills the root: mounts, device nodes, links.

use super::{BindSource, DeviceKind, DeviceStep, MountSource, MountStep, Plan, Step, invalid};
use crate::error::LaunchError;
use crate::options::{MountOptions, Recursion};
use rustix::mount::MountAttrFlags;
use spec::runtime::{Device, Linux, Mount, Spec};
use std::path::{Path, PathBuf};

/// config-linux.md, "Default Devices": path and device number. `console` and `ptmx` are not nodes of their own.
const DEFAULT_DEVICES: [(&str, (u32, u32)); 6] = [
    ("/dev/null", (1, 3)),
    ("/dev/zero", (1, 5)),
    ("/dev/full", (1, 7)),
    ("/dev/random", (1, 8)),
    ("/dev/urandom", (1, 9)),
    ("/dev/tty", (5, 0)),
];

/// runtime-linux.md, "Dev symbolic links", and the two that every runtime makes besides.
const LINKS: [(&str, &str); 6] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/core", "/proc/kcore"),
    ("/dev/ptmx", "pts/ptmx"),
];

/// File systems of the container's own that take a label as a whole; the others label their files themselves.
const LABELLED: [&str; 3] = ["tmpfs", "mqueue", "devpts"];

/// Adds the steps that fill the root.
pub(super) fn add(plan: &mut Plan, spec: &Spec, linux: &Linux) -> Result<(), LaunchError> {
    let mut readonly_dev = false;
    let mut host_dev = false;
    for mount in &spec.mounts {
        let mut step = step(plan, mount, linux)?;
        if is_dev(&mount.destination) {
            host_dev = matches!(step.source, MountSource::Bind(_));
            // Nodes and links go into it first.
            readonly_dev = !host_dev && step.options.own.set.contains(MountAttrFlags::MOUNT_ATTR_RDONLY);
            if readonly_dev {
                step.options.own.set.remove(MountAttrFlags::MOUNT_ATTR_RDONLY);
            }
        }
        plan.steps.push(Step::Mount(step));
    }
    // The host's own /dev already has everything, and is not ours to fill.
    if !host_dev {
        devices(plan, linux)?;
        let links = LINKS.into_iter().map(|(path, target)| Step::Link { path: path.into(), target });
        plan.steps.extend(links);
    }
    if readonly_dev {
        plan.steps.push(Step::Readonly(PathBuf::from("/dev")));
    }
    Ok(())
}

fn is_dev(path: &Path) -> bool {
    path.components().eq(Path::new("/dev").components())
}

fn step(plan: &mut Plan, mount: &Mount, linux: &Linux) -> Result<MountStep, LaunchError> {
    let destination = mount.destination.clone();
    if !destination.is_absolute() {
        return Err(invalid("mounts.destination", destination.to_string_lossy(), "must be absolute"));
    }
    let mut options = MountOptions::parse(&mount.options);
    if options.idmap.is_some() || !mount.uid_mappings.is_empty() {
        return Err(invalid("mounts.options", "idmap", "is not possible yet"));
    }
    let bind = options.bind.or((mount.kind == "bind").then_some(Recursion::One));
    let source = if let Some(recursion) = bind {
        let path = mount.source.clone().filter(|path| path.is_absolute());
        let path = path.ok_or_else(|| invalid("mounts.source", mount_source(mount), "must be absolute"))?;
        plan.binds.push(BindSource { path, recursion });
        MountSource::Bind(plan.binds.len() - 1)
    } else if mount.kind == "cgroup" {
        MountSource::Cgroup
    } else if mount.kind.is_empty() {
        return Err(invalid("mounts.type", destination.to_string_lossy(), "has no type"));
    } else {
        if options.copy_up && mount.kind != "tmpfs" {
            return Err(invalid("mounts.options", "tmpcopyup", "is for tmpfs only"));
        }
        if !linux.mount_label.is_empty() && LABELLED.contains(&mount.kind.as_str()) {
            options.data.push(("context".to_owned(), Some(linux.mount_label.clone())));
        }
        let source = mount.source.as_deref().map_or(mount.kind.as_str().into(), Path::to_string_lossy);
        MountSource::FileSystem { kind: mount.kind.clone(), source: source.into_owned() }
    };
    Ok(MountStep { destination, source, options })
}

fn mount_source(mount: &Mount) -> String {
    mount.source.as_deref().unwrap_or(Path::new("")).to_string_lossy().into_owned()
}

fn devices(plan: &mut Plan, linux: &Linux) -> Result<(), LaunchError> {
    for (path, number) in DEFAULT_DEVICES {
        if !linux.devices.iter().any(|device| device.path == Path::new(path)) {
            let kind = DeviceKind::Character;
            plan.steps.push(Step::Device(DeviceStep {
                path: path.into(),
                kind,
                number,
                mode: 0o666,
                owner: (0, 0),
            }));
        }
    }
    for device in &linux.devices {
        plan.steps.push(Step::Device(node(device)?));
    }
    Ok(())
}

fn node(device: &Device) -> Result<DeviceStep, LaunchError> {
    let path = &device.path;
    if !path.is_absolute() {
        return Err(invalid("linux.devices.path", path.to_string_lossy(), "must be absolute"));
    }
    let kind = match device.kind.as_str() {
        "c" | "u" => DeviceKind::Character,
        "b" => DeviceKind::Block,
        "p" => DeviceKind::Fifo,
        other => return Err(invalid("linux.devices.type", other, "is none of c, b, u, p")),
    };
    let number = |value: i64| {
        u32::try_from(value)
            .map_err(|_| invalid("linux.devices.major", value.to_string(), "is no device number"))
    };
    Ok(DeviceStep {
        path: path.clone(),
        kind,
        number: if kind == DeviceKind::Fifo {
            (0, 0)
        } else {
            (number(device.major)?, number(device.minor)?)
        },
        mode: device.file_mode.unwrap_or(0o666) & 0o7777,
        owner: (device.uid.unwrap_or(0), device.gid.unwrap_or(0)),
    })
}
