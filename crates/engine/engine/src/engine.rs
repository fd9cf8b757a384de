//! The engine value: a context, and what is opened from it when a use case first needs it.

use crate::context::HostContext;
use ids::ContainerId;
use monitor::layout::ContainerDirectories;
use state::{Database, StateError};
use std::sync::OnceLock;

/// Use cases of one instance. Opening costs nothing; database and image store are opened at first use.
#[derive(Debug)]
pub struct Engine {
    context: HostContext,
    database: OnceLock<Database>,
}

impl Engine {
    /// An engine for the context. Nothing is opened yet.
    #[must_use]
    pub fn open(context: HostContext) -> Self {
        Self { context, database: OnceLock::new() }
    }

    /// What it was opened with.
    #[must_use]
    pub fn context(&self) -> &HostContext {
        &self.context
    }

    /// The index, opened at first use.
    pub(crate) fn database(&self) -> Result<&Database, StateError> {
        if let Some(database) = self.database.get() {
            return Ok(database);
        }
        let opened = Database::open(&self.context.roots.data)?;
        Ok(self.database.get_or_init(|| opened))
    }

    pub(crate) fn directories(&self, id: &ContainerId) -> ContainerDirectories {
        ContainerDirectories::new(&self.context.roots.data, &self.context.roots.exec, id)
    }
}
