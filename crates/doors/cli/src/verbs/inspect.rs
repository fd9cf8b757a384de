//! `inspect`: everything about containers, images and volumes, as JSON or through a template.

use crate::args::{Arity, Typed, Verb, switch, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::local::from_engine_container::inspect;
use crate::render::render_document;
use clap::Command;
use serde::Serialize;
use serde_json::Value;

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
    run: |context, typed| print_all(context, typed, &[container]),
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
        "Only inspect objects of the given type: container, image, volume",
    ))
}

fn run_any(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let finders: &[Find] = match typed.text("type").unwrap_or_default() {
        "" => &[container, image, volume],
        "container" => &[container],
        "image" => &[image],
        "volume" => &[volume],
        other => {
            return Err(Failure::new(format!(
                "{other:?} is not a valid value for --type: use container, image or volume"
            )));
        }
    };
    print_all(context, typed, finders)
}

/// Looks an object up; `None` when there is none of that name.
type Find = fn(&Context, &str, bool) -> Result<Option<Value>, Failure>;

/// Prints every object that is found and names those that are not, as Docker does.
pub(crate) fn print_all(context: &Context, typed: &Typed, finders: &[Find]) -> Result<u8, Failure> {
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
    match typed.text("format").unwrap_or_default() {
        "" => context.line(&pretty(&Value::Array(found))?)?,
        format => {
            for document in &found {
                context.print(&render_document(format, document).map_err(|error| Failure::of(&error))?)?;
            }
        }
    }
    if missing.is_empty() {
        return Ok(0);
    }
    let lines: Vec<String> = missing.iter().map(|name| format!("no such object: {name}")).collect();
    Err(Failure::new(lines.join("\n")))
}

/// JSON with four blanks per level, as Docker indents it.
fn pretty(value: &Value) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    value.serialize(&mut serializer).map_err(|error| Failure::of(&error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A document as JSON.
pub(crate) fn document<T: Serialize>(value: &T) -> Result<Value, Failure> {
    serde_json::to_value(value).map_err(|error| Failure::of(&error))
}

fn container(context: &Context, name: &str, size: bool) -> Result<Option<Value>, Failure> {
    let engine = context.engine()?;
    let view = match engine.inspect(name) {
        Ok(view) => view,
        Err(engine::LookupError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(Failure::of(&error)),
    };
    let mut whole = inspect(&view);
    if size {
        let usage = engine.disk_usage().map_err(|error| Failure::of(&error))?;
        let writable =
            usage.containers.iter().find(|one| one.view.id == view.id).map_or(0, |one| one.writable);
        let image = usage.images.images.iter().find(|one| one.info.image.id == view.image_id);
        let root = writable + image.map_or(0, |one| one.info.size);
        (whole.size_rw, whole.size_root_fs) = (i64::try_from(writable).ok(), i64::try_from(root).ok());
    }
    document(&whole).map(Some)
}

fn image(context: &Context, name: &str, _: bool) -> Result<Option<Value>, Failure> {
    super::image_inspect::find(context, name)
}

fn volume(context: &Context, name: &str, _: bool) -> Result<Option<Value>, Failure> {
    super::volume_inspect::find(context, name)
}
