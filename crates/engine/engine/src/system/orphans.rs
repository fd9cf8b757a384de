//! What `system check` looks for, one kind after the other.

use super::check::{CheckError, Findings, ProblemKind};
use crate::Engine;
use crate::containers::observe;
use crate::containers::operation::{Liveness, Operation};
use crate::containers::{self, volumes_of_instance};
use crate::documents::{self, FileError};
use cgroup::{Group, GroupPath, Hierarchies};
use ids::{ContainerId, VolumeName};
use image::Orphan;
use monitor::layout::data;
use state::StateError;
use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long killed processes of an orphaned control group may take to end.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// Names in a directory; none when it does not exist.
pub(super) fn names(path: &Path) -> Result<Vec<String>, FileError> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        done => done.map_err(FileError::of("read", path))?,
    };
    let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    names.collect::<Result<_, _>>().map_err(FileError::of("read", path))
}

pub(super) fn network_error(error: impl std::error::Error + Send + Sync + 'static) -> CheckError {
    CheckError::Network(Box::new(error))
}

impl Engine {
    /// Records: half-made and half-removed ones, lost monitors, ended ones that nobody reaped.
    pub(super) fn check_containers(&self, findings: &mut Findings) -> Result<(), CheckError> {
        for container in self.all_containers()? {
            let directories = self.directories(&container.id);
            if Operation::is_held(&directories) {
                continue;
            }
            let id = container.id.as_str();
            let name = container.name.to_string();
            if !directories.data.join(data::DESIRED).exists() {
                findings.add(ProblemKind::IncompleteContainer, id, name, || {
                    self.finish_removal(&container.id).map(drop)
                });
                continue;
            }
            let observed = observe::observe(&directories);
            let desired = documents::read_desired(&directories)?;
            if desired.is_some_and(|desired| observe::is_behind(&directories, &desired)) {
                findings
                    .add(ProblemKind::Unacknowledged, id, name.clone(), || self.mend_change(&container.id));
            }
            if observed.needs_recovery() || (observed.alive && !observed.owned) {
                let what = if observed.alive {
                    "runs on without log, health checks and restart policy"
                } else {
                    "has ended, and nobody recorded how"
                };
                findings.add(ProblemKind::LostMonitor, id, format!("{name} {what}"), || {
                    self.mend_monitor(&container.id)
                });
            } else if container.is_overdue(&observed) {
                findings.add(ProblemKind::Unreaped, id, name, || self.reap(&container.id));
            }
        }
        Ok(())
    }

    fn mend_change(&self, id: &ContainerId) -> Result<(), CheckError> {
        let held = self.hold(id.as_str())?;
        if let Some(desired) = documents::read_desired(&held.directories)? {
            self.finish_change(&held, &desired).map_err(network_error)?;
        }
        Ok(())
    }

    fn mend_monitor(&self, id: &ContainerId) -> Result<(), CheckError> {
        let held = self.hold(id.as_str())?;
        self.settle(&held.directories).map_err(containers::RemoveError::from)?;
        let auto_remove = held.container.record.config.auto_remove;
        drop(held);
        let ended = !observe::observe(&self.directories(id)).state.has_processes();
        if auto_remove && ended {
            self.reap(id)?;
        }
        Ok(())
    }

    /// Directories of containers that have no record.
    pub(super) fn check_directories(&self, findings: &mut Findings) -> Result<(), CheckError> {
        let roots = &self.context().roots;
        let mut found = BTreeSet::new();
        for root in [&roots.data, &roots.exec] {
            found.extend(names(&root.join("containers"))?);
        }
        let known = self.known_ids()?;
        for name in found {
            let Ok(id) = ContainerId::parse(&name) else {
                findings.add_hopeless(ProblemKind::OrphanDirectory, name, "not the name of a container");
                continue;
            };
            if known.contains(&id) || Operation::is_held(&self.directories(&id)) {
                continue;
            }
            if self.is_whole(&id) {
                let detail =
                    "a whole container whose record is lost; remove the directory if it is not needed";
                findings.add_hopeless(ProblemKind::OrphanDirectory, name, detail);
                continue;
            }
            findings.add(ProblemKind::OrphanDirectory, name, "", || self.discard_unrecorded(&id));
        }
        Ok(())
    }

    /// Whether a directory holds a container that nobody was removing: then the index has lost it, and what is left
    /// is not ours to delete.
    fn is_whole(&self, id: &ContainerId) -> bool {
        let desired = documents::read_desired(&self.directories(id));
        matches!(desired, Ok(Some(desired)) if !desired.auto_remove)
    }

    /// Takes away what is left of a container without a record, once we have its lock and it still has none.
    fn discard_unrecorded(&self, id: &ContainerId) -> Result<(), CheckError> {
        let directories = self.directories(id);
        let _operation = Operation::begin(&directories)?;
        if self.known_ids()?.contains(id) {
            return Ok(());
        }
        let made = containers::Made { id: Some(id.clone()), ..containers::Made::default() };
        Ok(self.discard(&made, &directories)?)
    }

    /// File systems of containers that have no record.
    pub(super) fn check_snapshots(&self, findings: &mut Findings) -> Result<(), CheckError> {
        let keys = self.images()?.snapshots().containers()?;
        let known = self.known_ids()?;
        for key in keys {
            let Ok(id) = ContainerId::parse(key.as_str()) else { continue };
            if !known.contains(&id) && !Operation::is_held(&self.directories(&id)) && !self.is_whole(&id) {
                findings.add(ProblemKind::OrphanSnapshot, key.as_str(), "", || self.discard_unrecorded(&id));
            }
        }
        Ok(())
    }

    /// Control groups, interfaces and published ports that belong to no container with a monitor.
    pub(super) fn check_kernel_objects(&self, findings: &mut Findings) -> Result<(), CheckError> {
        self.check_cgroups(findings)?;
        let has_networks = !self.database()?.read(|reader| reader.networks())?.is_empty();
        // Without a network there was never a link or a port; asking the kernel would need privileges for nothing.
        if has_networks { self.check_links(findings) } else { Ok(()) }
    }

    /// Whether a container's kernel objects are somebody's: a monitor's, those of a command at work, or those of a
    /// container whose lost monitor is a finding of its own.
    pub(super) fn is_owned(&self, id: &ContainerId) -> bool {
        let directories = self.directories(id);
        let observed = observe::observe(&directories);
        observed.owned || observed.alive || observed.needs_recovery() || Operation::is_held(&directories)
    }

    fn check_cgroups(&self, findings: &mut Findings) -> Result<(), CheckError> {
        let hierarchies = Hierarchies::detect()?;
        let parent = GroupPath::parse(&format!("sampan-{}", self.context().instance))?;
        for name in hierarchies.children(&parent)? {
            let Ok(id) = ContainerId::parse(&name) else { continue };
            if self.is_owned(&id) {
                continue;
            }
            let path = parent.join(&name)?;
            findings.add(ProblemKind::OrphanCgroup, path.as_str().to_owned(), "", || {
                self.end_cgroup(&id, &hierarchies, &path)
            });
        }
        Ok(())
    }

    /// Ends and removes a group, once we have its container's lock and it still has no monitor.
    fn end_cgroup(
        &self,
        id: &ContainerId,
        hierarchies: &Hierarchies,
        path: &GroupPath,
    ) -> Result<(), CheckError> {
        let directories = self.directories(id);
        let _operation = Operation::begin(&directories)?;
        if !Liveness::is_held(&directories) {
            let group = Group::open(hierarchies, path)?;
            group.kill()?;
            group.wait_until_empty(KILL_PATIENCE)?;
            group.remove()?;
        }
        if !self.known_ids()?.contains(id) {
            // The lock made it.
            documents::remove_exec(&directories.exec)?;
        }
        Ok(())
    }

    /// Volumes without directories, and directories without volumes.
    pub(super) fn check_volumes(&self, findings: &mut Findings) -> Result<(), CheckError> {
        let store = volumes_of_instance(&self.context().roots.data);
        // The directories first: a volume is recorded before its directory is made.
        let directories: BTreeSet<_> = store.list()?.into_iter().collect();
        let recorded: BTreeSet<_> =
            self.database()?.read(|reader| reader.volumes())?.into_iter().map(|row| row.name).collect();
        for name in directories.difference(&recorded) {
            findings.add(ProblemKind::OrphanVolume, name.as_str(), "", || self.mend_volume(name));
        }
        for name in recorded.difference(&directories) {
            // Its user may be about to make it.
            let busy = |id: &ContainerId| Operation::is_held(&self.directories(id));
            let users = self.database()?.read(|reader| reader.users_of_volume(name.as_str()))?;
            if !users.iter().any(busy) {
                findings.add(ProblemKind::MissingVolume, name.as_str(), "", || store.create(name).map(drop));
            }
        }
        for path in store.leftovers()? {
            let subject = path.display().to_string();
            findings.add(ProblemKind::Leftover, subject, "", || documents::remove_directory(&path));
        }
        Ok(())
    }

    /// A removal that was cut short is finished for a volume that nobody named; a named one is recorded again, since
    /// it may be the record that was lost.
    fn mend_volume(&self, name: &VolumeName) -> Result<(), CheckError> {
        if ContainerId::parse(name.as_str()).is_ok() {
            volumes_of_instance(&self.context().roots.data).remove(name)?;
        } else {
            self.create_volume(Some(name.clone()), std::collections::BTreeMap::new())?;
        }
        Ok(())
    }

    /// The trash, and temporary files of processes that are gone.
    pub(super) fn check_leftovers(&self, findings: &mut Findings) -> Result<(), CheckError> {
        let root = &self.context().roots.data;
        let trash = containers::trash_directory(root);
        for name in names(&trash)? {
            let path = trash.join(name);
            findings.add(ProblemKind::Leftover, path.display().to_string(), "", || {
                documents::remove_directory(&path)
            });
        }
        for path in self.temporary_files()? {
            findings
                .add(ProblemKind::Leftover, path.display().to_string(), "", || documents::remove_file(&path));
        }
        Ok(())
    }

    fn temporary_files(&self) -> Result<Vec<PathBuf>, CheckError> {
        let root = &self.context().roots.data;
        let mut directories = vec![root.clone()];
        directories
            .extend(names(&root.join("libexec"))?.into_iter().map(|name| root.join("libexec").join(name)));
        for id in self.known_ids()? {
            let places = self.directories(&id);
            // Their owners are at work and may be writing just now.
            if !self.is_owned(&id) {
                directories.push(places.data);
            }
        }
        let mut found = Vec::new();
        for directory in directories {
            let temporary = |name: &String| name.ends_with(".tmp");
            found.extend(names(&directory)?.into_iter().filter(temporary).map(|name| directory.join(name)));
        }
        Ok(found)
    }

    /// Blobs and layers.
    pub(super) fn check_images(&self, findings: &mut Findings, deep: bool) -> Result<(), CheckError> {
        let images = self.images()?;
        let report = images.check(deep)?;
        for orphan in report.orphans {
            let (kind, subject) = match orphan {
                Orphan::Blob(blob) => (ProblemKind::OrphanImageData, blob.digest.to_string()),
                Orphan::Layer(key) => (ProblemKind::OrphanImageData, key.as_str().to_owned()),
                Orphan::Leftover(path) => (ProblemKind::Leftover, path.display().to_string()),
            };
            findings.add(kind, subject, "", || images.repair().map(drop));
        }
        for missing in report.missing {
            let detail = format!("{} {}: pull or load the image again", missing.blob, missing.problem);
            findings.add_hopeless(ProblemKind::DamagedImage, missing.image.to_string(), detail);
        }
        Ok(())
    }

    fn known_ids(&self) -> Result<HashSet<ContainerId>, StateError> {
        Ok(self.database()?.read(|reader| reader.container_ids())?.into_iter().collect())
    }
}
