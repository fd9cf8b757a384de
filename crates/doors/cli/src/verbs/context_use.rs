//! `context use` and `context show`: which context is in use.

use super::context_create::told;
use crate::args::{Arity, Typed, Verb};
use crate::context::Context;
use crate::contexts::{DEFAULT, Store};
use crate::failure::Failure;
use crate::settings::{file_in, set_current_context};
use crate::target::variable;

/// `context use`.
pub(crate) static CONTEXT_USE: Verb = Verb {
    name: "use",
    spellings: &["sampan context use"],
    usage: "CONTEXT",
    about: "Set the context in use",
    define: |command| command,
    refused: &[],
    arity: Arity::Exactly(1),
    run,
};

/// `context show`.
pub(crate) static CONTEXT_SHOW: Verb = Verb {
    name: "show",
    spellings: &["sampan context show"],
    usage: "",
    about: "Print the name of the context in use",
    define: |command| command,
    refused: &[],
    arity: Arity::None,
    run: |context, _| context.line(&context.context_name()).map(|()| 0),
};

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let directory = context.needed_config_directory()?;
    let name = typed.argument(0).unwrap_or_default();
    let chosen = Some(name).filter(|name| *name != DEFAULT);
    if let Some(name) = chosen {
        Store::new(&directory).read(name).map_err(Failure::from)?;
    }
    set_current_context(&file_in(&directory), chosen)?;
    told(context, name, &format!("Current context is now \"{name}\""))?;
    if chosen.is_some() && variable("DOCKER_HOST").is_some() {
        eprintln!(
            "Warning: DOCKER_HOST environment variable overrides the active context. To use \"{name}\", either set the global --context flag, or unset DOCKER_HOST environment variable."
        );
    }
    Ok(0)
}
