//! The instance of the engine.

use super::from_engine_event::event;
use super::{Local, failed};
use crate::client::{EventMessages, EventQuery, PruneQuery, Pruned, System};
use crate::failure::Failure;
use docker_model::ImageDeleteItem;
use engine::image::{ImageInfo, Removed};
use engine::model::ContainerView;
use engine::networks::NetworkView;
use engine::system::PruneOptions;

impl System for Local {
    fn events(&self, query: EventQuery) -> Result<EventMessages<'_>, Failure> {
        let reader = self.engine.events(query).map_err(failed)?;
        Ok(Box::new(reader.map(|happened| happened.map(|happened| event(&happened)).map_err(failed))))
    }

    fn prune(&self, query: &PruneQuery<'_>) -> Result<Pruned, Failure> {
        let keep = query.keep;
        let options = PruneOptions {
            containers: query.containers,
            networks: query.networks,
            images: query.images,
            volumes: query.volumes.then_some(false),
            keep_container: &|view: &ContainerView| keep.keeps(Some(&view.created), &view.effective.labels),
            keep_network: &|view: &NetworkView| keep.keeps(Some(&view.created), &view.labels),
            keep_image: &|info: &ImageInfo| {
                let document = &info.image.config;
                keep.keeps(document.created.as_deref(), &document.config.labels)
            },
        };
        let report = self.engine.prune(&options).map_err(failed)?;
        Ok(Pruned {
            containers: report.containers.iter().map(ToString::to_string).collect(),
            networks: report.networks.iter().map(ToString::to_string).collect(),
            volumes: report.volumes.iter().map(ToString::to_string).collect(),
            images: report.images.iter().map(removed).collect(),
            bytes: report.bytes,
        })
    }
}

fn removed(one: &Removed) -> ImageDeleteItem {
    match one {
        Removed::Untagged(name) => {
            ImageDeleteItem { untagged: name.familiar(), ..ImageDeleteItem::default() }
        }
        Removed::Deleted(id) => ImageDeleteItem { deleted: id.to_string(), ..ImageDeleteItem::default() },
    }
}
