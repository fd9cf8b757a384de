//! `ps`: lists containers.

use crate::args::{Arity, Typed, Verb, list, switch, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::local::from_engine_container::summary;
use crate::render::units::human_duration;
use crate::render::width::ellipsis;
use crate::render::{Column, List, Row};
use clap::Command;
use docker_model::{ContainerSummary, PortSummary};
use engine::model::ContainerView;
use engine::{HealthStatus, ListFilter, State};

/// The verb.
pub(crate) static PS: Verb = Verb {
    name: "ps",
    spellings: &["sampan container ls", "sampan container list", "sampan container ps", "sampan ps"],
    usage: "[OPTIONS]",
    about: "List containers",
    define,
    refused: &[],
    arity: Arity::None,
    run,
};

const LIST: List = List {
    columns: &[
        Column { name: "ID", header: "CONTAINER ID" },
        Column { name: "Image", header: "IMAGE" },
        Column { name: "Command", header: "COMMAND" },
        Column { name: "CreatedAt", header: "CREATED AT" },
        Column { name: "RunningFor", header: "CREATED" },
        Column { name: "Ports", header: "PORTS" },
        Column { name: "State", header: "STATE" },
        Column { name: "Status", header: "STATUS" },
        Column { name: "Size", header: "SIZE" },
        Column { name: "Names", header: "NAMES" },
        Column { name: "Labels", header: "LABELS" },
        Column { name: "Mounts", header: "MOUNTS" },
        Column { name: "LocalVolumes", header: "LOCAL VOLUMES" },
        Column { name: "Networks", header: "NETWORKS" },
        Column { name: "Platform", header: "PLATFORM" },
    ],
    default: &["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"],
    quiet: "ID",
};

/// The table with `--size`.
const WITH_SIZE: [&str; 8] = ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names", "Size"];

const FILTERS: [&str; 13] = [
    "ancestor", "before", "exited", "expose", "health", "id", "label", "name", "network", "publish", "since",
    "status", "volume",
];

/// What `--filter status=` takes.
const STATES: [&str; 7] = ["created", "restarting", "running", "removing", "paused", "exited", "dead"];

fn define(command: Command) -> Command {
    command
        .arg(switch("all", 'a', "Show all containers (default shows just running)"))
        .arg(list("filter", 'f', "filter", "Filter output based on conditions provided"))
        .arg(text(
            "format",
            '\0',
            "string",
            "Format output: 'table', 'table TEMPLATE', 'json' or a Go template",
        ))
        .arg(text("last", 'n', "int", "Show n last created containers (includes all states)"))
        .arg(switch("latest", 'l', "Show the latest created container (includes all states)"))
        .arg(switch("no-trunc", '\0', "Don't truncate output"))
        .arg(switch("quiet", 'q', "Only display container IDs"))
        .arg(switch("size", 's', "Display total file sizes"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let filters = Filters::parse(&typed.list("filter"), &FILTERS)?;
    if let Some(unknown) = filters.values("status").iter().find(|text| !STATES.contains(&text.as_str())) {
        return Err(Failure::new(format!(
            "invalid filter 'status={unknown}'; known here: {}",
            STATES.join(", ")
        )));
    }
    let last = match (typed.is_on("latest"), typed.parsed("last", crate::parse::integer)?) {
        (true, _) => Some(1),
        (false, Some(count)) => usize::try_from(count).ok().filter(|count| *count > 0),
        (false, None) => None,
    };
    // As in Docker, asking for a state or for the last ones asks for all states.
    let all = typed.is_on("all") || last.is_some() || filters.has("status") || filters.has("exited");
    let engine = context.engine()?;
    let everything = engine.list(ListFilter { all: true }).map_err(|error| Failure::of(&error))?;
    let mut views: Vec<&ContainerView> = everything
        .iter()
        .filter(|view| all || view.state.has_processes() || view.state == State::Restarting)
        .filter(|view| holds(view, &filters))
        .collect();
    bound_by(&mut views, &everything, &filters)?;
    views.truncate(last.unwrap_or(usize::MAX));
    let now = jiff::Timestamp::now().as_second();
    let sizes = if typed.is_on("size") { Some(sizes(context)?) } else { None };
    let rows: Vec<Row> = views
        .iter()
        .map(|view| {
            let row = row(&summary(view, now), now, typed.is_on("no-trunc"));
            match &sizes {
                Some(sizes) => row.with("Size", sizes.get(view.id.as_str()).cloned().unwrap_or_default()),
                None => row,
            }
        })
        .collect();
    let default: &[&str] = if sizes.is_some() { &WITH_SIZE } else { LIST.default };
    let format = context.list_format(typed, |settings| &settings.ps_format);
    let text = LIST.render_with(default, format, typed.is_on("quiet"), &rows).map_err(Failure::from)?;
    context.print(&text)?;
    Ok(0)
}

/// Bytes that containers have written, and with their images, by id.
fn sizes(context: &Context) -> Result<std::collections::BTreeMap<String, String>, Failure> {
    use crate::render::units::short_size;
    let usage = context.engine()?.disk_usage().map_err(|error| Failure::of(&error))?;
    let image_size = |id: &ids::Digest| {
        usage.images.images.iter().find(|image| image.info.image.id == *id).map_or(0, |image| image.info.size)
    };
    let text = |container: &engine::system::ContainerUsage| {
        let whole = container.writable + image_size(&container.view.image_id);
        format!("{} (virtual {})", short_size(container.writable), short_size(whole))
    };
    Ok(usage.containers.iter().map(|container| (container.view.id.to_string(), text(container))).collect())
}

fn row(summary: &ContainerSummary, now: i64, whole: bool) -> Row {
    let clip = |text: &str, length: usize| {
        if whole { text.to_owned() } else { ellipsis(text, length) }
    };
    let id = if whole { summary.id.as_str() } else { &summary.id[..12.min(summary.id.len())] };
    let mount_name = |mount: &docker_model::MountPoint| {
        let name = if mount.name.is_empty() { &mount.source } else { &mount.name };
        clip(name, 15)
    };
    let created = jiff::Timestamp::from_second(summary.created).unwrap_or_default();
    Row::default()
        .with("ID", id)
        .with("Image", summary.image.as_str())
        .with("Command", format!("\"{}\"", clip(&summary.command, 20)))
        .with(
            "CreatedAt",
            created.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %z %Z").to_string(),
        )
        .with("RunningFor", format!("{} ago", human_duration(now - summary.created)))
        .with("Ports", ports(&summary.ports))
        .with("State", summary.state.as_str())
        .with("Status", summary.status.as_str())
        .with("Size", "")
        .with(
            "Names",
            summary.names.iter().map(|name| name.trim_start_matches('/')).collect::<Vec<_>>().join(","),
        )
        .with(
            "Mounts",
            summary
                .mounts
                .iter()
                .map(mount_name)
                .filter(|name| !name.is_empty())
                .collect::<Vec<_>>()
                .join(","),
        )
        .with(
            "LocalVolumes",
            summary.mounts.iter().filter(|mount| mount.driver == "local").count().to_string(),
        )
        .with("Networks", summary.network_settings.networks.keys().cloned().collect::<Vec<_>>().join(","))
        .with("Platform", "linux")
        .with_labels(&summary.labels)
}

/// PORTS as Docker writes it: `0.0.0.0:8080->80/tcp`, runs of ports joined (`8000-8002->8000-8002/tcp`).
fn ports(ports: &[PortSummary]) -> String {
    let mut runs: Vec<(PortSummary, u16)> = Vec::new();
    for port in ports {
        let follows = |(first, length): &&mut (PortSummary, u16)| {
            first.ip == port.ip
                && first.kind == port.kind
                && first.private_port.checked_add(*length) == Some(port.private_port)
                && match (first.public_port, port.public_port) {
                    (Some(before), Some(now)) => before.checked_add(*length) == Some(now),
                    (None, None) => true,
                    _ => false,
                }
        };
        match runs.iter_mut().rev().find(follows) {
            Some((_, length)) => *length += 1,
            None => runs.push((port.clone(), 1)),
        }
    }
    let range = |first: u16, length: u16| {
        if length == 1 { first.to_string() } else { format!("{first}-{}", first + (length - 1)) }
    };
    let text = |(first, length): &(PortSummary, u16)| {
        let inside = format!("{}/{}", range(first.private_port, *length), first.kind);
        match first.public_port {
            Some(public) => format!("{}:{}->{inside}", first.ip, range(public, *length)),
            None => inside,
        }
    };
    runs.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// Filters that look at one container.
fn holds(view: &ContainerView, filters: &Filters) -> bool {
    let id = view.id.as_str();
    let state = |wanted: &str| view.state.as_str() == wanted;
    let exit_code = view.exited.as_ref().map(|exited| exited.exit_code.to_string());
    let health = match view.health.as_ref().map(|health| health.status) {
        None => "none",
        Some(HealthStatus::Starting) => "starting",
        Some(HealthStatus::Healthy) => "healthy",
        Some(HealthStatus::Unhealthy) => "unhealthy",
    };
    let networks = || summary(view, 0).network_settings.networks;
    filters.any("status", state)
        && filters.any("exited", |wanted| view.state == State::Exited && exit_code.as_deref() == Some(wanted))
        && filters.any("id", |wanted| id.starts_with(wanted))
        && filters.any("name", |wanted| matches_name(view.name.as_str(), wanted))
        && filters.any("health", |wanted| health == wanted)
        && filters.any("ancestor", |wanted| is_ancestor(view, wanted))
        && filters.any("network", |wanted| networks().contains_key(wanted))
        && filters.any("publish", |wanted| published(view, wanted, |mapping| mapping.host_port))
        && filters.any("expose", |wanted| {
            view.effective
                .exposed_ports
                .iter()
                .any(|port| is_port(wanted, port.port, &port.protocol.to_string()))
        })
        && filters.any("volume", |wanted| {
            view.mounts.iter().any(|mount| mount.name.as_deref() == Some(wanted) || mount.target == wanted)
        })
        && filters.labels(&view.effective.labels)
}

/// Docker matches a regular expression; anchors and plain text are what people use.
fn matches_name(name: &str, wanted: &str) -> bool {
    let (start, end) = (wanted.starts_with('^'), wanted.ends_with('$'));
    let text = wanted.trim_start_matches('^').trim_start_matches("/?").trim_start_matches('/');
    let text = text.trim_end_matches('$');
    match (start, end) {
        (true, true) => name == text,
        (true, false) => name.starts_with(text),
        (false, true) => name.ends_with(text),
        (false, false) => name.contains(text),
    }
}

fn is_ancestor(view: &ContainerView, wanted: &str) -> bool {
    let normal = |text: &str| ids::Reference::parse(text).ok();
    let by_id =
        view.image_id.as_str() == wanted || (wanted.len() >= 4 && view.image_id.hex().starts_with(wanted));
    by_id
        || view.config.image == wanted
        || (normal(wanted).is_some() && normal(wanted) == normal(&view.config.image))
}

fn is_port(wanted: &str, port: u16, protocol: &str) -> bool {
    let (number, kind) = wanted.split_once('/').unwrap_or((wanted, "tcp"));
    let within = match number.split_once('-') {
        Some((first, last)) => {
            first.parse::<u16>().is_ok_and(|first| first <= port)
                && last.parse::<u16>().is_ok_and(|last| port <= last)
        }
        None => number.parse() == Ok(port),
    };
    within && kind == protocol
}

fn published(view: &ContainerView, wanted: &str, port: fn(&engine::PortMapping) -> u16) -> bool {
    view.ports.iter().any(|mapping| is_port(wanted, port(mapping), &mapping.protocol.to_string()))
}

/// `before` and `since`: the place in the list, which is ordered by creation, newest first.
fn bound_by(
    views: &mut Vec<&ContainerView>,
    all: &[ContainerView],
    filters: &Filters,
) -> Result<(), Failure> {
    let created = |wanted: &str| {
        let found =
            all.iter().find(|view| view.name.as_str() == wanted || view.id.as_str().starts_with(wanted));
        found
            .map(|view| view.created.clone())
            .ok_or_else(|| Failure::new(format!("No such container: {wanted}")))
    };
    for wanted in filters.values("before") {
        let limit = created(wanted)?;
        views.retain(|view| view.created < limit);
    }
    for wanted in filters.values("since") {
        let limit = created(wanted)?;
        views.retain(|view| view.created > limit);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(ip: &str, public: Option<u16>, private: u16) -> PortSummary {
        PortSummary { ip: ip.into(), private_port: private, public_port: public, kind: "tcp".into() }
    }

    #[test]
    fn ports_are_joined_as_docker_joins_them() {
        let all = [
            port("0.0.0.0", Some(8080), 80),
            port("", None, 443),
            port("0.0.0.0", Some(9000), 90),
            port("0.0.0.0", Some(9001), 91),
        ];
        assert_eq!(ports(&all), "0.0.0.0:8080->80/tcp, 443/tcp, 0.0.0.0:9000-9001->90-91/tcp");
        assert_eq!(ports(&[]), "");
    }

    #[test]
    fn names_match_as_people_write_them() {
        for (wanted, expected) in
            [("we", true), ("^web$", true), ("^/web$", true), ("^eb", false), ("b$", true), ("x", false)]
        {
            assert_eq!(matches_name("web", wanted), expected, "{wanted}");
        }
    }

    #[test]
    fn port_filters_take_ranges_and_protocols() {
        assert!(is_port("80", 80, "tcp") && is_port("70-90/tcp", 80, "tcp") && is_port("53/udp", 53, "udp"));
        assert!(!is_port("80/udp", 80, "tcp") && !is_port("x", 80, "tcp"));
    }
}
