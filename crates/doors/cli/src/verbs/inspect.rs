//! `inspect`: everything about containers, images and volumes, as JSON or through a template.

use super::each::all_told;
use crate::args::{Arity, Typed, Verb, switch, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::render::render_document;
use clap::Command;
use serde::Serialize;

/// `sampan inspect`: of any kind.
pub(crate) static INSPECT: Verb = Verb {
    name: "inspect",
    spellings: &["sampan inspect"],
    usage: "[OPTIONS] NAME|ID [NAME|ID...]",
    about: "Return low-level information on sampan objects",
    define: define_any,
    refused: &[],
    arity: Arity::AtLeast(1),
    run: run_any,
};

/// `sampan container inspect`.
pub(crate) static CONTAINER_INSPECT: Verb = Verb {
    name: "inspect",
    spellings: &["sampan container inspect"],
    usage: "[OPTIONS] CONTAINER [CONTAINER...]",
    about: "Display detailed information on one or more containers",
    define,
    refused: &[],
    arity: Arity::AtLeast(1),
    run: |context, typed| print_all(context, typed, &[container], "container"),
};

fn define(command: Command) -> Command {
    command.arg(text("format", 'f', "string", "Format output: 'json' or a Go template")).arg(switch(
        "size",
        's',
        "Display total file sizes if the type is container",
    ))
}

fn define_any(command: Command) -> Command {
    define(command).arg(text(
        "type",
        '\0',
        "string",
        "Only inspect objects of the given type: container, image, network, volume",
    ))
}

fn run_any(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let kind = typed.text("type").unwrap_or_default();
    let finders: &[Find] = match kind {
        "" => &[container, image, network, volume],
        "container" => &[container],
        "image" => &[image],
        "network" => &[network],
        "volume" => &[volume],
        other => {
            return Err(Failure::new(format!(
                "{other:?} is not a valid value for --type: use container, image, network or volume"
            )));
        }
    };
    print_all(context, typed, finders, if kind.is_empty() { "object" } else { kind })
}

/// Whether there is an object of that kind and name.
pub(crate) fn is_there(context: &Context, kind: &str, name: &str) -> Result<bool, Failure> {
    let find: Find = match kind {
        "image" => image,
        "network" => network,
        "volume" => volume,
        _ => container,
    };
    find(context, name, false).map(|found| found.is_some())
}

/// Looks an object up; `None` when there is none of that name.
type Find = fn(&Context, &str, bool) -> Result<Option<Document>, Failure>;

/// Prints every object that is found and names those that are not, as Docker does; `noun` is what they are called.
pub(crate) fn print_all(
    context: &Context,
    typed: &Typed,
    finders: &[Find],
    noun: &str,
) -> Result<u8, Failure> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for name in typed.arguments() {
        let mut document = None;
        for find in finders {
            document = find(context, name, typed.is_on("size"))?;
            if document.is_some() {
                break;
            }
        }
        match document {
            Some(document) => found.push(document),
            None => missing.push(name),
        }
    }
    print_documents(context, typed.text("format").unwrap_or_default(), &found)?;
    all_told(missing.iter().map(|name| Failure::new(format!("No such {noun}: {name}"))).collect())
}

/// Prints objects as Docker's `inspect` does.
pub(crate) fn print_documents(context: &Context, format: &str, found: &[Document]) -> Result<(), Failure> {
    let whole = |form: fn(&Document) -> &str| found.iter().map(form).collect::<Vec<_>>();
    match format {
        "" if found.is_empty() => context.line("[]")?,
        "" => context.line(&format!("[\n{}\n]", whole(|document| &document.pretty).join(",\n")))?,
        "json" => context.line(&format!("[{}]", whole(|document| &document.line).join(",")))?,
        format => {
            for document in found {
                context.print(&render_document(format, &document.line).map_err(Failure::from)?)?;
            }
        }
    }
    Ok(())
}

/// One object as JSON, with its fields in Docker's order.
pub(crate) struct Document {
    /// Four blanks per level, as an element of a list.
    pretty: String,
    /// One line, for templates too.
    line: String,
}

/// A document as JSON.
pub(crate) fn document<T: Serialize>(value: &T) -> Result<Document, Failure> {
    let line = serde_json::to_string(value).map_err(|error| Failure::of(&error))?;
    Ok(Document { pretty: pretty(value)?, line })
}

/// JSON with four blanks per level, as Docker indents it, one level in.
fn pretty<T: Serialize>(value: &T) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    value.serialize(&mut serializer).map_err(|error| Failure::of(&error))?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n"))
}

fn container(context: &Context, name: &str, size: bool) -> Result<Option<Document>, Failure> {
    match context.client()?.inspect_container(name, size) {
        Ok(whole) => document(&whole).map(Some),
        Err(failure) if failure.missing => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn image(context: &Context, name: &str, _: bool) -> Result<Option<Document>, Failure> {
    super::image_inspect::find(context, name)
}

fn network(context: &Context, name: &str, _: bool) -> Result<Option<Document>, Failure> {
    super::network_inspect::find(context, name)
}

fn volume(context: &Context, name: &str, _: bool) -> Result<Option<Document>, Failure> {
    super::volume_inspect::find(context, name)
}
