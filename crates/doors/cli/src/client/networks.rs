//! Networks.

use super::NetworkConfig;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::keep::Keep;
use docker_model::{EndpointSettings, NetworkInspect};
use ids::NetworkName;

/// Networks.
pub(crate) trait Networks {
    /// Lists networks, without their members; `filters` are those of `network ls`.
    fn list_networks(&self, filters: &Filters) -> Result<Vec<NetworkInspect>, Failure>;

    /// Everything about a network.
    fn inspect_network(&self, network: &str) -> Result<NetworkInspect, Failure>;

    /// Makes a network; its id.
    fn create_network(&self, name: &NetworkName, config: &NetworkConfig) -> Result<String, Failure>;

    /// Removes a network.
    fn remove_network(&self, network: &str) -> Result<(), Failure>;

    /// Puts a container on a network.
    fn connect(&self, network: &str, container: &str, settings: &EndpointSettings) -> Result<(), Failure>;

    /// Takes a container off a network.
    fn disconnect(&self, network: &str, container: &str, force: bool) -> Result<(), Failure>;

    /// Removes networks that no container is on; their names.
    fn prune_networks(&self, keep: &Keep) -> Result<Vec<String>, Failure>;
}
