//! Everything about one container.

use super::LookupError;
use crate::Engine;
use crate::model::ContainerView;

impl Engine {
    /// Everything about one container at this moment.
    ///
    /// # Errors
    /// See [`LookupError`].
    pub fn inspect(&self, container: &str) -> Result<ContainerView, LookupError> {
        let found = self.read_container(container)?;
        self.view(found)?.ok_or_else(|| LookupError::NotFound { query: container.to_owned() })
    }
}
