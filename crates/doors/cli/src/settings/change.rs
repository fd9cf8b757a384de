//! Writing the one setting that a command changes: the context in use.

use super::text_of;
use crate::failure::Failure;
use serde::Serialize;
use serde_json::{Map, Value};
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

const KEY: &str = "currentContext";

/// Names the context in use; `None` for the default one. Every other key stays as it is.
pub(crate) fn set_current_context(path: &Path, name: Option<&str>) -> Result<(), Failure> {
    let failed = |action: &str, error: &dyn std::fmt::Display| {
        Failure::new(format!("cannot {action} {}: {error}", path.display()))
    };
    let text = text_of(path).map_err(|error| failed("read", &error))?;
    let mut document: Map<String, Value> = match text.trim() {
        "" => Map::new(),
        text => serde_json::from_str(text).map_err(|error| failed("understand", &error))?,
    };
    let before = document.remove(KEY);
    if let Some(name) = name {
        document.insert(KEY.to_owned(), name.into());
    }
    if before.as_ref() == document.get(KEY) {
        return Ok(());
    }
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    document
        .serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))
        .map_err(|error| failed("write", &error))?;
    // A link stays a link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    replace(&target, &bytes).map_err(|error| failed("write", &error))
}

/// Written whole beside, then renamed over it: readers see the old or the new file.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let beside = directory.join(format!(".{}.tmp", ids::ExecId::random()));
    let written = (|| {
        let mut file = File::options().create_new(true).write(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    if written.is_err() {
        // The failure is what matters.
        let _ = fs::remove_file(&beside);
    }
    written
}
