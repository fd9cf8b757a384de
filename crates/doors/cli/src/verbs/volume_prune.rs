//! `volume prune`: removes volumes that no container uses.

use crate::args::{Arity, Typed, Verb, list, switch};
use crate::context::Context;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::parse::boolean;
use crate::render::units::human_size;
use clap::Command;
use engine::volumes::{VolumeView, VolumesError};

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
    let engine = context.engine()?;
    let sizes = engine.disk_usage().map_err(|error| Failure::of(&error))?.volumes;
    let wanted = |view: &VolumeView| {
        view.users == 0
            && (all || view.anonymous)
            && filters.labels(&view.labels)
            && !filters.values("label!").iter().any(|label| has_label(view, label))
    };
    let (mut removed, mut bytes) = (Vec::new(), 0);
    for view in engine.list_volumes().map_err(|error| Failure::of(&error))?.into_iter().filter(wanted) {
        match engine.remove_volume(&view.name) {
            Ok(()) => {
                bytes += sizes.iter().find(|usage| usage.name == view.name).map_or(0, |usage| usage.bytes);
                removed.push(view.name.to_string());
            }
            // Somebody was quicker, or has just begun to use it.
            Err(VolumesError::NotFound { .. } | VolumesError::InUse { .. }) => {}
            Err(error) => return Err(Failure::of(&error)),
        }
    }
    if !removed.is_empty() {
        context.print(&format!("Deleted Volumes:\n{}\n\n", removed.join("\n")))?;
    }
    context.line(&format!("Total reclaimed space: {}", human_size(bytes)))?;
    Ok(0)
}

fn has_label(view: &VolumeView, wanted: &str) -> bool {
    match wanted.split_once('=') {
        Some((key, value)) => view.labels.get(key).is_some_and(|seen| seen == value),
        None => view.labels.contains_key(wanted),
    }
}
