//! `context inspect`: everything about contexts, as JSON or through a template.

use super::context_create::existing;
use super::each::all_told;
use super::inspect::{Document, document, print_documents};
use crate::args::{Arity, Typed, Verb, text};
use crate::context::Context;
use crate::contexts::{DEFAULT, Store};
use crate::failure::Failure;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The verb.
pub(crate) static CONTEXT_INSPECT: Verb = Verb {
    name: "inspect",
    spellings: &["sampan context inspect"],
    usage: "[OPTIONS] [CONTEXT] [CONTEXT...]",
    about: "Display detailed information on one or more contexts",
    define: |command| command.arg(text("format", 'f', "string", "Format output: 'json' or a Go template")),
    refused: &[],
    arity: Arity::AtLeast(0),
    run,
};

/// What Docker shows of a context.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    name: String,
    metadata: Map<String, Value>,
    endpoints: BTreeMap<String, Value>,
    #[serde(rename = "TLSMaterial")]
    tls_material: BTreeMap<String, Vec<String>>,
    storage: Storage,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Storage {
    metadata_path: String,
    #[serde(rename = "TLSPath")]
    tls_path: String,
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let store = Store::new(&context.needed_config_directory()?);
    let mut names: Vec<String> = typed.arguments().into_iter().map(str::to_owned).collect();
    if names.is_empty() {
        names.push(context.context_name());
    }
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in &names {
        match shown(context, &store, name) {
            Ok(document) => found.push(document),
            Err(failure) => failures.push(failure),
        }
    }
    print_documents(context, typed.text("format").unwrap_or_default(), &found)?;
    all_told(failures)
}

fn shown(context: &Context, store: &Store, name: &str) -> Result<Document, Failure> {
    let (meta, certificates) = existing(context, store, name)?;
    let in_memory = name == DEFAULT;
    let path = |path: std::path::PathBuf| {
        if in_memory { "<IN MEMORY>".to_owned() } else { path.display().to_string() }
    };
    let storage = Storage {
        metadata_path: path(store.meta_directory(name)),
        tls_path: path(store.tls_directory(name)),
    };
    let files = certificates.into_iter().map(|(endpoint, files)| (endpoint, files.into_keys().collect()));
    document(&Shown {
        name: meta.name,
        // Docker shows the text of the default one in the list alone.
        metadata: if in_memory { Map::new() } else { meta.metadata },
        endpoints: meta.endpoints,
        tls_material: files.collect(),
        storage,
    })
    .map_err(|failure| Failure::new(format!("{name}: {}", failure.message)))
}
