//! `rmi`: removes names of images, and images with their last name.

use super::each::all_told;
use crate::args::{Arity, Refused, Typed, Verb, switch};
use crate::context::Context;
use crate::failure::Failure;
use clap::Command;
use engine::image::{Force, GetError, RemoveError};
use engine::images::RemoveImageError;

/// The verb.
pub(crate) static RMI: Verb = Verb {
    name: "rmi",
    spellings: &["sampan image rm", "sampan image remove", "sampan rmi"],
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    about: "Remove one or more images",
    define,
    refused: &[
        Refused {
            name: "no-prune",
            short: '\0',
            reason: "there are no untagged parents; layers go with their last image",
        },
        Refused { name: "platform", short: '\0', reason: "images are kept for one platform each" },
    ],
    arity: Arity::AtLeast(1),
    run,
};

fn define(command: Command) -> Command {
    command.arg(switch("force", 'f', "Force removal of the image"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let engine = context.engine()?;
    let force = if typed.is_on("force") { Force::Yes } else { Force::No };
    let mut failures = Vec::new();
    for name in typed.arguments() {
        match engine.remove_image(name, force) {
            Ok(removed) => {
                let lines: Vec<String> = removed.iter().map(|one| format!("{one}\n")).collect();
                context.print(&lines.concat())?;
            }
            // Docker: a forced removal of what is not there tells so, and yet succeeds.
            Err(error) if force == Force::Yes && is_missing(&error) => {
                context.warn(&Failure::of(&error).message);
            }
            Err(error) => failures.push(Failure::of(&error)),
        }
    }
    all_told(failures)
}

fn is_missing(error: &RemoveImageError) -> bool {
    matches!(error, RemoveImageError::Remove(RemoveError::Get(GetError::NotFound { .. })))
}
