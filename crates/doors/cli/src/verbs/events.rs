//! `events`: tells what happens, until it is interrupted.

use crate::args::{Arity, Typed, Verb, list, text};
use crate::client::EventQuery;
use crate::context::Context;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::moment;
use crate::render::render_document;
use clap::Command;
use docker_model::EventMessage;
use serde_json::json;

/// The verb.
pub(crate) static EVENTS: Verb = Verb {
    name: "events",
    spellings: &["sampan system events", "sampan events"],
    usage: "[OPTIONS]",
    about: "Get real time events",
    define,
    refused: &[],
    arity: Arity::None,
    run,
};

const FILTERS: [&str; 8] = ["container", "event", "image", "label", "network", "scope", "type", "volume"];

fn define(command: Command) -> Command {
    command
        .arg(list("filter", 'f', "filter", "Filter output based on conditions provided"))
        .arg(text("format", '\0', "string", "Format output: 'json' or a Go template"))
        .arg(text("since", '\0', "string", "Show all events created since timestamp"))
        .arg(text("until", '\0', "string", "Stream events until this timestamp"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let filters = Filters::parse(&typed.list("filter"), &FILTERS)?;
    let now = jiff::Timestamp::now();
    // In Docker the server looks at it, so that it is no mistake of the command line (125).
    let moment = |flag: &str| {
        typed.parsed(flag, |text| moment::parse(text, now)).map_err(|error| Failure::from(error).with_code(1))
    };
    let query = EventQuery { since: moment("since")?, until: moment("until")? };
    let format = typed.text("format").unwrap_or_default();
    let zone = jiff::tz::TimeZone::system();
    for message in context.client()?.events(query)? {
        let message = message?;
        if holds(&message, &filters) {
            context.print(&line(&message, format, &zone)?)?;
        }
    }
    Ok(0)
}

fn line(message: &EventMessage, format: &str, zone: &jiff::tz::TimeZone) -> Result<String, Failure> {
    match format {
        "" => Ok(plain(message, zone)),
        "json" | "{{json .}}" => {
            serde_json::to_string(message).map(|text| text + "\n").map_err(|error| Failure::of(&error))
        }
        // Templates see the names of Docker's Go struct, which differ from those in JSON.
        template => {
            let document = json!({
                "Status": message.status, "ID": message.id, "From": message.from, "Type": message.kind,
                "Action": message.action, "Scope": message.scope, "Time": message.time,
                "TimeNano": message.time_nano,
                "Actor": { "ID": message.actor.id, "Attributes": message.actor.attributes },
            });
            render_document(template, &document.to_string()).map_err(Failure::from)
        }
    }
}

/// Docker's line: time, kind, action, id, attributes.
fn plain(message: &EventMessage, zone: &jiff::tz::TimeZone) -> String {
    let time = jiff::Timestamp::from_nanosecond(message.time_nano.into()).unwrap_or_default();
    let time =
        time.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S.%9f%:z").to_string().replace("+00:00", "Z");
    let attributes: Vec<String> =
        message.actor.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let attributes =
        if attributes.is_empty() { String::new() } else { format!(" ({})", attributes.join(", ")) };
    format!("{time} {} {} {}{attributes}\n", message.kind, message.action, message.actor.id)
}

/// Whether an event is wanted (moby, `daemon/events/filter.go`).
fn holds(message: &EventMessage, filters: &Filters) -> bool {
    let attribute = |key: &str| message.actor.attributes.get(key).map(String::as_str).unwrap_or_default();
    let object = |kind: &str, wanted: &str| {
        message.kind == kind
            && (message.actor.id.starts_with(wanted) || attribute("name") == wanted.trim_start_matches('/'))
    };
    let image = |wanted: &str| {
        let names = [message.actor.id.as_str(), attribute("image"), attribute("name")];
        names.iter().any(|name| is_image(name, wanted))
    };
    filters
        .any("event", |wanted| message.action == wanted || message.action.split(':').next() == Some(wanted))
        && filters.any("type", |wanted| message.kind == wanted)
        && filters.any("scope", |wanted| message.scope == wanted)
        && filters.any("container", |wanted| object("container", wanted))
        && filters.any("volume", |wanted| object("volume", wanted))
        && filters.any("network", |wanted| object("network", wanted))
        && filters.any("image", image)
        && filters.labels(&message.actor.attributes)
}

/// Whether a name, with or without its tag, is what a person wants.
fn is_image(name: &str, wanted: &str) -> bool {
    let (Ok(name), Ok(wanted_name)) = (ids::Reference::parse(name), ids::Reference::parse(wanted)) else {
        return name == wanted;
    };
    let tag_typed = wanted.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
    name == wanted_name || (!tag_typed && name.name() == wanted_name.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use docker_model::EventActor;

    fn message() -> EventMessage {
        let attributes = [("name", "web"), ("image", "nginx:1.25")];
        let attributes = attributes.map(|(key, value)| (key.to_owned(), value.to_owned()));
        EventMessage {
            kind: "container".into(),
            action: "exec_start: ls".into(),
            actor: EventActor { id: "abcdef".into(), attributes: attributes.into() },
            scope: "local".into(),
            time: 1,
            time_nano: 1_500_000_001,
            ..EventMessage::default()
        }
    }

    #[test]
    fn dockers_line_and_templates() {
        let at = |format| line(&message(), format, &jiff::tz::TimeZone::UTC).unwrap();
        assert_eq!(
            at(""),
            "1970-01-01T00:00:01.500000001Z container exec_start: ls abcdef (image=nginx:1.25, name=web)\n"
        );
        assert_eq!(at("{{.Type}} {{.Actor.Attributes.name}} {{.TimeNano}}"), "container web 1500000001\n");
        assert!(at("json").contains("\"timeNano\":1500000001"));
    }

    #[test]
    fn dockers_filters() {
        for (filter, expected) in [
            ("event=exec_start", true),
            ("event=exec_start: ls", true),
            ("event=exec", false),
            ("type=container", true),
            ("type=image", false),
            ("container=web", true),
            ("container=abc", true),
            ("container=we", false),
            ("volume=abc", false),
            ("image=nginx", true),
            ("image=nginx:1.25", true),
            ("image=nginx:1.26", false),
            ("label=name=web", true),
        ] {
            let filters = Filters::parse(&[filter], &FILTERS).unwrap();
            assert_eq!(holds(&message(), &filters), expected, "{filter}");
        }
    }
}
