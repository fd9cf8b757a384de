//! `pull`: takes an image from its registry.

use super::pulling::outcome;
use crate::args::{Arity, Refused, Typed, Verb, switch, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::{Lines, Work};
use clap::Command;
use engine::image::{Progress, PullPolicy, Silent, parse_platform};
use ids::Reference;

/// The verb.
pub(crate) static PULL: Verb = Verb {
    name: "pull",
    spellings: &["sampan image pull", "sampan pull"],
    usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
    about: "Download an image from a registry",
    define,
    refused: &[
        Refused { name: "all-tags", short: 'a', reason: "pull the tags that you need by name" },
        Refused {
            name: "disable-content-trust",
            short: '\0',
            reason: "Docker Content Trust is not there; pull by digest to be sure of the content",
        },
    ],
    arity: Arity::Exactly(1),
    run,
};

fn define(command: Command) -> Command {
    command
        .arg(text("platform", '\0', "string", "Set platform if the registry has the image for several"))
        .arg(switch("quiet", 'q', "Suppress verbose output"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let name = typed.argument(0).unwrap_or_default();
    let platform = typed.parsed("platform", parse_platform)?;
    let reference = Reference::parse(name).map_err(|error| Failure::of(&error))?;
    let quiet = typed.is_on("quiet");
    let engine = context.engine()?;
    if !quiet {
        context.print(&heading(name, &reference))?;
    }
    let lines = Lines::on_stdout(Work::Pull);
    let progress: &dyn Progress = if quiet { &Silent } else { &lines };
    let pulled = engine.pull(&reference, platform.as_ref(), PullPolicy::Always, progress);
    lines.end();
    let pulled = pulled.map_err(|error| Failure::of(&error))?;
    if !quiet {
        context.print(&outcome(&reference, &pulled))?;
    }
    context.line(reference.as_str())?;
    Ok(0)
}

/// Docker's first lines.
fn heading(typed: &str, reference: &Reference) -> String {
    let tag = match reference.digest() {
        Some(digest) => digest.as_str(),
        None => reference.tag().unwrap_or(ids::DEFAULT_TAG),
    };
    // A colon after the last slash is a tag's; one before it belongs to a port.
    let has_tag = typed.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
    let default = if has_tag { String::new() } else { format!("Using default tag: {tag}\n") };
    format!("{default}{tag}: Pulling from {}\n", reference.repository())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_lines() {
        let digest = format!("sha256:{}", "0".repeat(64));
        for (typed, lines) in [
            ("nginx", "Using default tag: latest\nlatest: Pulling from library/nginx\n".to_owned()),
            ("nginx:1.25", "1.25: Pulling from library/nginx\n".to_owned()),
            ("localhost:5000/a/b", "Using default tag: latest\nlatest: Pulling from a/b\n".to_owned()),
            (&format!("a/b@{digest}"), format!("{digest}: Pulling from a/b\n")),
        ] {
            assert_eq!(heading(typed, &Reference::parse(typed).unwrap()), lines);
        }
    }
}
