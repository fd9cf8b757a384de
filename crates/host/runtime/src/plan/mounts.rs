//! The part of a plan that fills the root: mounts, device nodes, links.

use super::step::IdMap;
use super::{
    BindSource, DeviceKind, DeviceStep, MountSource, MountStep, Plan, Step, check_mappings, invalid,
};
use crate::error::LaunchError;
use crate::mappings::Mappings;
use crate::options::{MountOptions, Recursion};
use kernel::seqpacket::FDS_MAX;
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
pub(super) fn add(plan: &mut Plan, spec: &Spec, linux: &Linux, selinux: bool) -> Result<(), LaunchError> {
    let label = if selinux { linux.mount_label.as_str() } else { "" };
    let mut readonly_dev = false;
    let mut host_dev = false;
    for mount in &spec.mounts {
        let mut step = step(plan, mount, label)?;
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
    plan.steps = with_fetches(&plan.steps);
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

/// Puts before each run of bind mounts the step that gets their sources. The parent clones them only then, so that
/// the kernel's list of mounts has the order of the specification: readers take the last of several at one place for
/// the one that is seen.
fn with_fetches(steps: &[Step]) -> Vec<Step> {
    let is_bind = |step: &Step| matches!(step, Step::Mount(MountStep { source: MountSource::Bind(_), .. }));
    let mut all = Vec::with_capacity(steps.len() + 2);
    let (mut first, mut covered) = (0, 0);
    for (index, step) in steps.iter().enumerate() {
        if is_bind(step) && covered == 0 {
            let run = steps[index..].iter().take(FDS_MAX).take_while(|step| is_bind(step));
            covered = run.count();
            all.push(Step::FetchBinds { first, count: covered });
            first += covered;
        }
        covered -= usize::from(is_bind(step));
        all.push(step.clone());
    }
    all
}

fn is_dev(path: &Path) -> bool {
    path.components().eq(Path::new("/dev").components())
}

fn step(plan: &mut Plan, mount: &Mount, label: &str) -> Result<MountStep, LaunchError> {
    let destination = mount.destination.clone();
    if !destination.is_absolute() {
        return Err(invalid("mounts.destination", destination.to_string_lossy(), "must be absolute"));
    }
    let mut options = MountOptions::parse(&mount.options);
    let idmap = idmap(plan, mount, options.idmap)?;
    let bind = options.bind.or((mount.kind == "bind").then_some(Recursion::One));
    let source = if let Some(recursion) = bind {
        let path = mount.source.clone().filter(|path| path.is_absolute());
        let path = path.ok_or_else(|| invalid("mounts.source", mount_source(mount), "must be absolute"))?;
        plan.binds.push(BindSource { path, recursion, idmap });
        MountSource::Bind(plan.binds.len() - 1)
    } else if idmap.is_some() {
        return Err(invalid("mounts.options", "idmap", "is for bind mounts only"));
    } else if mount.kind == "cgroup" {
        MountSource::Cgroup
    } else if mount.kind.is_empty() {
        return Err(invalid("mounts.type", destination.to_string_lossy(), "has no type"));
    } else {
        if options.copy_up && mount.kind != "tmpfs" {
            return Err(invalid("mounts.options", "tmpcopyup", "is for tmpfs only"));
        }
        if !label.is_empty() && LABELLED.contains(&mount.kind.as_str()) {
            options.data.push(("context".to_owned(), Some(label.to_owned())));
        }
        let source = mount.source.as_deref().map_or(mount.kind.as_str().into(), Path::to_string_lossy);
        MountSource::FileSystem { kind: mount.kind.clone(), source: source.into_owned() }
    };
    Ok(MountStep { destination, source, options })
}

/// The mapping of an idmapped mount (config.md, "Mounts", `idmap` and `uidMappings`): its own, else the container's.
fn idmap(
    plan: &Plan,
    mount: &Mount,
    asked: Option<Recursion>,
) -> Result<Option<(IdMap, Recursion)>, LaunchError> {
    let (uids, gids) = (&mount.uid_mappings, &mount.gid_mappings);
    let own = match (uids.is_empty(), gids.is_empty()) {
        (true, true) => None,
        (false, false) => {
            check_mappings("mounts.uidMappings", uids)?;
            check_mappings("mounts.gidMappings", gids)?;
            Some(IdMap::Listed(Mappings { uids: uids.clone(), gids: gids.clone() }))
        }
        _ => {
            let at = mount.destination.to_string_lossy();
            return Err(invalid("mounts.uidMappings", at, "needs gidMappings, and they need it"));
        }
    };
    let Some(recursion) = asked.or(own.as_ref().map(|_| Recursion::One)) else { return Ok(None) };
    let map = match (own, &plan.mappings) {
        (Some(own), _) => own,
        (None, Some(container)) => IdMap::Listed(container.clone()),
        (None, None) if plan.joins_user() => IdMap::Joined,
        (None, None) => {
            let at = mount.destination.to_string_lossy();
            return Err(invalid(
                "mounts.options",
                at,
                "has idmap but no mappings, and there is no user namespace",
            ));
        }
    };
    Ok(Some((map, recursion)))
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
