//! `volume prune`: removes volumes that no container uses.

use crate::args::{Arity, Typed, Verb, list, switch};
use crate::context::Context;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::parse::boolean;
use crate::render::units::human_size;
use clap::Command;

/// The verb.
pub(crate) static VOLUME_PRUNE: Verb = Verb {
    name: "prune",
    spellings: &["sampan volume prune"],
    usage: "[OPTIONS]",
    about: "Remove unused local volumes",
    define,
    refused: &[],
    arity: Arity::None,
    run,
};

fn define(command: Command) -> Command {
    command
        .arg(switch("all", 'a', "Remove all unused volumes, not just anonymous ones"))
        .arg(list("filter", '\0', "filter", "Provide filter values (e.g. \"label=<label>\")"))
        .arg(switch("force", 'f', "Do not prompt for confirmation"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let filters = Filters::parse(&context.prune_filters(typed), &["all", "label", "label!"])?;
    let asked = filters.values("all").last().is_some_and(|text| boolean(text).unwrap_or(false));
    let all = typed.is_on("all") || asked;
    let what = if all { "all volumes" } else { "anonymous local volumes" };
    let question = format!(
        "WARNING! This will remove {what} not used by at least one container.\nAre you sure you want to continue?"
    );
    if !typed.is_on("force") && !context.confirm(&question)? {
        return Ok(0);
    }
    let report = context.client()?.prune_volumes(all, &filters)?;
    let removed = report.volumes_deleted.unwrap_or_default();
    if !removed.is_empty() {
        context.print(&format!("Deleted Volumes:\n{}\n\n", removed.join("\n")))?;
    }
    context.line(&format!("Total reclaimed space: {}", human_size(report.space_reclaimed)))?;
    Ok(0)
}
