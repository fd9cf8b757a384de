//! Mounts of a new container: volumes are claimed and filled, host paths checked or made.

use crate::Engine;
use crate::documents::FileError;
use crate::plan::{PlanError, PlannedMount, Source};
use archive::{CopyOptions, FsError, copy_tree};
use ids::{ContainerId, VolumeName};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use spec::rootfs::Rootfs;
use state::{StateError, VolumeRow, Writer};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use volume::{VolumeError, Volumes};

/// Why a mount could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// The host path is not there. The words are Docker's.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The local driver takes none.
    #[error("volume {name}: driver options are not supported: {options}")]
    Options {
        /// The volume.
        name: VolumeName,
        /// What was asked.
        options: String,
    },
    /// The volume.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// The image's content could not be copied into the volume.
    #[error("cannot copy the image's {target} into volume {name}")]
    Copy {
        /// Where in the image.
        target: String,
        /// The volume.
        name: VolumeName,
        /// Why.
        #[source]
        source: FsError,
    },
    /// The image's content could not be looked at.
    #[error("cannot read the image's {target}")]
    Image {
        /// Where in the image.
        target: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A host path.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The index's document about a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VolumeRecord {
    /// Made for one container, without a name of its own.
    #[serde(default)]
    pub(crate) anonymous: bool,
    /// Metadata.
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
}

/// Where the volumes of an instance are.
pub(crate) fn volumes(data_root: &Path) -> Volumes {
    Volumes::open(data_root.join("volumes"))
}

/// Gives anonymous volumes their names, and all volumes their places.
pub(super) fn name_volumes(mounts: &mut [PlannedMount], data_root: &Path) {
    let volumes = volumes(data_root);
    for mount in mounts {
        if let Source::Volume { name, anonymous, path, .. } = &mut mount.source {
            *anonymous = name.is_none();
            let given = name.get_or_insert_with(random_name);
            *path = volumes.data(given);
        }
    }
}

/// Docker's form: 64 hexadecimal digits.
pub(crate) fn random_name() -> VolumeName {
    VolumeName::parse(ContainerId::random().as_str()).expect("hexadecimal digits are a volume name")
}

/// Refuses what the local driver does not do.
pub(super) fn check(mounts: &[PlannedMount]) -> Result<(), MountError> {
    for mount in mounts {
        if let Source::Volume { name: Some(name), options, .. } = &mount.source
            && !options.is_empty()
        {
            let options = options.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(MountError::Options { name: name.clone(), options });
        }
    }
    Ok(())
}

/// Records the volumes and their use, in the transaction that creates the container; those that are new.
pub(super) fn claim_volumes(
    writer: &Writer<'_>,
    id: &ContainerId,
    mounts: &[PlannedMount],
    created: i64,
) -> Result<Vec<VolumeName>, StateError> {
    let mut new = Vec::new();
    for mount in mounts {
        let Source::Volume { name: Some(name), anonymous, labels, .. } = &mount.source else { continue };
        let record = VolumeRecord { anonymous: *anonymous, labels: labels.clone() };
        // Plain data always serialises.
        let record = serde_json::to_vec(&record).unwrap_or_default();
        if writer.insert_volume(&VolumeRow { name: name.clone(), created, record })? {
            new.push(name.clone());
        }
        writer.use_volume(id, name)?;
    }
    Ok(new)
}

impl Engine {
    /// Makes the sources of all mounts ready.
    pub(super) fn fill_mounts(&self, mounts: &[PlannedMount], rootfs: &Rootfs) -> Result<(), MountError> {
        for mount in mounts {
            match &mount.source {
                Source::Bind { path, create, .. } => ready_host_path(path, *create)?,
                Source::Volume { name: Some(name), copy, .. } => {
                    self.ready_volume(name, *copy, &mount.target, rootfs)?;
                }
                Source::Volume { name: None, .. } | Source::Tmpfs(_) => {}
            }
        }
        Ok(())
    }

    fn ready_volume(
        &self,
        name: &VolumeName,
        copy: bool,
        target: &str,
        rootfs: &Rootfs,
    ) -> Result<(), MountError> {
        let volumes = volumes(&self.context().roots.data);
        volumes.create(name)?;
        if !copy || !volumes.is_empty(name)? {
            return Ok(());
        }
        let failed = |source| MountError::Image { target: target.to_owned(), source };
        let Some(view) = super::root_view::image(rootfs).map_err(failed)? else { return Ok(()) };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let from = match kernel::path::open_in_root(view.as_fd(), Path::new(target), flags, Mode::empty()) {
            Ok(from) => from,
            // The image has nothing there to begin with.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
            Err(errno) => return Err(failed(errno.into())),
        };
        let to = volumes.open_data(name)?;
        let options = CopyOptions { overlay_xattrs: false, sync: true };
        copy_tree(from.as_fd(), to.as_fd(), options).map(drop).map_err(|source| MountError::Copy {
            target: target.to_owned(),
            name: name.clone(),
            source,
        })
    }
}

fn ready_host_path(path: &Path, create: bool) -> Result<(), MountError> {
    match fs::metadata(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && create => {
            fs::create_dir_all(path).map_err(FileError::of("create", path)).map_err(MountError::File)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(MountError::Plan(PlanError::Mount {
            kind: "bind",
            problem: format!("bind source path does not exist: {}", path.display()),
        })),
        Err(error) => Err(FileError::of("look at", path)(error).into()),
    }
}
