//! A line of the event log in Docker's words.

use docker_model::{EventActor, EventMessage};
use engine::Event;

/// `GET /events` has one of these per event.
pub(crate) fn event(event: &Event) -> EventMessage {
    let mut message = EventMessage {
        kind: event.kind.clone(),
        action: event.action.clone(),
        actor: EventActor { id: event.id.clone(), attributes: event.attributes.clone() },
        scope: "local".to_owned(),
        time: event.time_ns.div_euclid(1_000_000_000),
        time_nano: event.time_ns,
        ..EventMessage::default()
    };
    // What clients of old looked at.
    if matches!(event.kind.as_str(), "container" | "image") {
        message.status.clone_from(&event.action);
        message.id.clone_from(&event.id);
    }
    if event.kind == "container" {
        message.from = event.attributes.get("image").cloned().unwrap_or_default();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_fields_are_for_containers_and_images() {
        let happened =
            |kind| Event { time_ns: 1_500_000_000, ..Event::now(kind, "start", "x").with("image", "i") };
        let container = event(&happened("container"));
        assert_eq!(
            (container.status.as_str(), container.id.as_str(), container.from.as_str()),
            ("start", "x", "i")
        );
        assert_eq!((container.time, container.time_nano), (1, 1_500_000_000));
        let volume = event(&happened("volume"));
        assert_eq!((volume.status.as_str(), volume.id.as_str(), volume.from.as_str()), ("", "", ""));
    }
}
