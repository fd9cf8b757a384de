//! The engine's volumes in Docker's words.

use docker_model::Volume;
use engine::volumes::VolumeView;

/// `GET /volumes/{name}`.
pub(crate) fn volume(view: &VolumeView) -> Volume {
    Volume {
        created_at: view.created.clone(),
        driver: "local".to_owned(),
        labels: (!view.labels.is_empty()).then(|| view.labels.clone()),
        mountpoint: view.path.display().to_string(),
        name: view.name.to_string(),
        options: None,
        scope: "local".to_owned(),
        usage_data: None,
    }
}
