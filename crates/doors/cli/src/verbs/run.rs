//! `run`: creates a container from an image and starts it.

use super::create::{CidFile, pull_policy, with_image};
use super::foreground::{Streamed, follow, streams_of};
use crate::args::{Arity, Typed, Verb};
use crate::client::{CreateQuery, StartQuery, Streams};
use crate::context::Context;
use crate::failure::Failure;
use crate::foreground::{Caught, DetachKeys};
use crate::request::{self, refuse};
use docker_model::ContainerCreateRequest;

/// The verb.
pub(crate) static RUN: Verb = Verb {
    name: "run",
    spellings: &["sampan container run", "sampan run"],
    usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    about: "Create and run a new container from an image",
    define: request::define_run,
    refused: request::RUN_REFUSED,
    arity: Arity::Trailing(1),
    run,
};

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let mut request = request::create_request(typed)?;
    request::add_proxies(context, typed, &mut request)?;
    let detached = typed.is_on("detach");
    if detached && !typed.list("attach").is_empty() {
        return Err(refuse("conflicting options: cannot specify both --attach and --detach"));
    }
    let keys =
        DetachKeys::parse(context.detach_keys(typed)).map_err(|error| Failure::of(&error).with_code(125))?;
    let streams = streams_of(&request.config);
    super::foreground::check_terminal(streams.stdin, request.config.tty)?;
    let size = crate::foreground::size().filter(|_| request.config.tty);
    if let Some((rows, columns)) = size {
        request.host_config.console_size = [rows, columns];
    }
    let start = StartQuery { streams, terminal_size: size, wait: !detached };
    let query =
        CreateQuery { name: typed.text("name"), platform: typed.text("platform"), pull: pull_policy(typed)? };
    let mut cid_file = CidFile::claim(typed.text("cidfile"))?;
    if detached {
        let process = with_image(context, typed, &request, &query, |client| {
            client.run(&request, &query, &StartQuery { streams: Streams::default(), ..start })
        })?;
        cid_file.write(&process.id)?;
        process.warnings.iter().for_each(|warning| context.warn_as_docker(warning));
        context.line(&process.id)?;
        return Ok(0);
    }
    attached(context, typed, &request, &query, &start, keys, &mut cid_file)
}

fn attached(
    context: &Context,
    typed: &Typed,
    request: &ContainerCreateRequest,
    query: &CreateQuery<'_>,
    start: &StartQuery,
    keys: DetachKeys,
    cid_file: &mut CidFile,
) -> Result<u8, Failure> {
    let mut caught = None;
    let process = with_image(context, typed, request, query, |client| {
        // Caught before the start, so that none is lost, but not while an image is pulled, which Ctrl-C must end.
        caught = Some(
            Caught::new(typed.is_on("sig-proxy"))
                .map_err(|errno| refuse(format!("cannot catch signals: {errno}")))?,
        );
        let outcome = client.run(request, query, start);
        if outcome.is_err() {
            caught = None;
        }
        outcome
    })?;
    cid_file.write(&process.id)?;
    process.warnings.iter().for_each(|warning| context.warn_as_docker(warning));
    let Some(caught) = caught else { return Ok(0) };
    follow(context, Streamed { process, caught, stdin: start.streams.stdin, keys, remove: true })
}
