//! `create`: makes a container without starting it.

use crate::args::{Arity, Typed, Verb};
use crate::client::{Client, CreateQuery, PullPolicy, Refusal};
use crate::context::Context;
use crate::failure::Failure;
use crate::request::{self, refuse};
use docker_model::ContainerCreateRequest;
use ids::Reference;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// The verb.
pub(crate) static CREATE: Verb = Verb {
    name: "create",
    spellings: &["sampan container create", "sampan create"],
    usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
    about: "Create a new container",
    define: request::define,
    refused: request::CREATE_REFUSED,
    arity: Arity::Trailing(1),
    run,
};

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let mut request = request::create_request(typed)?;
    request::add_proxies(context, typed, &mut request)?;
    let query =
        CreateQuery { name: typed.text("name"), platform: typed.text("platform"), pull: pull_policy(typed)? };
    let mut cid_file = CidFile::claim(typed.text("cidfile"))?;
    // As in Docker, 125 is for what is wrong on the command line.
    let created = with_image(context, typed, &request, &query, |client| client.create(&request, &query))
        .map_err(|failure| failure.with_code(1))?;
    cid_file.write(&created.id)?;
    created.warnings.iter().for_each(|warning| context.warn_as_docker(warning));
    context.line(&created.id)?;
    Ok(0)
}

/// `--pull`.
pub(super) fn pull_policy(typed: &Typed) -> Result<PullPolicy, Failure> {
    match typed.text("pull").unwrap_or("missing") {
        "missing" | "" => Ok(PullPolicy::Missing),
        "always" => Ok(PullPolicy::Always),
        "never" => Ok(PullPolicy::Never),
        other => Err(refuse(format!(
            "invalid pull option: '{other}': must be one of \"always\", \"missing\" or \"never\""
        ))),
    }
}

/// Does what needs the image, which is pulled when the policy says so.
pub(super) fn with_image<T>(
    context: &Context,
    typed: &Typed,
    request: &ContainerCreateRequest,
    query: &CreateQuery<'_>,
    mut act: impl FnMut(&dyn Client) -> Result<T, Refusal>,
) -> Result<T, Failure> {
    let client = context.client()?;
    let image = &request.config.image;
    let pull = || {
        super::pulling::pull(context, image, query.platform, typed.is_on("quiet"))
            .map_err(|failure| failure.with_code(125))
    };
    if query.pull == PullPolicy::Always {
        pull()?;
    }
    match act(client) {
        Err(Refusal::NoImage) => {}
        Err(Refusal::Failed(failure)) => return Err(failure),
        Ok(done) => return Ok(done),
    }
    if !typed.is_on("quiet") {
        let shown = Reference::parse(image).map_or_else(|_| image.clone(), |reference| reference.familiar());
        // One for another platform may be there.
        let platform = query.platform.map(|platform| format!(" for {platform}")).unwrap_or_default();
        eprintln!("Unable to find image '{shown}'{platform} locally");
    }
    pull()?;
    match act(client) {
        Ok(done) => Ok(done),
        Err(Refusal::Failed(failure)) => Err(failure),
        Err(Refusal::NoImage) => {
            Err(refuse(format!("image {image} was removed by somebody else after it was pulled")))
        }
    }
}

/// `--cidfile`: claimed before anything is made, written when the id is known, removed if it never is.
#[derive(Debug, Default)]
pub(super) struct CidFile {
    open: Option<(PathBuf, File)>,
    written: bool,
}

impl CidFile {
    /// Creates the file; one that exists is somebody else's.
    pub(super) fn claim(path: Option<&str>) -> Result<Self, Failure> {
        let Some(path) = path.filter(|path| !path.is_empty()).map(PathBuf::from) else {
            return Ok(Self::default());
        };
        match File::create_new(&path) {
            Ok(file) => Ok(Self { open: Some((path, file)), written: false }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(refuse(format!(
                "container ID file found, make sure the other container isn't running or delete {}",
                path.display()
            ))),
            Err(error) => {
                Err(refuse(format!("failed to create the container ID file {}: {error}", path.display())))
            }
        }
    }

    /// Writes the id.
    pub(super) fn write(&mut self, id: &str) -> Result<(), Failure> {
        self.written = true;
        match &mut self.open {
            None => Ok(()),
            Some((path, file)) => file.write_all(id.as_bytes()).map_err(|error| {
                refuse(format!("failed to write the container ID to the file {}: {error}", path.display()))
            }),
        }
    }
}

impl Drop for CidFile {
    fn drop(&mut self) {
        if let Some((path, _)) = self.open.as_ref().filter(|_| !self.written) {
            // An empty file is all that stays if this fails.
            let _ = std::fs::remove_file(path);
        }
    }
}
