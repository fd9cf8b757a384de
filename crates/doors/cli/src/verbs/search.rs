//! `search`: looks for images in a registry.

use crate::args::{Arity, Typed, Verb, list, switch, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::parse::{boolean, integer};
use crate::render::{Column, List, Row};
use clap::Command;
use engine::registry::Found;

/// The verb.
pub(crate) static SEARCH: Verb = Verb {
    name: "search",
    spellings: &["sampan search"],
    usage: "[OPTIONS] TERM",
    about: "Search Docker Hub for images",
    define,
    refused: &[],
    arity: Arity::Exactly(1),
    run,
};

const LIST: List = List {
    columns: &[
        Column { name: "Name", header: "NAME" },
        Column { name: "Description", header: "DESCRIPTION" },
        Column { name: "StarCount", header: "STARS" },
        Column { name: "IsOfficial", header: "OFFICIAL" },
        Column { name: "IsAutomated", header: "AUTOMATED" },
    ],
    default: &["Name", "Description", "StarCount", "IsOfficial"],
    quiet: "Name",
};

/// How many are asked for unless said otherwise, and how many a registry gives at the most.
const LIMIT: u32 = 25;
const LIMIT_MAX: u32 = 100;
/// What descriptions are cut to.
const DESCRIPTION_MAX: usize = 45;

fn define(command: Command) -> Command {
    command
        .arg(list("filter", 'f', "filter", "Filter output based on conditions provided (is-official, stars)"))
        .arg(text(
            "format",
            '\0',
            "string",
            "Format output: 'table', 'table TEMPLATE', 'json' or a Go template",
        ))
        .arg(text("limit", '\0', "int", "Max number of search results (default 25)"))
        .arg(switch("no-trunc", '\0', "Don't truncate output"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let wanted =
        Wanted::of(&Filters::parse(&typed.list("filter"), &["is-automated", "is-official", "stars"])?)?;
    let limit = limit(typed)?;
    let format = typed.text("format").unwrap_or_default();
    // A template that cannot be parsed is told before anybody is asked.
    LIST.render(format, false, &[]).map_err(Failure::from)?;
    let term = typed.argument(0).unwrap_or_default();
    if term.contains("://") {
        return Err(Failure::new(format!(
            "invalid repository name: repository name ({term}) should not have a scheme"
        )));
    }
    let mut found = context.engine()?.search(term, limit).map_err(|error| Failure::of(&error))?;
    found.retain(|one| wanted.holds(one));
    found.sort_by_key(|one| std::cmp::Reverse(one.star_count));
    let as_json = format == "json";
    let rows: Vec<Row> = found.iter().map(|one| row(one, typed.is_on("no-trunc"), as_json)).collect();
    context.print(&LIST.render(format, false, &rows).map_err(Failure::from)?)?;
    Ok(0)
}

fn limit(typed: &Typed) -> Result<u32, Failure> {
    match typed.parsed("limit", integer)? {
        None | Some(0) => Ok(LIMIT),
        Some(number) => u32::try_from(number)
            .ok()
            .filter(|limit| *limit <= LIMIT_MAX)
            .ok_or_else(|| Failure::new(format!("limit {number} is outside the range of [1, {LIMIT_MAX}]"))),
    }
}

/// What filters ask for.
struct Wanted {
    official: Option<bool>,
    automated: Option<bool>,
    stars: i64,
}

impl Wanted {
    fn of(filters: &Filters) -> Result<Self, Failure> {
        let invalid = |key: &str, value: &str| Failure::new(format!("invalid filter '{key}={value}'"));
        let switch = |key: &str| match filters.values(key).last() {
            None => Ok(None),
            Some(value) => boolean(value).map(Some).map_err(|_| invalid(key, value)),
        };
        let mut stars = 0;
        for value in filters.values("stars") {
            stars = stars.max(integer(value).map_err(|_| invalid("stars", value))?);
        }
        Ok(Self { official: switch("is-official")?, automated: switch("is-automated")?, stars })
    }

    fn holds(&self, found: &Found) -> bool {
        self.official.is_none_or(|wanted| found.is_official == wanted)
            && self.automated.is_none_or(|wanted| found.is_automated == wanted)
            && found.star_count >= self.stars
    }
}

fn row(found: &Found, whole: bool, as_json: bool) -> Row {
    let mark = |on: bool| match (on, as_json) {
        (true, true) => "true",
        (false, true) => "false",
        (true, false) => "[OK]",
        (false, false) => "",
    };
    // It goes to a terminal, and strangers wrote it.
    let line: String = found.description.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let description = if whole || line.chars().count() <= DESCRIPTION_MAX {
        line
    } else {
        line.chars().take(DESCRIPTION_MAX - 1).chain(['…']).collect()
    };
    let name: String = found.name.chars().filter(|c| !c.is_control()).collect();
    Row::default()
        .with("Name", name)
        .with("Description", description)
        .with("StarCount", found.star_count.to_string())
        .with("IsOfficial", mark(found.is_official))
        .with("IsAutomated", mark(found.is_automated))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(filters: &[&str]) -> Result<Wanted, String> {
        let parsed = Filters::parse(filters, &["is-automated", "is-official", "stars"]);
        parsed.and_then(|filters| Wanted::of(&filters)).map_err(|failure| failure.message)
    }

    #[test]
    fn filters_are_dockers() {
        let one = Found { star_count: 5, is_official: true, ..Found::default() };
        for (filters, holds) in [
            (&["stars=5", "is-official=true"][..], true),
            (&["stars=6"], false),
            (&["is-official=false"], false),
            (&[], true),
        ] {
            assert_eq!(wanted(filters).unwrap().holds(&one), holds, "{filters:?}");
        }
        assert_eq!(wanted(&["stars=x"]).err().as_deref(), Some("invalid filter 'stars=x'"));
    }
}
