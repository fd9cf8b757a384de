//! `load`: takes images from an archive, as `docker save`, skopeo, buildx and others write them.

use crate::args::{Arity, Typed, Verb, switch, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::{Lines, Work};
use clap::Command;
use engine::image::{Loaded, Progress, Silent, parse_platform};
use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::path::Path;

/// The verb.
pub(crate) static LOAD: Verb = Verb {
    name: "load",
    spellings: &["sampan image load", "sampan load"],
    usage: "[OPTIONS]",
    about: "Load an image from a tar archive or STDIN",
    define,
    refused: &[],
    arity: Arity::None,
    run,
};

fn define(command: Command) -> Command {
    command
        .arg(text(
            "input",
            'i',
            "string",
            "Read from tar archive file, or OCI layout directory, instead of STDIN",
        ))
        .arg(text("platform", '\0', "string", "Load only the given platform, like linux/arm64"))
        .arg(switch("quiet", 'q', "Suppress the load output"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let platform = typed.parsed("platform", parse_platform)?;
    let lines = Lines::on_stderr(Work::Load);
    // As in Docker, only a terminal is shown how it goes.
    let shown = !typed.is_on("quiet") && io::stderr().is_terminal();
    let progress: &dyn Progress = if shown { &lines } else { &Silent };
    let input = typed.text("input").filter(|path| !path.is_empty());
    if input.is_none() && io::stdin().is_terminal() {
        return Err(Failure::new("requested load from stdin, but stdin is empty")
            .with_hint("name an archive with -i, or send one: sampan load < FILE"));
    }
    let engine = context.engine()?;
    let store = engine.images().map_err(|error| Failure::of(&error))?;
    let loaded = match input {
        Some(path) => store.load_path(Path::new(path), platform.as_ref(), progress),
        None => store.load(io::stdin(), platform.as_ref(), progress),
    };
    lines.end();
    let loaded = loaded.map_err(|error| Failure::of(&error))?;
    loaded.iter().for_each(|one| engine.tell_of_image("load", &one.image.id, one.references.first()));
    context.print(&told(&loaded))?;
    Ok(0)
}

/// Docker's report.
fn told(loaded: &[Loaded]) -> String {
    let mut text = String::new();
    for one in loaded {
        for (name, id) in &one.replaced {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "The image {} already exists, renaming the old one with ID {id} to empty string",
                name.familiar()
            );
        }
        for name in &one.references {
            let _ = writeln!(text, "Loaded image: {}", name.familiar());
        }
        if one.references.is_empty() {
            let _ = writeln!(text, "Loaded image ID: {}", one.image.id);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::image::Image;
    use ids::{Digest, Reference};

    #[test]
    fn names_ids_and_replaced_names_are_told() {
        let digest = Digest::from_sha256([7; 32]);
        let image = Image {
            id: digest.clone(),
            manifest: digest.clone(),
            config: engine::spec::image::ImageConfig::default(),
            layers: Vec::new(),
        };
        let name = Reference::parse("busybox").unwrap();
        let named = Loaded {
            image: image.clone(),
            references: vec![name.clone()],
            replaced: vec![(name, digest.clone())],
        };
        let nameless = Loaded { image, references: Vec::new(), replaced: Vec::new() };
        assert_eq!(
            told(&[named, nameless]),
            format!(
                "The image busybox:latest already exists, renaming the old one with ID {digest} to empty string\n\
                 Loaded image: busybox:latest\nLoaded image ID: {digest}\n"
            )
        );
    }
}
