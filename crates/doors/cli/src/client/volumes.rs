//! Volumes.

use crate::failure::Failure;
use crate::filters::Filters;
use docker_model::{StringMap, Volume, VolumesPruneReport};
use ids::VolumeName;

/// Volumes.
pub(crate) trait Volumes {
    /// Lists volumes, with the count of their users; `filters` are those of `volume ls`.
    fn list_volumes(&self, filters: &Filters) -> Result<Vec<Volume>, Failure>;

    /// Everything about a volume.
    fn inspect_volume(&self, name: &VolumeName) -> Result<Volume, Failure>;

    /// Makes a volume, under a name of its own if none is given.
    fn create_volume(&self, name: Option<VolumeName>, labels: StringMap) -> Result<Volume, Failure>;

    /// Removes a volume.
    fn remove_volume(&self, name: &VolumeName) -> Result<(), Failure>;

    /// Removes volumes that no container uses: those without a name, or `all`; `filters` are those of `volume prune`.
    fn prune_volumes(&self, all: bool, filters: &Filters) -> Result<VolumesPruneReport, Failure>;
}
