//! `context rm`: removes contexts.

use super::each::each;
use crate::args::{Arity, Typed, Verb, switch};
use crate::context::Context;
use crate::contexts::{DEFAULT, Store};
use crate::failure::Failure;
use crate::settings::{file_in, set_current_context};

/// The verb.
pub(crate) static CONTEXT_RM: Verb = Verb {
    name: "rm",
    spellings: &["sampan context rm", "sampan context remove"],
    usage: "CONTEXT [CONTEXT...]",
    about: "Remove one or more contexts",
    define: |command| command.arg(switch("force", 'f', "Force the removal of a context in use")),
    refused: &[],
    arity: Arity::AtLeast(1),
    run,
};

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let directory = context.needed_config_directory()?;
    let store = Store::new(&directory);
    let force = typed.is_on("force");
    each(context, typed, |name| {
        if name == DEFAULT {
            return Err(Failure::new("context \"default\" cannot be removed"));
        }
        if !force && !store.has(name) {
            return Err(Failure::new(format!("context {name:?} does not exist")));
        }
        if name == context.context_name() && !force {
            return Err(Failure::new(format!("context {name:?} is in use, set -f flag to force remove")));
        }
        if name == context.settings().current_context {
            set_current_context(&file_in(&directory), None)?;
        }
        store.remove(name).map_err(Failure::from)
    })
}
