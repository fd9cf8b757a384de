//! Manual pages of all verbs, written from the table that the helps are written from.
//!
//! One page for the program, one for each noun, one for each verb under its short name; a noun form that means the same
//! as a short verb is a page that leads there.

mod roff;

use crate::args::{Entry, Group, Verb, define_globals, examples, in_sections, kind, verb_command};
use crate::{VERSION, table};
use clap::{Arg, Command};
use roff::{Page, escaped};
use std::collections::BTreeMap;

/// The pages by file name (`sampan-run.1`).
pub(crate) fn pages() -> BTreeMap<String, String> {
    let mut pages = BTreeMap::from([("sampan.1".to_owned(), of_program())]);
    let entries = || table::COMMON.iter().chain(table::GROUPS).chain(table::VERBS);
    for entry in entries() {
        match entry {
            Entry::Verb(verb) => {
                pages.insert(format!("sampan-{}.1", verb.name), of_verb(verb, verb.name));
            }
            Entry::Group(group) => {
                pages.insert(format!("sampan-{}.1", group.name), of_group(group));
                for inside in group.verbs.iter().filter(|inside| inside.listed) {
                    let path = format!("{} {}", group.name, inside.name);
                    let file = format!("sampan-{}-{}.1", group.name, inside.name);
                    pages.insert(file, in_group(inside.verb, &path));
                }
            }
        }
    }
    pages
}

/// The page of a noun form.
fn in_group(verb: &Verb, path: &str) -> String {
    let is_short = |entry: &&Entry| matches!(entry, Entry::Verb(short) if std::ptr::eq(*short, verb));
    match table::COMMON.iter().chain(table::VERBS).find(is_short) {
        Some(short) => format!(".so man1/sampan-{}.1\n", short.name()),
        None => of_verb(verb, path),
    }
}

fn of_program() -> String {
    let mut page = Page::new("sampan", VERSION);
    page.name("sampan", "containers with Docker's commands, without a daemon");
    page.section("SYNOPSIS");
    page.line("\\fBsampan\\fR [\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARG\\fR...]");
    page.section("DESCRIPTION");
    page.text(
        "Runs containers with the commands, flags, output and exit codes of docker(1). There is no daemon: each command does its work itself. Called by the name docker or podman, by a link for example, it answers as those programs do.",
    );
    options(&mut page, &define_globals(Command::new("sampan")), "GLOBAL OPTIONS");
    page.section("COMMANDS");
    for entry in table::COMMON.iter().chain(table::GROUPS).chain(table::VERBS) {
        page.item(&format!("\\fBsampan-{}\\fR(1)", escaped(entry.name())), entry.about());
    }
    page.section("FILES");
    page.item("\\fI/var/lib/sampan\\fR", "Images, volumes and containers (--data-root, SAMPAN_DATA_ROOT).");
    page.item("\\fI/run/sampan\\fR", "The state of running containers (--exec-root, SAMPAN_EXEC_ROOT).");
    page.item(
        "\\fI/etc/sampan/config.json\\fR",
        "Settings of the host, with the keys of dockerd's daemon.json.",
    );
    page.item(
        "\\fI~/.docker/config.json\\fR",
        "Settings of the user: credentials, proxies, formats, the context in use (--config, DOCKER_CONFIG).",
    );
    page.finish(&[])
}

fn of_group(group: &Group) -> String {
    let mut page = Page::new(&format!("sampan-{}", group.name), VERSION);
    page.name(&format!("sampan-{}", group.name), group.about);
    page.section("SYNOPSIS");
    page.line(&format!("\\fBsampan {}\\fR \\fICOMMAND\\fR", escaped(group.name)));
    page.section("COMMANDS");
    for inside in group.verbs.iter().filter(|inside| inside.listed) {
        let name = format!("\\fBsampan-{}-{}\\fR(1)", escaped(group.name), escaped(inside.name));
        page.item(&name, inside.verb.about);
    }
    page.finish(&["sampan"])
}

fn of_verb(verb: &Verb, path: &str) -> String {
    let name = format!("sampan-{}", path.replace(' ', "-"));
    let mut page = Page::new(&name, VERSION);
    page.name(&name, verb.about);
    page.section("SYNOPSIS");
    for (at, usage) in verb.usage.split("\n\t").enumerate() {
        let usage = usage.strip_prefix(&format!("sampan {path}")).unwrap_or(usage).trim();
        if at > 0 {
            page.line(".br");
        }
        page.line(&format!("\\fBsampan {}\\fR {}", escaped(path), escaped(usage)));
    }
    page.section("DESCRIPTION");
    page.text(&format!("{}.", verb.about.trim_end_matches('.')));
    if verb.spellings.len() > 1 {
        page.text(&format!("Also spelled: {}.", verb.spellings.join(", ")));
    }
    options(&mut page, &verb_command(verb), "OPTIONS");
    if !verb.refused.is_empty() {
        page.section("NOT SUPPORTED");
        page.text("Flags of Docker's that are refused by name:");
        let mut told: Vec<&str> = Vec::new();
        for refused in verb.refused {
            if !told.contains(&refused.name) {
                told.push(refused.name);
                page.item(&format!("\\fB\\-\\-{}\\fR", escaped(refused.name)), refused.reason);
            }
        }
    }
    let examples = verb.spellings.last().map_or(&[][..], |spelling| examples(spelling));
    if !examples.is_empty() {
        page.section("EXAMPLES");
        for (typed, about) in examples {
            page.item(&format!("\\fB{}\\fR", escaped(typed)), about);
        }
    }
    let noun = path.split_once(' ').map(|(noun, _)| format!("sampan-{noun}"));
    page.finish(&[Some("sampan"), noun.as_deref()].into_iter().flatten().collect::<Vec<_>>())
}

fn options(page: &mut Page, command: &Command, title: &str) {
    for (section, args) in in_sections(command) {
        let title = if section == "Options" { title.to_owned() } else { section.to_uppercase() };
        page.section(&title);
        for arg in args {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            page.item(&tag(arg), &help);
        }
    }
}

fn tag(arg: &Arg) -> String {
    let short = arg.get_short().map(|short| format!("\\fB\\-{short}\\fR, ")).unwrap_or_default();
    let long = escaped(arg.get_long().unwrap_or_default());
    let kind = kind(arg).map(|kind| format!(" \\fI{}\\fR", escaped(kind))).unwrap_or_default();
    format!("{short}\\fB\\-\\-{long}\\fR{kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_a_page_and_every_page_is_whole() {
        let pages = pages();
        for name in ["sampan.1", "sampan-run.1", "sampan-container.1", "sampan-context-create.1"] {
            assert!(pages.contains_key(name), "{name}");
        }
        assert_eq!(pages["sampan-container-run.1"], ".so man1/sampan-run.1\n");
        for (name, text) in &pages {
            if let Some(target) = text.strip_prefix(".so man1/") {
                assert!(pages.contains_key(target.trim_end()), "{name} leads to {target}");
                continue;
            }
            assert!(text.starts_with(".TH \"SAMPAN"), "{name}");
            for section in [".SH \"NAME\"", ".SH \"SYNOPSIS\""] {
                assert!(text.contains(section), "{name} has no {section}");
            }
            for line in text.lines() {
                let request = line.split(' ').next().unwrap_or_default();
                let known = [".TH", ".SH", ".TP", ".PP", ".br"].contains(&request);
                assert!(!line.starts_with(['.', '\'']) || known, "{name}: {line}");
                assert!(line.is_ascii() || !line.starts_with('.'), "{name}: {line}");
            }
        }
    }
}
