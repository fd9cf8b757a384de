//! `update`: other limits for a running container.

use super::Context;
use crate::arguments::UpdateOptions;
use crate::error::CliError;
use crate::store::Status;
use crate::{groups, store};
use spec::runtime::Resources;
use std::io::Read;
use std::path::Path;

pub(super) fn update(context: &Context<'_>, options: &UpdateOptions) -> Result<(), CliError> {
    let container = context.store.open(&options.id)?;
    let record = container.created_record()?;
    let status = container.status(Some(&record));
    if status == Status::Stopped {
        return Err(container.wrong(status, "only one with processes has limits"));
    }
    let resources = match &options.document {
        Some(path) => document(path)?,
        None => options.resources.clone(),
    };
    let mut group = groups::open(record.cgroup.as_ref())?
        .ok_or_else(|| CliError::Unsupported { what: "limiting a container without a cgroup".to_owned() })?;
    Ok(group.apply(&resources)?)
}

/// Reads the limits of a file or of standard input.
fn document(resources: &Path) -> Result<Resources, CliError> {
    let bytes = if resources == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(1024 * 1024).read_to_end(&mut bytes);
        read.map_err(CliError::std_path("read", resources))?;
        bytes
    } else {
        store::read(resources)?
    };
    store::parse(resources, &bytes)
}
