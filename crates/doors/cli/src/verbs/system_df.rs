//! `system df`: what the data root takes.

use crate::args::{Arity, Typed, Verb, switch, text};
use crate::client::local::from_engine_container::summary as container_summary;
use crate::client::local::from_engine_image::created_seconds;
use crate::context::Context;
use crate::failure::Failure;
use crate::render::units::{human_duration, human_size, short_size};
use crate::render::{Column, List, Row};
use clap::Command;
use engine::system::{ContainerUsage, DiskUsage};

/// The verb.
pub(crate) static SYSTEM_DF: Verb = Verb {
    name: "df",
    spellings: &["sampan system df"],
    usage: "[OPTIONS]",
    about: "Show disk usage",
    define,
    refused: &[],
    arity: Arity::None,
    run,
};

const LIST: List = List {
    columns: &[
        Column { name: "Type", header: "TYPE" },
        Column { name: "TotalCount", header: "TOTAL" },
        Column { name: "Active", header: "ACTIVE" },
        Column { name: "Size", header: "SIZE" },
        Column { name: "Reclaimable", header: "RECLAIMABLE" },
    ],
    default: &["Type", "TotalCount", "Active", "Size", "Reclaimable"],
    quiet: "Type",
};

const IMAGES: List = List {
    columns: &[
        Column { name: "Repository", header: "REPOSITORY" },
        Column { name: "Tag", header: "TAG" },
        Column { name: "ID", header: "IMAGE ID" },
        Column { name: "CreatedSince", header: "CREATED" },
        Column { name: "Size", header: "SIZE" },
        Column { name: "SharedSize", header: "SHARED SIZE" },
        Column { name: "UniqueSize", header: "UNIQUE SIZE" },
        Column { name: "Containers", header: "CONTAINERS" },
    ],
    default: &["Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers"],
    quiet: "ID",
};

const CONTAINERS: List = List {
    columns: &[
        Column { name: "ID", header: "CONTAINER ID" },
        Column { name: "Image", header: "IMAGE" },
        Column { name: "Command", header: "COMMAND" },
        Column { name: "LocalVolumes", header: "LOCAL VOLUMES" },
        Column { name: "Size", header: "SIZE" },
        Column { name: "RunningFor", header: "CREATED" },
        Column { name: "Status", header: "STATUS" },
        Column { name: "Names", header: "NAMES" },
    ],
    default: &["ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names"],
    quiet: "ID",
};

const VOLUMES: List = List {
    columns: &[
        Column { name: "Name", header: "VOLUME NAME" },
        Column { name: "Links", header: "LINKS" },
        Column { name: "Size", header: "SIZE" },
    ],
    default: &["Name", "Links", "Size"],
    quiet: "Name",
};

fn define(command: Command) -> Command {
    command
        .arg(text(
            "format",
            '\0',
            "string",
            "Format output: 'table', 'table TEMPLATE', 'json' or a Go template",
        ))
        .arg(switch("verbose", 'v', "Show detailed information on space usage"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let usage = context.engine()?.disk_usage().map_err(|error| Failure::of(&error))?;
    let format = typed.text("format").unwrap_or_default();
    let text = if typed.is_on("verbose") && format.is_empty() {
        verbose(&usage)?
    } else {
        LIST.render(format, false, &totals(&usage)).map_err(Failure::from)?
    };
    context.print(&text)?;
    Ok(0)
}

fn totals(usage: &DiskUsage) -> Vec<Row> {
    let of_container = |one: &ContainerUsage| one.writable + one.files;
    let active = |one: &&ContainerUsage| one.view.state.has_processes();
    let containers: u64 = usage.containers.iter().map(of_container).sum();
    let idle: u64 = usage.containers.iter().filter(|one| !active(one)).map(of_container).sum();
    let volumes: u64 = usage.volumes.iter().map(|one| one.bytes).sum();
    let unused: u64 = usage.volumes.iter().filter(|one| one.users == 0).map(|one| one.bytes).sum();
    let own = usage.index + usage.events + usage.trash;
    let images = usage.images.layers + usage.images.blobs;
    vec![
        total(
            "Images",
            usage.images.images.len(),
            usage.images_in_use.len(),
            images,
            usage.images.reclaimable(&usage.images_in_use),
        ),
        total(
            "Containers",
            usage.containers.len(),
            usage.containers.iter().filter(active).count(),
            containers,
            idle,
        ),
        total(
            "Local Volumes",
            usage.volumes.len(),
            usage.volumes.iter().filter(|one| one.users > 0).count(),
            volumes,
            unused,
        ),
        total("Records", 1, 1, own, usage.trash),
    ]
}

fn total(kind: &str, count: usize, active: usize, bytes: u64, reclaimable: u64) -> Row {
    let share =
        (reclaimable * 100).checked_div(bytes).map(|share| format!(" ({share}%)")).unwrap_or_default();
    Row::default()
        .with("Type", kind)
        .with("TotalCount", count.to_string())
        .with("Active", active.to_string())
        .with("Size", human_size(bytes))
        .with("Reclaimable", format!("{}{share}", human_size(reclaimable)))
}

fn verbose(usage: &DiskUsage) -> Result<String, Failure> {
    let now = jiff::Timestamp::now().as_second();
    let table = |list: &List, rows: &[Row]| list.render("", false, rows).map_err(Failure::from);
    Ok(format!(
        "Images space usage:\n\n{}\nContainers space usage:\n\n{}\nLocal Volumes space usage:\n\n{}\n\
         Records: index {}, events {}, on the way out {}\n",
        table(&IMAGES, &images(usage, now))?,
        table(&CONTAINERS, &containers(usage, now))?,
        table(&VOLUMES, &volumes(usage))?,
        human_size(usage.index),
        human_size(usage.events),
        human_size(usage.trash),
    ))
}

fn images(usage: &DiskUsage, now: i64) -> Vec<Row> {
    let mut rows = Vec::new();
    for one in &usage.images.images {
        let users = usage.containers.iter().filter(|user| user.view.image_id == one.info.image.id).count();
        let id = one.info.image.id.to_string();
        let hex = id.rsplit(':').next().unwrap_or_default();
        let row = Row::default()
            .with("ID", hex.get(..12).unwrap_or(hex))
            .with("CreatedSince", format!("{} ago", human_duration(now - created_seconds(&one.info))))
            .with("Size", short_size(one.info.size))
            .with("SharedSize", short_size(one.shared))
            .with("UniqueSize", short_size(one.unique))
            .with("Containers", users.to_string());
        let named = one.info.tags.iter().map(|name| (name.familiar_name(), name.tag().unwrap_or("<none>")));
        let names: Vec<_> =
            if one.info.tags.is_empty() { vec![("<none>", "<none>")] } else { named.collect() };
        rows.extend(
            names.into_iter().map(|(name, tag)| row.clone().with("Repository", name).with("Tag", tag)),
        );
    }
    rows
}

fn containers(usage: &DiskUsage, now: i64) -> Vec<Row> {
    let row = |one: &ContainerUsage| {
        let summary = container_summary(&one.view, now);
        let volumes = summary.mounts.iter().filter(|mount| mount.driver == "local").count();
        Row::default()
            .with("ID", one.view.id.short())
            .with("Image", summary.image)
            .with("Command", format!("\"{}\"", summary.command.chars().take(20).collect::<String>()))
            .with("LocalVolumes", volumes.to_string())
            // With its log and other files, so that the sum is what the short table shows.
            .with("Size", short_size(one.writable + one.files))
            .with("RunningFor", format!("{} ago", human_duration(now - summary.created)))
            .with("Status", summary.status)
            .with("Names", one.view.name.as_str())
    };
    usage.containers.iter().map(row).collect()
}

fn volumes(usage: &DiskUsage) -> Vec<Row> {
    let row = |one: &engine::system::VolumeUsage| {
        Row::default()
            .with("Name", one.name.as_str())
            .with("Links", one.users.to_string())
            .with("Size", short_size(one.bytes))
    };
    usage.volumes.iter().map(row).collect()
}
