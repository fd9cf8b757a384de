//! Networks of the engine.

use super::from_engine_network::network;
use super::to_engine_create::attachment;
use super::{Local, failed};
use crate::client::{NetworkConfig, Networks};
use crate::failure::Failure;
use crate::filters::Filters;
use crate::keep::Keep;
use crate::parse::boolean;
use docker_model::{EndpointSettings, NetworkInspect};
use engine::networks::{NetworkError, NetworkView};
use ids::NetworkName;

impl Networks for Local {
    fn list_networks(&self, filters: &Filters) -> Result<Vec<NetworkInspect>, Failure> {
        let mut shown = self.engine.list_networks().map_err(failed)?;
        shown.retain(|view| holds(view, filters) && self.is_as_dangling(view, filters));
        Ok(shown.iter().map(|view| network(view, &[])).collect())
    }

    fn inspect_network(&self, name: &str) -> Result<NetworkInspect, Failure> {
        let (view, members) = self.engine.inspect_network(name).map_err(not_done)?;
        Ok(network(&view, &members))
    }

    fn create_network(&self, name: &NetworkName, config: &NetworkConfig) -> Result<String, Failure> {
        self.engine.create_network(name, config).map(|view| view.id.to_string()).map_err(failed)
    }

    fn remove_network(&self, name: &str) -> Result<(), Failure> {
        self.engine.remove_network(name).map_err(not_done)
    }

    fn connect(&self, network: &str, container: &str, settings: &EndpointSettings) -> Result<(), Failure> {
        let asked = attachment(network, settings).map_err(failed)?;
        self.engine.connect_network(container, &asked).map(drop).map_err(failed)
    }

    fn disconnect(&self, network: &str, container: &str, force: bool) -> Result<(), Failure> {
        self.engine.disconnect_network(network, container, force).map(drop).map_err(failed)
    }

    fn prune_networks(&self, keep: &Keep) -> Result<Vec<String>, Failure> {
        let goes = |view: &NetworkView| !keep.keeps(Some(&view.created), &view.labels);
        let removed = self.engine.prune_networks(&goes).map_err(failed)?;
        Ok(removed.iter().map(ToString::to_string).collect())
    }
}

impl Local {
    /// Members are looked up only for those who ask.
    fn is_as_dangling(&self, view: &NetworkView, filters: &Filters) -> bool {
        if !filters.has("dangling") {
            return true;
        }
        let members = self.engine.inspect_network(view.id.as_str()).map(|(_, members)| members);
        let dangling = members.unwrap_or_default().is_empty() && !view.is_predefined;
        filters.any("dangling", |value| boolean(value).unwrap_or(false) == dangling)
    }
}

fn holds(view: &NetworkView, filters: &Filters) -> bool {
    let kind = if view.is_predefined { "builtin" } else { "custom" };
    filters.any("driver", |driver| driver == view.driver)
        && filters.any("id", |id| view.id.as_str().starts_with(id))
        && filters.any("name", |name| view.name.contains(name))
        && filters.any("scope", |scope| scope == "local")
        && filters.any("type", |wanted| wanted == kind)
        && filters.labels(&view.labels)
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn not_done(error: NetworkError) -> Failure {
    Failure { missing: matches!(error, NetworkError::NotFound { .. }), ..Failure::of(&error) }
}
