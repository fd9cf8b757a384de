//! The engine value: a context, and what is opened from it when a use case first needs it.

use crate::context::HostContext;
use content::ReferenceStore;
use ids::ContainerId;
use image::Images;
use monitor::layout::ContainerDirectories;
use snapshot::Flavour;
use state::{Database, StateError};
use std::sync::{Arc, OnceLock};

/// Use cases of one instance. Opening costs nothing; database and image store are opened at first use.
pub struct Engine {
    context: HostContext,
    database: OnceLock<Arc<Database>>,
    images: OnceLock<Images>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("context", &self.context).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine for the context. Nothing is opened yet.
    #[must_use]
    pub fn open(context: HostContext) -> Self {
        Self { context, database: OnceLock::new(), images: OnceLock::new() }
    }

    /// What it was opened with.
    #[must_use]
    pub fn context(&self) -> &HostContext {
        &self.context
    }

    /// The index, opened at first use.
    pub(crate) fn database(&self) -> Result<&Arc<Database>, StateError> {
        if let Some(database) = self.database.get() {
            return Ok(database);
        }
        let opened = Arc::new(Database::open(&self.context.roots.data)?);
        Ok(self.database.get_or_init(|| opened))
    }

    /// The images of the namespace: import, load, list, tag, remove and so on. Pulling is [`Self::pull`], removal
    /// with regard to containers [`Self::remove_image`].
    ///
    /// # Errors
    /// When the index cannot be opened.
    pub fn images(&self) -> Result<&Images, StateError> {
        if let Some(images) = self.images.get() {
            return Ok(images);
        }
        let names: Arc<dyn ReferenceStore> = self.database()?.clone();
        // An unprivileged user cannot set `trusted.*` attributes (xattr(7)).
        let flavour = if self.context.euid == 0 { Flavour::Trusted } else { Flavour::User };
        let opened = Images::open(&self.context.roots.data, flavour, names, &self.context.namespace);
        Ok(self.images.get_or_init(|| opened))
    }

    pub(crate) fn directories(&self, id: &ContainerId) -> ContainerDirectories {
        ContainerDirectories::new(&self.context.roots.data, &self.context.roots.exec, id)
    }
}
