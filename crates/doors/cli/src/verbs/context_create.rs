//! `context create` and `context update`: a name for another place to run containers at.

use crate::args::{Arity, Typed, UsageError, Verb, list, text};
use crate::context::Context;
use crate::contexts::{
    Certificates, ContextError, DEFAULT, DEFAULT_DESCRIPTION, DOCKER, DockerEndpoint, EndpointSpec, Meta,
    Store, check_name,
};
use crate::failure::Failure;
use crate::parse::endpoint_pairs;
use clap::Command;

/// `context create`.
pub(crate) static CONTEXT_CREATE: Verb = Verb {
    name: "create",
    spellings: &["sampan context create"],
    usage: "[OPTIONS] CONTEXT",
    about: "Create a context",
    define: |command| {
        define(command).arg(text("from", '\0', "string", "Create context from a named context"))
    },
    refused: &[],
    arity: Arity::Exactly(1),
    run: create,
};

/// `context update`.
pub(crate) static CONTEXT_UPDATE: Verb = Verb {
    name: "update",
    spellings: &["sampan context update"],
    usage: "[OPTIONS] CONTEXT",
    about: "Update a context",
    define,
    refused: &[],
    arity: Arity::Exactly(1),
    run: update,
};

fn define(command: Command) -> Command {
    command.arg(text("description", '\0', "string", "Description of the context")).arg(list(
        "docker",
        '\0',
        "stringToString",
        "Set the docker endpoint: pairs of host, from (another context), ca, cert, key, skip-tls-verify (default [])",
    ))
}

/// `--docker`, which may be repeated.
fn spec(typed: &Typed) -> Result<EndpointSpec, UsageError> {
    let pairs = typed.parsed_list("docker", endpoint_pairs)?;
    Ok(EndpointSpec::new(pairs.into_iter().flatten()))
}

fn create(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let store = Store::new(&context.needed_config_directory()?);
    let name = typed.argument(0).unwrap_or_default();
    check_name(name).map_err(Failure::from)?;
    let spec = spec(typed)?;
    if store.has(name) {
        return Err(Failure::from(ContextError::Exists { name: name.to_owned() }));
    }
    let from = typed.text("from").filter(|from| !from.is_empty());
    if from.is_some() && !spec.is_empty() {
        return Err(Failure::new("cannot use --docker flag when --from is set"));
    }
    let (mut meta, certificates) = if spec.is_empty() {
        // As Docker does, a context that is not described is the one in use under another name.
        existing(context, &store, &from.map_or_else(|| context.context_name(), str::to_owned))?
    } else {
        let (endpoint, certificates) = described(context, &store, &spec)?;
        let mut meta = Meta::default();
        meta.set_docker(&endpoint);
        (meta, certificates)
    };
    name.clone_into(&mut meta.name);
    if let Some(description) = typed.text("description").filter(|text| !text.is_empty()) {
        meta.set_description(description);
    }
    store.write(&meta, &certificates).map_err(Failure::from)?;
    told(context, name, &format!("Successfully created context \"{name}\""))
}

fn update(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let store = Store::new(&context.needed_config_directory()?);
    let name = typed.argument(0).unwrap_or_default();
    check_name(name).map_err(Failure::from)?;
    let mut meta = store.read(name).map_err(Failure::from)?;
    let mut certificates = store.certificates(name).map_err(Failure::from)?;
    let spec = spec(typed)?;
    if let Some(description) = typed.text("description").filter(|text| !text.is_empty()) {
        meta.set_description(description);
    }
    if !spec.is_empty() {
        let (endpoint, mut new) = described(context, &store, &spec)?;
        meta.set_docker(&endpoint);
        certificates.remove(DOCKER);
        certificates.append(&mut new);
    }
    store.write(&meta, &certificates).map_err(Failure::from)?;
    told(context, name, &format!("Successfully updated context \"{name}\""))
}

/// A context with its certificates, the default one too.
pub(super) fn existing(
    context: &Context,
    store: &Store,
    name: &str,
) -> Result<(Meta, Certificates), Failure> {
    if name != DEFAULT {
        let meta = store.read(name).map_err(Failure::from)?;
        return Ok((meta, store.certificates(name).map_err(Failure::from)?));
    }
    let mut meta = Meta { name: DEFAULT.to_owned(), ..Meta::default() };
    meta.set_description(DEFAULT_DESCRIPTION);
    meta.set_docker(&DockerEndpoint::at(context.asked().default_host()));
    Ok((meta, Certificates::new()))
}

/// The endpoint that `--docker` describes, or the one that it says to copy.
fn described(
    context: &Context,
    store: &Store,
    spec: &EndpointSpec,
) -> Result<(DockerEndpoint, Certificates), Failure> {
    let Some(from) = spec.from() else { return spec.read().map_err(Failure::from) };
    let (meta, mut certificates) = existing(context, store, from).map_err(|failure| {
        Failure::new(format!("unable to create docker endpoint config: {}", failure.message))
    })?;
    certificates.retain(|endpoint, _| endpoint == DOCKER);
    Ok((meta.docker(), certificates))
}

/// The name for scripts, the sentence for people.
pub(super) fn told(context: &Context, name: &str, sentence: &str) -> Result<u8, Failure> {
    context.line(name)?;
    eprintln!("{sentence}");
    Ok(0)
}
