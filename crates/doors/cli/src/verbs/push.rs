//! `push`: gives an image to its registry.

use crate::args::{Arity, Refused, Typed, Verb, switch, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::{Lines, Work};
use clap::Command;
use engine::Engine;
use engine::image::{PushProgress, PushStep, parse_platform};
use engine::spec::image::Platform;
use ids::{Digest, Reference};

/// The verb.
pub(crate) static PUSH: Verb = Verb {
    name: "push",
    spellings: &["sampan image push", "sampan push"],
    usage: "[OPTIONS] NAME[:TAG]",
    about: "Upload an image to a registry",
    define,
    refused: &[Refused {
        name: "disable-content-trust",
        short: '\0',
        reason: "Docker Content Trust is not there, so that nothing is signed",
    }],
    arity: Arity::Exactly(1),
    run,
};

fn define(command: Command) -> Command {
    command
        .arg(switch("all-tags", 'a', "Push all tags of an image to the repository"))
        .arg(text("platform", '\0', "string", "Push the image only if it is for this platform"))
        .arg(switch("quiet", 'q', "Suppress verbose output"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let name = typed.argument(0).unwrap_or_default();
    let platform = typed.parsed("platform", parse_platform)?;
    let reference = Reference::parse(name).map_err(|error| Failure::of(&error))?;
    let (quiet, all) = (typed.is_on("quiet"), typed.is_on("all-tags"));
    // A colon after the last slash is a tag's; one before it belongs to a port.
    let has_tag = name.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
    if all && has_tag {
        return Err(Failure::new("tag can't be used with --all-tags/-a"));
    }
    let engine = context.engine()?;
    let references = if all { tags(engine, &reference)? } else { vec![reference.clone()] };
    if !quiet {
        if !all && !has_tag {
            context.line("Using default tag: latest")?;
        }
        context.line(&format!("The push refers to repository [{}]", reference.name()))?;
    }
    for reference in &references {
        push(context, engine, reference, platform.as_ref(), quiet)?;
    }
    Ok(0)
}

fn tags(engine: &Engine, name: &Reference) -> Result<Vec<Reference>, Failure> {
    let store = engine.images().map_err(|error| Failure::of(&error))?;
    let tags = store.tags_of(name).map_err(|error| Failure::of(&error))?;
    if tags.is_empty() {
        let name = name.familiar_name();
        return Err(Failure::new(format!("An image does not exist locally with the name: {name}")));
    }
    Ok(tags)
}

fn push(
    context: &Context,
    engine: &Engine,
    reference: &Reference,
    platform: Option<&Platform>,
    quiet: bool,
) -> Result<(), Failure> {
    let lines = Lines::on_stdout(Work::Push);
    let progress: &dyn PushProgress = if quiet { &Silent } else { &lines };
    let pushed = engine.push(reference, platform, progress).map_err(|error| {
        lines.end();
        Failure::of(&error)
    })?;
    if quiet {
        return context.line(reference.as_str());
    }
    let tag = reference.tag().unwrap_or(ids::DEFAULT_TAG);
    context.line(&format!("{tag}: digest: {} size: {}", pushed.digest, pushed.size))
}

struct Silent;

impl PushProgress for Silent {
    fn layer(&self, _diff_id: &Digest, _step: PushStep) {}
}
