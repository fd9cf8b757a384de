//! All containers.

use super::LookupError;
use super::record::Container;
use crate::Engine;
use crate::model::ContainerView;
use monitor::status::State;

/// Which containers are listed. Finer filters are the door's, on what comes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Also those that do not run.
    pub all: bool,
}

impl Engine {
    /// Containers, newest first. One that is being made or removed at this moment is left out.
    ///
    /// # Errors
    /// When the index or a container's document cannot be read.
    pub fn list(&self, filter: ListFilter) -> Result<Vec<ContainerView>, LookupError> {
        let rows = self.database()?.read(|reader| reader.containers(&self.context().namespace))?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let view = self.view(Container::read(row)?)?;
            let shown =
                |state| filter.all || matches!(state, State::Running | State::Paused | State::Restarting);
            views.extend(view.filter(|view| shown(view.state)));
        }
        Ok(views)
    }
}
