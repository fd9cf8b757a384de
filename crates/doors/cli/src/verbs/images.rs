//! `images`: lists images.

use crate::args::{Arity, Refused, Typed, Verb, list, switch, text};
use crate::client::local::from_engine_image::created_seconds;
use crate::context::Context;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::render::units::{human_duration, human_size, short_size};
use crate::render::{Column, List, Row};
use clap::Command;
use engine::image::ImageInfo;
use ids::Reference;

/// The verb.
pub(crate) static IMAGES: Verb = Verb {
    name: "images",
    spellings: &["sampan image ls", "sampan image list", "sampan images"],
    usage: "[OPTIONS] [REPOSITORY[:TAG]]",
    about: "List images",
    define,
    refused: &[Refused { name: "tree", short: '\0', reason: "images are kept for one platform each" }],
    arity: Arity::AtMost(1),
    run,
};

const LIST: List = List {
    columns: &[
        Column { name: "Repository", header: "REPOSITORY" },
        Column { name: "Tag", header: "TAG" },
        Column { name: "Digest", header: "DIGEST" },
        Column { name: "ID", header: "IMAGE ID" },
        Column { name: "CreatedSince", header: "CREATED" },
        Column { name: "CreatedAt", header: "CREATED AT" },
        Column { name: "Size", header: "SIZE" },
        Column { name: "Containers", header: "CONTAINERS" },
        Column { name: "SharedSize", header: "SHARED SIZE" },
        Column { name: "UniqueSize", header: "UNIQUE SIZE" },
        Column { name: "VirtualSize", header: "SIZE" },
    ],
    default: &["Repository", "Tag", "ID", "CreatedSince", "Size"],
    quiet: "ID",
};

/// The table with `--digests`.
const WITH_DIGESTS: [&str; 6] = ["Repository", "Tag", "Digest", "ID", "CreatedSince", "Size"];

fn define(command: Command) -> Command {
    command
        .arg(switch("all", 'a', "Show all images (this store has no intermediate ones)"))
        .arg(switch("digests", '\0', "Show digests"))
        .arg(list("filter", 'f', "filter", "Filter output based on conditions provided"))
        .arg(text(
            "format",
            '\0',
            "string",
            "Format output: 'table', 'table TEMPLATE', 'json' or a Go template",
        ))
        .arg(switch("no-trunc", '\0', "Don't truncate output"))
        .arg(switch("quiet", 'q', "Only show image IDs"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let filters =
        Filters::parse(&typed.list("filter"), &["before", "dangling", "label", "reference", "since"])?;
    let images = context.engine()?.images().map_err(|error| Failure::of(&error))?;
    let all = images.list().map_err(|error| Failure::of(&error))?;
    let created = |name: &str| -> Result<i64, Failure> {
        images.inspect(name).map(|info| created_seconds(&info)).map_err(|error| Failure::of(&error))
    };
    let before = filters.values("before").iter().map(|name| created(name)).collect::<Result<Vec<_>, _>>()?;
    let since = filters.values("since").iter().map(|name| created(name)).collect::<Result<Vec<_>, _>>()?;
    let mut chosen: Vec<&ImageInfo> = all
        .iter()
        .filter(|info| filters.any("dangling", |value| is_yes(value) == info.is_dangling()))
        .filter(|info| filters.labels(&info.image.config.config.labels))
        .filter(|info| before.iter().all(|limit| created_seconds(info) < *limit))
        .filter(|info| since.iter().all(|limit| created_seconds(info) > *limit))
        .collect();
    chosen.sort_by_key(|info| std::cmp::Reverse(created_seconds(info)));
    let now = jiff::Timestamp::now().as_second();
    let wanted = typed.argument(0);
    let shown = |reference: &Reference| {
        wanted.is_none_or(|wanted| is_called(reference, wanted))
            && filters.any("reference", |pattern| matches_pattern(reference, pattern))
    };
    let mut rows = Vec::new();
    for info in chosen {
        let row = common(info, now, typed.is_on("no-trunc"));
        let names: Vec<&Reference> = info.tags.iter().filter(|name| shown(name)).collect();
        for name in &names {
            rows.push(named(row.clone(), name, info));
        }
        if info.tags.is_empty() && wanted.is_none() && !filters.has("reference") {
            rows.push(row.with("Repository", "<none>").with("Tag", "<none>").with("Digest", "<none>"));
        }
    }
    let default: &[&str] = if typed.is_on("digests") { &WITH_DIGESTS } else { LIST.default };
    let quiet = typed.is_on("quiet");
    let format = context.list_format(typed, |settings| &settings.images_format);
    context.print(&LIST.render_with(default, format, quiet, &rows).map_err(Failure::from)?)?;
    Ok(0)
}

fn is_yes(text: &str) -> bool {
    crate::parse::boolean(text).unwrap_or(false)
}

fn common(info: &ImageInfo, now: i64, whole: bool) -> Row {
    let id = if whole { info.image.id.as_str() } else { info.image.id.short() };
    let created = created_seconds(info);
    let at = jiff::Timestamp::from_second(created).unwrap_or_default().to_zoned(jiff::tz::TimeZone::system());
    Row::default()
        .with("ID", id)
        .with("CreatedSince", format!("{} ago", human_duration(now - created)))
        .with("CreatedAt", at.strftime("%Y-%m-%d %H:%M:%S %z %Z").to_string())
        .with("Size", short_size(info.size))
        .with("Containers", "N/A")
        .with("SharedSize", "N/A")
        .with("UniqueSize", "N/A")
        .with("VirtualSize", human_size(info.size))
}

fn named(row: Row, name: &Reference, info: &ImageInfo) -> Row {
    let digest = info.digests.iter().find(|other| other.name() == name.name()).and_then(Reference::digest);
    row.with("Repository", name.familiar_name())
        .with("Tag", name.tag().unwrap_or("<none>"))
        .with("Digest", digest.map_or_else(|| "<none>".to_owned(), ToString::to_string))
}

/// `sampan images REPOSITORY[:TAG]`.
fn is_called(reference: &Reference, wanted: &str) -> bool {
    let last = wanted.rsplit('/').next().unwrap_or(wanted);
    match Reference::parse(wanted) {
        Ok(parsed) if last.contains(':') => parsed.as_str() == reference.as_str(),
        Ok(parsed) => parsed.name() == reference.name(),
        Err(_) => false,
    }
}

/// `--filter reference=`.
fn matches_pattern(reference: &Reference, pattern: &str) -> bool {
    let familiar = reference.familiar();
    let name = reference.familiar_name();
    crate::glob::matches(pattern, &familiar) || crate::glob::matches(pattern, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_and_tags_are_told_apart() {
        let reference = Reference::parse("nginx:1.25").unwrap();
        assert!(is_called(&reference, "nginx") && is_called(&reference, "nginx:1.25"));
        assert!(!is_called(&reference, "nginx:latest") && !is_called(&reference, "redis"));
    }
}
