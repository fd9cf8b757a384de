//! `image inspect`: everything about images.

use super::inspect::Document;
use crate::args::{Arity, Refused, Verb, text};
use crate::client::local::from_engine_image::inspect;
use crate::context::Context;
use crate::failure::Failure;

/// The verb.
pub(crate) static IMAGE_INSPECT: Verb = Verb {
    name: "inspect",
    spellings: &["sampan image inspect"],
    usage: "[OPTIONS] IMAGE [IMAGE...]",
    about: "Display detailed information on one or more images",
    define: |command| command.arg(text("format", 'f', "string", "Format output: 'json' or a Go template")),
    refused: &[Refused {
        name: "platform",
        short: '\0',
        reason: "this store keeps one platform of an image",
    }],
    arity: Arity::AtLeast(1),
    run: |context, typed| {
        super::inspect::print_all(context, typed, &[|context, name, _| find(context, name)], "image")
    },
};

/// An image's document; `None` when there is none of that name.
pub(crate) fn find(context: &Context, name: &str) -> Result<Option<Document>, Failure> {
    let images = context.engine()?.images().map_err(|error| Failure::of(&error))?;
    match images.inspect(name) {
        Ok(info) => super::inspect::document(&inspect(&info)).map(Some),
        Err(engine::image::GetError::NotFound { .. } | engine::image::GetError::Reference(_)) => Ok(None),
        Err(error) => Err(Failure::of(&error)),
    }
}
