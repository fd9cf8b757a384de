//! podman's `container exists` and its sisters: the exit code says whether something is there, and nothing is printed.

use super::inspect::is_there;
use crate::args::{Arity, Typed, Verb};
use crate::context::Context;
use crate::failure::Failure;

macro_rules! verb {
    ($kind:literal) => {
        Verb {
            name: "exists",
            spellings: &[concat!("sampan ", $kind, " exists")],
            usage: "NAME|ID",
            about: concat!("Check if a ", $kind, " exists"),
            define: |command| command,
            refused: &[],
            arity: Arity::Exactly(1),
            run: |context, typed| run(context, typed, $kind),
        }
    };
}

static OF_CONTAINERS: Verb = verb!("container");
static OF_IMAGES: Verb = verb!("image");
static OF_NETWORKS: Verb = verb!("network");
static OF_VOLUMES: Verb = verb!("volume");

/// The verb for a noun.
pub(crate) fn exists(noun: &str) -> Option<&'static Verb> {
    match noun {
        "container" => Some(&OF_CONTAINERS),
        "image" => Some(&OF_IMAGES),
        "network" => Some(&OF_NETWORKS),
        "volume" => Some(&OF_VOLUMES),
        _ => None,
    }
}

fn run(context: &Context, typed: &Typed, kind: &str) -> Result<u8, Failure> {
    let found = is_there(context, kind, typed.argument(0).unwrap_or_default());
    // 125 is for what cannot be found out.
    found.map(|there| u8::from(!there)).map_err(|failure| failure.with_code(125))
}
