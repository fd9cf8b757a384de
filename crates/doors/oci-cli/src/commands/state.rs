//! `state`: what a container is doing (runtime.md, "State").

use super::Context;
use crate::error::CliError;
use crate::id::BundleId;
use crate::store::{Container, Record, Status};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The specification's document, and what runc adds to it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct View {
    oci_version: String,
    pub(super) id: String,
    pub(super) pid: i32,
    pub(super) status: &'static str,
    pub(super) bundle: PathBuf,
    rootfs: PathBuf,
    pub(super) created: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
    pub(super) owner: String,
}

impl View {
    pub(super) fn of(container: &Container, record: &Record) -> Result<Self, CliError> {
        let spec = container.config()?;
        let status = container.status(Some(record));
        Ok(View {
            oci_version: spec.oci_version,
            id: container.id.as_str().to_owned(),
            pid: if status == Status::Stopped { 0 } else { record.pid },
            status: status.as_str(),
            rootfs: record.bundle.join(spec.root.map(|root| root.path).unwrap_or_default()),
            bundle: record.bundle.clone(),
            created: record.created.clone(),
            annotations: spec.annotations,
            owner: container.owner(),
        })
    }
}

pub(super) fn state(context: &Context<'_>, id: &BundleId) -> Result<(), CliError> {
    let container = context.store.open(id)?;
    let record = container.created_record()?;
    super::features::print_json(&View::of(&container, &record)?)
}
