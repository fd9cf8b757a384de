//! `update`: other limits for a running container.

use super::Context;
use crate::error::CliError;
use crate::id::BundleId;
use crate::{groups, store};
use spec::runtime::Resources;
use std::io::Read;
use std::path::Path;

pub(super) fn update(context: &Context<'_>, id: &BundleId, resources: &Path) -> Result<(), CliError> {
    let record = context.store.open(id)?.created_record()?;
    let bytes = if resources == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(1024 * 1024).read_to_end(&mut bytes);
        read.map_err(CliError::std_path("read", resources))?;
        bytes
    } else {
        store::read(resources)?
    };
    let resources: Resources = store::parse(resources, &bytes)?;
    let mut group = groups::open(record.cgroup.as_ref())?
        .ok_or_else(|| CliError::Unsupported { what: "limiting a container without a cgroup".to_owned() })?;
    Ok(group.apply(&resources)?)
}
