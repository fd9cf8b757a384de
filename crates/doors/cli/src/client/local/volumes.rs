//! Volumes of the engine.

use super::from_engine_volume::volume;
use super::{Local, failed};
use crate::client::Volumes;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::parse::boolean;
use docker_model::{StringMap, Volume, VolumeUsage, VolumesPruneReport};
use engine::volumes::{VolumeView, VolumesError};
use ids::VolumeName;

impl Volumes for Local {
    fn list_volumes(&self, filters: &Filters) -> Result<Vec<Volume>, Failure> {
        let views = self.engine.list_volumes().map_err(failed)?;
        let usage = |view: &VolumeView| VolumeUsage {
            ref_count: i64::try_from(view.users).unwrap_or(i64::MAX),
            size: -1,
        };
        let shown = views.iter().filter(|view| holds(view, filters));
        Ok(shown.map(|view| Volume { usage_data: Some(usage(view)), ..volume(view) }).collect())
    }

    fn inspect_volume(&self, name: &VolumeName) -> Result<Volume, Failure> {
        self.engine.inspect_volume(name).map(|view| volume(&view)).map_err(not_done)
    }

    fn create_volume(&self, name: Option<VolumeName>, labels: StringMap) -> Result<Volume, Failure> {
        self.engine.create_volume(name, labels).map(|view| volume(&view)).map_err(failed)
    }

    fn remove_volume(&self, name: &VolumeName) -> Result<(), Failure> {
        self.engine.remove_volume(name).map_err(not_done)
    }

    fn prune_volumes(&self, all: bool, filters: &Filters) -> Result<VolumesPruneReport, Failure> {
        let sizes = self.engine.disk_usage().map_err(failed)?.volumes;
        let wanted = |view: &VolumeView| {
            view.users == 0
                && (all || view.anonymous)
                && filters.labels(&view.labels)
                && !filters.excludes(&view.labels)
        };
        let (mut removed, mut space_reclaimed) = (Vec::new(), 0);
        for view in self.engine.list_volumes().map_err(failed)?.into_iter().filter(wanted) {
            match self.engine.remove_volume(&view.name) {
                Ok(()) => {
                    let size = sizes.iter().find(|usage| usage.name == view.name);
                    space_reclaimed += size.map_or(0, |usage| usage.bytes);
                    removed.push(view.name.to_string());
                }
                // Somebody was quicker, or has just begun to use it.
                Err(VolumesError::NotFound { .. } | VolumesError::InUse { .. }) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(VolumesPruneReport { volumes_deleted: Some(removed), space_reclaimed })
    }
}

fn holds(view: &VolumeView, filters: &Filters) -> bool {
    filters.any("driver", |driver| driver == "local")
        && filters.any("name", |name| view.name.as_str().contains(name))
        && filters.any("dangling", |value| boolean(value).unwrap_or(false) == (view.users == 0))
        && filters.labels(&view.labels)
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn not_done(error: VolumesError) -> Failure {
    Failure { missing: matches!(error, VolumesError::NotFound { .. }), ..Failure::of(&error) }
}
