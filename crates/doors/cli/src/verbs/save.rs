//! `save`: images as an archive that `load`, Docker, skopeo and others read.

use crate::args::{Arity, Typed, Verb, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::output_file::write_archive;
use clap::Command;
use engine::image::parse_platform;

/// The verb.
pub(crate) static SAVE: Verb = Verb {
    name: "save",
    spellings: &["sampan image save", "sampan save"],
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    about: "Save one or more images to a tar archive (streamed to STDOUT by default)",
    define,
    refused: &[],
    arity: Arity::AtLeast(1),
    run,
};

fn define(command: Command) -> Command {
    command.arg(text("output", 'o', "string", "Write to a file, instead of STDOUT")).arg(text(
        "platform",
        '\0',
        "string",
        "Save only the given platform, like linux/arm64",
    ))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let platform = typed.parsed("platform", parse_platform)?;
    let images = context.engine()?.images().map_err(|error| Failure::of(&error))?;
    write_archive(typed.text("output"), "save image", "Saving", |out| {
        images.save(&typed.arguments(), platform.as_ref(), out).map_err(|error| Failure::of(&error))
    })?;
    Ok(0)
}
