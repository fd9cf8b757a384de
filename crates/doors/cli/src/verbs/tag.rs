//! `tag`: gives an image another name.

use crate::args::{Arity, Typed, Verb};
use crate::context::Context;
use crate::failure::Failure;
use ids::Reference;

/// The verb.
pub(crate) static TAG: Verb = Verb {
    name: "tag",
    spellings: &["sampan image tag", "sampan tag"],
    usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    about: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
    define: |command| command,
    refused: &[],
    arity: Arity::Exactly(2),
    run,
};

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let (source, target) = (typed.argument(0).unwrap_or_default(), typed.argument(1).unwrap_or_default());
    let target = Reference::parse(target).map_err(|error| Failure::of(&error))?;
    let engine = context.engine()?;
    let store = engine.images().map_err(|error| Failure::of(&error))?;
    store.tag(source, &target).map_err(|error| Failure::of(&error))?;
    let tagged = store.get(target.as_str()).map_err(|error| Failure::of(&error))?;
    engine.tell_of_image("tag", &tagged.id, Some(&target));
    Ok(0)
}
