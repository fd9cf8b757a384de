//! `pause` and `unpause`: freeze and thaw containers.

use super::each::each;
use crate::args::{Arity, Verb};

/// `pause`.
pub(crate) static PAUSE: Verb = Verb {
    name: "pause",
    spellings: &["sampan container pause", "sampan pause"],
    usage: "CONTAINER [CONTAINER...]",
    about: "Pause all processes within one or more containers",
    define: |command| command,
    refused: &[],
    arity: Arity::AtLeast(1),
    run: |context, typed| {
        let client = context.client()?;
        each(context, typed, |name| client.pause(name))
    },
};

/// `unpause`.
pub(crate) static UNPAUSE: Verb = Verb {
    name: "unpause",
    spellings: &["sampan container unpause", "sampan unpause"],
    usage: "CONTAINER [CONTAINER...]",
    about: "Unpause all processes within one or more containers",
    define: |command| command,
    refused: &[],
    arity: Arity::AtLeast(1),
    run: |context, typed| {
        let client = context.client()?;
        each(context, typed, |name| client.unpause(name))
    },
};
