//! The engine's own lines in the event log; the monitor writes those of a running container.

use crate::Engine;
use crate::containers::{Container, Created};
use crate::documents;
use monitor::desired::Desired;
use monitor::events::{self, Event};
use monitor::layout::events_directory;
use std::fs::File;
use std::os::fd::AsFd;

impl Engine {
    /// Appends to the event log. Best effort: what happened has happened, whether it could be told or not.
    pub(crate) fn event(&self, event: &Event) {
        let path = events_directory(&self.context().roots.data);
        let directory = File::open(&path).or_else(|error| {
            // The first event of the instance.
            documents::make_directory(&path).map_err(|_| error)?;
            File::open(&path)
        });
        if let Ok(directory) = directory {
            let _ = events::append(directory.as_fd(), event);
        }
    }

    /// Something that the engine did to a container.
    pub(crate) fn event_about(&self, action: &str, container: &Container) {
        self.event(&about(action, container));
    }

    pub(crate) fn event_created(&self, created: &Created, desired: &Desired) {
        let event = Event::now("container", "create", created.id.as_str())
            .with("name", created.name.to_string())
            .with("image", desired.image.clone());
        self.event(&event);
    }
}

/// An event of now about a container, with what Docker says of it.
pub(crate) fn about(action: &str, container: &Container) -> Event {
    Event::now("container", action, container.id.as_str())
        .with("name", container.name.to_string())
        .with("image", container.record.config.image.clone())
}
