//! `context export` and `context import`: a context as a file, to be carried to another machine.

use super::context_create::told;
use crate::args::{Arity, Typed, Verb};
use crate::context::Context;
use crate::contexts::{ContextError, DEFAULT, Store, check_name, pack, unpack};
use crate::failure::Failure;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;

/// `context export`.
pub(crate) static CONTEXT_EXPORT: Verb = Verb {
    name: "export",
    spellings: &["sampan context export"],
    usage: "CONTEXT [FILE|-]",
    about: "Export a context to a tar archive FILE or a tar stream on STDOUT.",
    define: |command| command,
    refused: &[],
    arity: Arity::Between(1, 2),
    run: export,
};

/// `context import`.
pub(crate) static CONTEXT_IMPORT: Verb = Verb {
    name: "import",
    spellings: &["sampan context import"],
    usage: "CONTEXT FILE|-",
    about: "Import a context from a tar file",
    define: |command| command,
    refused: &[],
    arity: Arity::Exactly(2),
    run: import,
};

/// How a zip archive begins.
const ZIP: &[u8] = b"PK\x03\x04";

fn export(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let store = Store::new(&context.needed_config_directory()?);
    let name = typed.argument(0).unwrap_or_default();
    if name == DEFAULT {
        return Err(Failure::new(
            "context \"default\" is this machine and cannot be exported; make one to export with 'sampan context create'",
        ));
    }
    let meta = store.read(name).map_err(Failure::from)?;
    let certificates = store.certificates(name).map_err(Failure::from)?;
    let bytes = pack(&meta, &certificates).map_err(|error| Failure::of(&error))?;
    let path = typed.argument(1).map_or_else(|| format!("{name}.dockercontext"), str::to_owned);
    if path == "-" {
        if io::stdout().is_terminal() {
            return Err(Failure::new("cowardly refusing to export to a terminal, specify a file path"));
        }
        return match io::stdout().write_all(&bytes) {
            Ok(()) => Ok(0),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::silent(141)),
            Err(error) => Err(Failure::new(format!("cannot write to standard output: {error}"))),
        };
    }
    // Keys are among it.
    let opened = File::options().create_new(true).write(true).mode(0o600).open(&path);
    let mut file = opened.map_err(|error| Failure::new(format!("open {path}: {error}")))?;
    file.write_all(&bytes).map_err(|error| {
        // Half an archive is of no use to anybody.
        let _ = std::fs::remove_file(&path);
        Failure::new(format!("cannot write {path}: {error}"))
    })?;
    eprintln!("Written file \"{path}\"");
    Ok(0)
}

fn import(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let store = Store::new(&context.needed_config_directory()?);
    let (name, path) = (typed.argument(0).unwrap_or_default(), typed.argument(1).unwrap_or_default());
    check_name(name).map_err(Failure::from)?;
    if store.has(name) {
        return Err(Failure::from(ContextError::Exists { name: name.to_owned() }));
    }
    let mut from: Box<dyn Read> = match path {
        "-" => Box::new(io::stdin()),
        path => Box::new(File::open(path).map_err(|error| Failure::new(format!("open {path}: {error}")))?),
    };
    let mut begins = Vec::new();
    from.by_ref()
        .take(ZIP.len() as u64)
        .read_to_end(&mut begins)
        .map_err(|error| Failure::new(format!("cannot read {path}: {error}")))?;
    if begins == ZIP {
        return Err(Failure::new(format!(
            "{path} is a zip archive, which is not supported by this version of sampan; unpack it, and import a tar archive of the same files"
        )));
    }
    let (mut meta, certificates) = unpack(begins.as_slice().chain(from)).map_err(Failure::from)?;
    name.clone_into(&mut meta.name);
    store.write(&meta, &certificates).map_err(Failure::from)?;
    told(context, name, &format!("Successfully imported context \"{name}\""))
}
