//! Removing what is not needed.

use super::usage::UsageError;
use crate::Engine;
use crate::containers::{LookupError, RemoveError, RemoveOptions, volumes_of_instance};
use crate::model::ContainerView;
use crate::networks::{NetworkError, NetworkView};
use crate::volumes::VolumesError;
use cgroup::{GroupPath, Hierarchies};
use ids::{ContainerId, NetworkName, VolumeName};
use image::{ImageInfo, PruneScope, Removed, StoreError};
use monitor::status::State;
use state::StateError;

/// What is removed. Filters by label or age are the door's: it says what to keep.
#[derive(Clone, Copy)]
pub struct PruneOptions<'a> {
    /// Containers that do not run.
    pub containers: bool,
    /// Whether networks that no container is on are removed.
    pub networks: bool,
    /// Images: none, those without a name, or all that are not used.
    pub images: Option<PruneScope>,
    /// Volumes that nobody uses: none, anonymous ones (`false`), or all (`true`).
    pub volumes: Option<bool>,
    /// Containers to keep.
    pub keep_container: &'a dyn Fn(&ContainerView) -> bool,
    /// Networks to keep.
    pub keep_network: &'a dyn Fn(&NetworkView) -> bool,
    /// Images to keep.
    pub keep_image: &'a dyn Fn(&ImageInfo) -> bool,
}

impl std::fmt::Debug for PruneOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PruneOptions")
            .field("containers", &self.containers)
            .field("networks", &self.networks)
            .field("images", &self.images)
            .field("volumes", &self.volumes)
            .finish_non_exhaustive()
    }
}

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PruneReport {
    /// Containers.
    pub containers: Vec<ContainerId>,
    /// Networks.
    pub networks: Vec<NetworkName>,
    /// Names, images and layers.
    pub images: Vec<Removed>,
    /// Volumes.
    pub volumes: Vec<VolumeName>,
    /// Bytes that were freed.
    pub bytes: u64,
}

/// Why pruning stopped.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// Containers could not be listed.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// A container could not be removed.
    #[error(transparent)]
    Remove(#[from] RemoveError),
    /// Networks.
    #[error(transparent)]
    Networks(#[from] NetworkError),
    /// Images.
    #[error(transparent)]
    Images(#[from] StoreError),
    /// Volumes.
    #[error(transparent)]
    Volumes(#[from] VolumesError),
    /// The instance's control group.
    #[error(transparent)]
    Cgroup(#[from] cgroup::CgroupError),
    /// Something could not be measured.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Engine {
    /// Removes what is not needed: containers, then networks, volumes and images, so that one makes the next free.
    ///
    /// # Errors
    /// See [`PruneError`]; what was removed until then is gone.
    pub fn prune(&self, options: &PruneOptions<'_>) -> Result<PruneReport, PruneError> {
        let mut report = PruneReport::default();
        if options.containers {
            self.prune_containers(options, &mut report)?;
            self.release_control_group()?;
        }
        if options.networks {
            report.networks = self.prune_networks(&|view| !(options.keep_network)(view))?;
        }
        if let Some(all) = options.volumes {
            self.prune_volumes(all, &mut report)?;
        }
        if let Some(scope) = options.images {
            let pruned = self.images()?.prune(scope, &self.image_uses()?, options.keep_image)?;
            report.bytes += pruned.bytes;
            report.images = pruned.removed;
        }
        Ok(report)
    }

    /// Removes the instance's own control group, in which those of containers are, once there are none: nothing else
    /// would, when the data root is thrown away. The next container makes it anew.
    fn release_control_group(&self) -> Result<(), PruneError> {
        let group = GroupPath::parse(&format!("sampan-{}", self.context().instance))?;
        let hierarchies = Hierarchies::detect()?;
        // Where monitors were born, and where they went.
        for monitors in [crate::containers::launch::MONITORS, monitor::layout::MONITORS_GROUP] {
            hierarchies.remove_if_unused(&group.join(monitors)?)?;
        }
        Ok(hierarchies.remove_if_unused(&group)?)
    }

    fn prune_containers(
        &self,
        options: &PruneOptions<'_>,
        report: &mut PruneReport,
    ) -> Result<(), PruneError> {
        for view in self.list(crate::ListFilter { all: true })? {
            let idle = matches!(view.state, State::Created | State::Exited | State::Dead);
            if !idle || (options.keep_container)(&view) {
                continue;
            }
            let bytes = self.writable_size(&view.id)?;
            match self.remove(view.id.as_str(), RemoveOptions::default()) {
                Ok(()) => {
                    report.bytes += bytes;
                    report.containers.push(view.id);
                }
                // Somebody removed or started it meanwhile.
                Err(RemoveError::Lookup(LookupError::NotFound { .. }) | RemoveError::Running { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn prune_volumes(&self, all: bool, report: &mut PruneReport) -> Result<(), PruneError> {
        let store = volumes_of_instance(&self.context().roots.data);
        for volume in self.list_volumes()? {
            if volume.users > 0 || !(all || volume.anonymous) {
                continue;
            }
            let bytes = store.usage(&volume.name).unwrap_or(0);
            if self.remove_unused_volume(&volume.name)? {
                report.bytes += bytes;
                report.volumes.push(volume.name);
            }
        }
        Ok(())
    }
}
