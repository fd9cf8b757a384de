//! What is mounted into a container: Docker's defaults, the request's and the image's.

use super::PlanError;
use crate::model::{IpcChoice, MountConfig, MountSource, MountView};
use ids::VolumeName;
use spec::image::ExecutionConfig;
use spec::runtime::Mount;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A mount of the request or the image, checked, its volume or host path still to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedMount {
    /// Absolute path inside, cleaned.
    pub target: String,
    /// Read-only.
    pub read_only: bool,
    /// What is mounted.
    pub source: Source,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A host path.
    Bind {
        /// Absolute.
        path: PathBuf,
        /// Make a directory there when nothing exists.
        create: bool,
        /// `rprivate` and so on.
        propagation: String,
        /// With the mounts below it.
        recursive: bool,
    },
    /// A volume.
    Volume {
        /// Its name; a new anonymous one when absent.
        name: Option<VolumeName>,
        /// The name was made up.
        anonymous: bool,
        /// Copy the image's content into it while it is empty.
        copy: bool,
        /// Options for a volume that is made now.
        options: BTreeMap<String, String>,
        /// Labels for a volume that is made now.
        labels: BTreeMap<String, String>,
        /// Its directory on the host, once it is there.
        path: PathBuf,
    },
    /// Memory; mount options.
    Tmpfs(Vec<String>),
}

impl Source {
    fn kind(&self) -> &'static str {
        match self {
            Self::Bind { .. } => "bind",
            Self::Volume { .. } => "volume",
            Self::Tmpfs(_) => "tmpfs",
        }
    }
}

const PROPAGATIONS: [&str; 6] = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];
const DEFAULT_PROPAGATION: &str = "rprivate";

/// The mounts of the request, checked, ordered so that a parent comes before what is below it.
///
/// # Errors
/// [`PlanError::Mount`], [`PlanError::DuplicateMount`].
pub fn planned(asked: &[MountConfig]) -> Result<Vec<PlannedMount>, PlanError> {
    let mut all = Vec::with_capacity(asked.len());
    let mut seen = BTreeSet::new();
    for mount in asked {
        let planned = plan(mount)?;
        if !seen.insert(planned.target.clone()) {
            return Err(PlanError::DuplicateMount { target: planned.target });
        }
        all.push(planned);
    }
    sort(&mut all);
    Ok(all)
}

/// Adds an anonymous volume for each of the image's volumes that nothing is mounted on yet.
pub fn image_volumes(all: &mut Vec<PlannedMount>, image: &ExecutionConfig) {
    for path in image.volumes.keys() {
        let Some(target) = clean(path).filter(|target| target != "/") else { continue };
        if all.iter().any(|mount| mount.target == target) {
            continue;
        }
        all.push(PlannedMount { target, read_only: false, source: anonymous() });
    }
    sort(all);
}

fn anonymous() -> Source {
    Source::Volume {
        name: None,
        anonymous: true,
        copy: true,
        options: BTreeMap::new(),
        labels: BTreeMap::new(),
        path: PathBuf::new(),
    }
}

fn sort(all: &mut [PlannedMount]) {
    all.sort_by_key(|mount| mount.target.matches('/').count());
}

fn plan(mount: &MountConfig) -> Result<PlannedMount, PlanError> {
    let source = match &mount.source {
        MountSource::Bind { path, create, propagation, non_recursive } => Source::Bind {
            path: bind_source(path)?,
            create: *create,
            propagation: propagation_of(propagation.as_deref())?,
            recursive: !non_recursive,
        },
        MountSource::Volume { name, no_copy, options, labels } => Source::Volume {
            name: name.clone(),
            anonymous: false,
            copy: !no_copy,
            options: options.clone(),
            labels: labels.clone(),
            path: PathBuf::new(),
        },
        MountSource::Tmpfs { size, mode, options } => Source::Tmpfs(tmpfs_options(*size, *mode, options)),
    };
    let kind = source.kind();
    let problem = |problem: String| PlanError::Mount { kind, problem };
    let target = clean(&mount.target).ok_or_else(|| {
        problem(format!("invalid mount path: '{}' mount path must be absolute", mount.target))
    })?;
    if target == "/" {
        return Err(problem("invalid specification: destination can't be '/'".into()));
    }
    Ok(PlannedMount { target, read_only: mount.read_only, source })
}

fn bind_source(path: &str) -> Result<PathBuf, PlanError> {
    let problem = |problem| PlanError::Mount { kind: "bind", problem };
    if path.is_empty() {
        return Err(problem("field Source must not be empty".into()));
    }
    if path.contains('\0') || !path.starts_with('/') {
        return Err(problem(format!("invalid mount path: '{path}' mount path must be absolute")));
    }
    Ok(PathBuf::from(path))
}

fn propagation_of(asked: Option<&str>) -> Result<String, PlanError> {
    match asked.unwrap_or(DEFAULT_PROPAGATION) {
        known if PROPAGATIONS.contains(&known) => Ok(known.to_owned()),
        other => {
            Err(PlanError::Mount { kind: "bind", problem: format!("invalid propagation mode: {other}") })
        }
    }
}

/// An absolute path without `.`, `..` and doubled slashes, lexically.
pub(super) fn clean(path: &str) -> Option<String> {
    if !path.starts_with('/') || path.contains('\0') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    Some(format!("/{}", parts.join("/")))
}

/// Pairs of which the later one counts.
const OPPOSITES: [(&str, &str); 5] =
    [("exec", "noexec"), ("suid", "nosuid"), ("dev", "nodev"), ("rw", "ro"), ("atime", "noatime")];

/// Docker's defaults for a tmpfs, then what was asked, the later of opposites winning.
fn tmpfs_options(size: Option<u64>, mode: Option<u32>, asked: &[String]) -> Vec<String> {
    let mut all: Vec<String> = ["noexec", "nosuid", "nodev"].map(str::to_owned).to_vec();
    all.extend(size.map(|size| format!("size={size}")));
    all.extend(mode.map(|mode| format!("mode={mode:o}")));
    for option in asked.iter().flat_map(|text| text.split(',')).filter(|option| !option.is_empty()) {
        let key = option.split_once('=').map_or(option, |(key, _)| key);
        let opposite = OPPOSITES.iter().find_map(|(yes, no)| match option {
            _ if option == *yes => Some(*no),
            _ if option == *no => Some(*yes),
            _ => None,
        });
        all.retain(|have| {
            have != option
                && Some(have.as_str()) != opposite
                && !(option.contains('=') && have.split_once('=').is_some_and(|(other, _)| other == key))
        });
        all.push(option.to_owned());
    }
    all
}

fn mount(destination: &str, kind: &str, source: &str, options: &[&str]) -> Mount {
    Mount {
        destination: destination.into(),
        kind: kind.into(),
        source: Some(source.into()),
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        ..Mount::default()
    }
}

/// Docker's own mounts.
fn defaults(privileged: bool, shm_size: u64) -> Vec<Mount> {
    let access = if privileged { "rw" } else { "ro" };
    let size = format!("size={shm_size}");
    vec![
        mount("/proc", "proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount(
            "/dev/pts",
            "devpts",
            "devpts",
            &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        mount("/sys", "sysfs", "sysfs", &["nosuid", "noexec", "nodev", access]),
        mount("/sys/fs/cgroup", "cgroup", "cgroup", &["nosuid", "noexec", "nodev", access]),
        mount("/dev/mqueue", "mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
        mount("/dev/shm", "tmpfs", "shm", &["nosuid", "noexec", "nodev", "mode=1777", &size]),
    ]
}

fn bind(destination: &str, source: &Path, options: &[&str]) -> Mount {
    let mut bind = mount(destination, "bind", "", options);
    bind.source = Some(source.to_owned());
    bind
}

/// The document's mounts: defaults, the runtime's files, the planned ones; a planned one replaces another at its place.
pub(super) fn all(
    planned: &[PlannedMount],
    files: &[(&str, &Path)],
    privileged: bool,
    read_only_root: bool,
    shm_size: u64,
) -> Vec<Mount> {
    let taken = |destination: &Path| planned.iter().any(|mount| Path::new(&mount.target) == destination);
    let mut mounts = defaults(privileged, shm_size);
    let access = if read_only_root { "ro" } else { "rw" };
    mounts.extend(
        files.iter().map(|(inside, path)| bind(inside, path, &["bind", DEFAULT_PROPAGATION, access])),
    );
    mounts.retain(|mount| !taken(&mount.destination));
    mounts.extend(planned.iter().map(of_planned));
    mounts
}

/// What of the defaults belongs to the IPC namespace: bound from `shared`, which is on the host, or left out.
pub(super) fn share_ipc(mounts: &mut Vec<Mount>, choice: &IpcChoice, shared: Option<&Path>) {
    let is_shm = |mount: &Mount| mount.kind == "tmpfs" && mount.source.as_deref() == Some(Path::new("shm"));
    if *choice == IpcChoice::None {
        mounts.retain(|mount| !is_shm(mount));
    }
    // Message queues need nothing: they are those of the namespace that mounts them (mq_overview(7)).
    if let Some(shared) = shared {
        for mount in mounts.iter_mut().filter(|mount| is_shm(mount)) {
            let options = ["rbind", "rprivate", "rw", "nosuid", "noexec", "nodev"];
            *mount = bind("/dev/shm", shared, &options);
        }
    }
}

fn of_planned(planned: &PlannedMount) -> Mount {
    match &planned.source {
        Source::Bind { path, propagation, recursive, .. } => {
            let bound = if *recursive { "rbind" } else { "bind" };
            let access = match (planned.read_only, recursive) {
                (false, _) => "rw",
                (true, true) => "rro",
                (true, false) => "ro",
            };
            bind(&planned.target, path, &[bound, propagation, access])
        }
        Source::Volume { path, .. } => {
            let access = if planned.read_only { "ro" } else { "rw" };
            bind(&planned.target, path, &["rbind", DEFAULT_PROPAGATION, access])
        }
        Source::Tmpfs(options) => {
            let mut tmpfs = mount(&planned.target, "tmpfs", "tmpfs", &[]);
            tmpfs.options.clone_from(options);
            if planned.read_only && !options.iter().any(|option| option == "ro") {
                tmpfs.options.push("ro".into());
            }
            tmpfs
        }
    }
}

/// The mounts as `inspect` shows them.
#[must_use]
pub fn views(planned: &[PlannedMount]) -> Vec<MountView> {
    planned
        .iter()
        .map(|mount| {
            let (name, source, propagation) = match &mount.source {
                Source::Bind { path, propagation, .. } => (None, path.clone(), propagation.clone()),
                Source::Volume { name, path, .. } => {
                    (name.as_ref().map(ToString::to_string), path.clone(), String::new())
                }
                Source::Tmpfs(_) => (None, PathBuf::new(), String::new()),
            };
            MountView {
                kind: mount.source.kind().to_owned(),
                name,
                source: source.display().to_string(),
                target: mount.target.clone(),
                mode: if mount.read_only { "ro".into() } else { String::new() },
                writable: !mount.read_only,
                propagation,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use spec::image::Empty;

    fn bind_at(target: &str) -> MountConfig {
        let source =
            MountSource::Bind { path: "/srv".into(), create: true, propagation: None, non_recursive: false };
        MountConfig { target: target.into(), source, read_only: true }
    }

    #[test]
    fn parents_come_first_and_places_are_unique() {
        let all = planned(&[bind_at("/a/b/c"), bind_at("/a/"), bind_at("//a/./b")]).unwrap();
        assert_eq!(
            all.iter().map(|mount| mount.target.as_str()).collect::<Vec<_>>(),
            ["/a", "/a/b", "/a/b/c"]
        );
        let twice = planned(&[bind_at("/a"), bind_at("/x/../a")]).unwrap_err();
        assert_eq!(twice.to_string(), "Duplicate mount point: /a");
        assert!(planned(&[bind_at("/")]).is_err());
        assert!(planned(&[bind_at("a")]).is_err());
    }

    #[test]
    fn volumes_of_the_image_yield() {
        let mut all = planned(&[bind_at("/data")]).unwrap();
        let volumes = [("/data".to_owned(), Empty {}), ("/var/lib/x".to_owned(), Empty {})].into();
        image_volumes(&mut all, &ExecutionConfig { volumes, ..ExecutionConfig::default() });
        assert_eq!(all.len(), 2);
        assert!(matches!(all[1].source, Source::Volume { name: None, copy: true, .. }));
    }

    #[test]
    fn a_planned_mount_replaces_a_default() {
        let planned = planned(&[bind_at("/dev/shm"), bind_at("/etc/hosts")]).unwrap();
        let mounts = all(
            &planned,
            &[("/etc/hosts", Path::new("/h")), ("/etc/hostname", Path::new("/n"))],
            false,
            false,
            1,
        );
        let count = |path: &str| mounts.iter().filter(|mount| mount.destination == Path::new(path)).count();
        assert_eq!(
            (count("/dev/shm"), count("/etc/hosts"), count("/etc/hostname"), mounts.len()),
            (1, 1, 1, 9)
        );
        let shm = mounts.iter().find(|mount| mount.destination == Path::new("/dev/shm")).unwrap();
        assert_eq!(shm.options, ["rbind", "rprivate", "rro"]);
    }

    #[test]
    fn later_tmpfs_options_win() {
        let options = tmpfs_options(Some(5), None, &["exec,size=9".into(), "uid=3".into()]);
        assert_eq!(options, ["nosuid", "nodev", "exec", "size=9", "uid=3"]);
    }
}
