//! `system prune` and `container prune`: remove what is not needed.

use crate::args::{Arity, Typed, Verb, list, switch};
use crate::client::{PruneQuery, PruneScope, Pruned};
use crate::context::Context;
use crate::failure::Failure;
use crate::keep::Keep;
use crate::render::units::human_size;
use clap::Command;
use docker_model::ImageDeleteItem;

/// `system prune`.
pub(crate) static SYSTEM_PRUNE: Verb = Verb {
    name: "prune",
    spellings: &["sampan system prune"],
    usage: "[OPTIONS]",
    about: "Remove unused data",
    define: define_system,
    refused: &[],
    arity: Arity::None,
    run: run_system,
};

/// `container prune`.
pub(crate) static CONTAINER_PRUNE: Verb = Verb {
    name: "prune",
    spellings: &["sampan container prune"],
    usage: "[OPTIONS]",
    about: "Remove all stopped containers",
    define,
    refused: &[],
    arity: Arity::None,
    run: run_containers,
};

fn define(command: Command) -> Command {
    command
        .arg(list(
            "filter",
            '\0',
            "filter",
            "Provide filter values (e.g. \"label=<key>=<value>\", \"until=24h\")",
        ))
        .arg(switch("force", 'f', "Do not prompt for confirmation"))
}

fn define_system(command: Command) -> Command {
    define(command).arg(switch("all", 'a', "Remove all unused images not just dangling ones")).arg(switch(
        "volumes",
        '\0',
        "Prune anonymous volumes",
    ))
}

fn run_system(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let keep = Keep::parse(&context.prune_filters(typed))?;
    let (all, volumes) = (typed.is_on("all"), typed.is_on("volumes"));
    if volumes && keep.has_until() {
        return Err(Failure::new("ERROR: The \"until\" filter is not supported with \"--volumes\""));
    }
    let mut question = String::from("WARNING! This will remove:\n  - all stopped containers\n");
    question.push_str("  - all networks not used by at least one container\n");
    if volumes {
        question.push_str("  - all anonymous volumes not used by at least one container\n");
    }
    question.push_str(if all {
        "  - all images without at least one container associated to them\n"
    } else {
        "  - all dangling images\n"
    });
    let filters = context.prune_filters(typed);
    if !filters.is_empty() {
        question.push_str("\n  Items to be pruned will be filtered with:\n");
        filters.iter().for_each(|filter| question.push_str(&format!("  - {filter}\n")));
    }
    question.push_str("\nAre you sure you want to continue?");
    if !typed.is_on("force") && !context.confirm(&question)? {
        return Ok(0);
    }
    let scope = if all { PruneScope::Unused } else { PruneScope::Dangling };
    prune(context, &keep, Some(scope), volumes)
}

fn run_containers(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let keep = Keep::parse(&context.prune_filters(typed))?;
    let question = "WARNING! This will remove all stopped containers.\nAre you sure you want to continue?";
    if !typed.is_on("force") && !context.confirm(question)? {
        return Ok(0);
    }
    prune(context, &keep, None, false)
}

fn prune(context: &Context, keep: &Keep, images: Option<PruneScope>, volumes: bool) -> Result<u8, Failure> {
    // `system prune` alone takes more than containers.
    let query = PruneQuery { containers: true, networks: images.is_some(), images, volumes, keep };
    context.print(&told(&context.client()?.prune(&query)?))?;
    Ok(0)
}

/// Docker's report.
pub(super) fn told(report: &Pruned) -> String {
    let mut text = String::new();
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            text.push_str(&format!("{title}:\n{}\n\n", lines.join("\n")));
        }
    };
    section("Deleted Containers", report.containers.clone());
    section("Deleted Networks", report.networks.clone());
    section("Deleted Volumes", report.volumes.clone());
    let image = |removed: &ImageDeleteItem| match removed.untagged.as_str() {
        "" => format!("deleted: {}", removed.deleted),
        name => format!("untagged: {name}"),
    };
    section("Deleted Images", report.images.iter().map(image).collect());
    text.push_str(&format!("Total reclaimed space: {}\n", human_size(report.bytes)));
    text
}
