//! What `run`, `create` and `pull` have in common: pulling, and its last lines.

use crate::context::Context;
use crate::failure::Failure;
use crate::progress::{Lines, Work};
use engine::image::{PullStatus, Pulled, Silent};
use ids::Reference;

/// Pulls an image; what goes on is told on standard error unless `quiet`.
pub(super) fn pull(
    context: &Context,
    image: &str,
    platform: Option<&str>,
    quiet: bool,
) -> Result<(), Failure> {
    let client = context.client()?;
    if quiet {
        return client.pull(image, platform, &Silent).map(drop);
    }
    let reference = Reference::parse(image).map_err(|error| Failure::of(&error))?;
    eprintln!("{}: Pulling from {}", reference.tag().unwrap_or("latest"), reference.repository());
    let progress = Lines::on_stderr(Work::Pull);
    let pulled = client.pull(image, platform, &progress);
    progress.end();
    let pulled = pulled?;
    eprint!("{}", outcome(&reference, &pulled));
    Ok(())
}

/// Docker's last lines of a pull: the digest, and whether anything was new.
pub(super) fn outcome(reference: &Reference, pulled: &Pulled) -> String {
    let digest = pulled.digest.as_ref().map(|digest| format!("Digest: {digest}\n")).unwrap_or_default();
    let status = match pulled.status {
        PullStatus::Downloaded => "Downloaded newer image for",
        PullStatus::UpToDate => "Image is up to date for",
    };
    format!("{digest}Status: {status} {}\n", reference.familiar())
}
