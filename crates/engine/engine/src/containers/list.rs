//! All containers.

use super::LookupError;
use crate::Engine;
use crate::model::ContainerView;

/// Which containers are listed. Finer filters are the door's, on what comes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Also those that do not run.
    pub all: bool,
}

impl Engine {
    /// Containers, newest first.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn list(&self, filter: ListFilter) -> Result<Vec<ContainerView>, LookupError> {
        todo!()
    }
}
