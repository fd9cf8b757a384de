//! `system prune` and `container prune`: remove what is not needed.

use crate::args::{Arity, Typed, Verb, list, switch};
use crate::context::Context;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::render::units::human_size;
use clap::Command;
use engine::image::{ImageInfo, PruneScope, Removed};
use engine::model::ContainerView;
use engine::networks::NetworkView;
use engine::system::{PruneOptions, PruneReport};

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

/// What filters keep.
pub(super) struct Keep {
    filters: Filters,
    /// Nanoseconds since 1970.
    until: Option<i64>,
}

impl Keep {
    pub(super) fn parse(context: &Context, typed: &Typed) -> Result<Self, Failure> {
        let filters = Filters::parse(&context.prune_filters(typed), &["label", "label!", "until"])?;
        let now = jiff::Timestamp::now();
        let until = match filters.values("until") {
            [] => None,
            [text] => Some(crate::moment::parse(text, now).map_err(|error| {
                Failure::new(format!("invalid value for the filter until: {text}: {error}"))
            })?),
            _ => return Err(Failure::new("more than one until filter specified")),
        };
        Ok(Self { filters, until })
    }

    /// Whether something created then, with these labels, stays.
    pub(super) fn keeps(&self, created: Option<&str>, labels: &docker_model::StringMap) -> bool {
        let created_ns =
            created.and_then(|text| text.parse::<jiff::Timestamp>().ok()).map(jiff::Timestamp::as_nanosecond);
        let young = match (self.until, created_ns) {
            (Some(until), Some(created)) => created >= i128::from(until),
            // What has no date cannot be said to be old.
            (Some(_), None) => true,
            (None, _) => false,
        };
        let excluded = self.filters.values("label!").iter().any(|wanted| has_label(labels, wanted));
        young || excluded || !self.filters.labels(labels)
    }
    /// The same for an image.
    pub(super) fn keeps_image(&self, info: &ImageInfo) -> bool {
        self.keeps(info.image.config.created.as_deref(), &info.image.config.config.labels)
    }
}

fn has_label(labels: &docker_model::StringMap, wanted: &str) -> bool {
    match wanted.split_once('=') {
        Some((key, value)) => labels.get(key).is_some_and(|seen| seen == value),
        None => labels.contains_key(wanted),
    }
}

fn run_system(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let keep = Keep::parse(context, typed)?;
    let (all, volumes) = (typed.is_on("all"), typed.is_on("volumes"));
    if volumes && keep.until.is_some() {
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
    let keep = Keep::parse(context, typed)?;
    let question = "WARNING! This will remove all stopped containers.\nAre you sure you want to continue?";
    if !typed.is_on("force") && !context.confirm(question)? {
        return Ok(0);
    }
    prune(context, &keep, None, false)
}

fn prune(context: &Context, keep: &Keep, images: Option<PruneScope>, volumes: bool) -> Result<u8, Failure> {
    let options = PruneOptions {
        containers: true,
        // `system prune` alone takes more than containers.
        networks: images.is_some(),
        images,
        volumes: volumes.then_some(false),
        keep_container: &|view: &ContainerView| keep.keeps(Some(&view.created), &view.effective.labels),
        keep_network: &|view: &NetworkView| keep.keeps(Some(&view.created), &view.labels),
        keep_image: &|info: &ImageInfo| keep.keeps_image(info),
    };
    let report = context.engine()?.prune(&options).map_err(|error| Failure::of(&error))?;
    context.print(&told(&report))?;
    Ok(0)
}

/// Docker's report.
pub(super) fn told(report: &PruneReport) -> String {
    let mut text = String::new();
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            text.push_str(&format!("{title}:\n{}\n\n", lines.join("\n")));
        }
    };
    section("Deleted Containers", report.containers.iter().map(ToString::to_string).collect());
    section("Deleted Networks", report.networks.iter().map(ToString::to_string).collect());
    section("Deleted Volumes", report.volumes.iter().map(ToString::to_string).collect());
    let image = |removed: &Removed| match removed {
        Removed::Untagged(reference) => format!("untagged: {}", reference.familiar()),
        Removed::Deleted(id) => format!("deleted: {id}"),
    };
    section("Deleted Images", report.images.iter().map(image).collect());
    text.push_str(&format!("Total reclaimed space: {}\n", human_size(report.bytes)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_say_what_stays() {
        let labels = docker_model::StringMap::from([("a".to_owned(), "1".to_owned())]);
        let keep = |texts: &[&str], until| {
            let filters = Filters::parse(texts, &["label", "label!", "until"]).unwrap_or_default();
            Keep { filters, until }.keeps(Some("2026-01-01T00:00:00Z"), &labels)
        };
        assert!(!keep(&[], None));
        assert!(!keep(&["label=a"], None));
        assert!(keep(&["label=b"], None));
        assert!(keep(&["label!=a"], None));
        assert!(keep(&[], Some(0)));
        assert!(!keep(&[], Some(i64::MAX)));
    }
}
