//! `ps`: lists containers.

use crate::args::{Arity, Typed, Verb, list, switch, text};
use crate::client::ListQuery;
use crate::context::Context;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::render::units::{human_duration, short_size};
use crate::render::width::ellipsis;
use crate::render::{Column, List, Row};
use clap::Command;
use docker_model::{ContainerSummary, PortSummary};

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
    let size = typed.is_on("size");
    let query = ListQuery { all, last, size, filters: &filters };
    let summaries = context.client()?.list_containers(&query)?;
    let now = jiff::Timestamp::now().as_second();
    let rows: Vec<Row> = summaries.iter().map(|summary| row(summary, now, typed.is_on("no-trunc"))).collect();
    let default: &[&str] = if size { &WITH_SIZE } else { LIST.default };
    let format = context.list_format(typed, |settings| &settings.ps_format);
    let text = LIST.render_with(default, format, typed.is_on("quiet"), &rows).map_err(Failure::from)?;
    context.print(&text)?;
    Ok(0)
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
        .with("Size", size_text(summary).unwrap_or_default())
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

/// Bytes that it has written, and with its image, where they were asked for.
fn size_text(summary: &ContainerSummary) -> Option<String> {
    let bytes = |size: i64| short_size(u64::try_from(size).unwrap_or(0));
    Some(format!("{} (virtual {})", bytes(summary.size_rw?), bytes(summary.size_root_fs?)))
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
}
