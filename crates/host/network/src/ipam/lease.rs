//! What remembers the addresses that were given out.

use ids::{EndpointId, NetworkId};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// One address held by one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The network.
    pub network: NetworkId,
    /// Who holds it.
    pub owner: EndpointId,
    /// The address.
    pub address: Ipv4Addr,
}

/// Picks an address from a network's used ones and its last choice; see [`super::next_address`].
pub type Choose<'a> = dyn Fn(&BTreeSet<Ipv4Addr>, Option<Ipv4Addr>) -> Option<Ipv4Addr> + 'a;

/// Durable address leases; the engine's database implements it.
pub trait LeaseStore {
    /// Why the store failed.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Reserves an address for `owner` in one transaction: reads the network's used addresses and its last choice,
    /// calls `choose` with them, and stores the answer. Calling it again for the same owner gives the same lease.
    /// `Ok(None)` when `choose` found none.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    fn reserve(
        &self,
        network: &NetworkId,
        owner: &EndpointId,
        choose: &Choose<'_>,
    ) -> Result<Option<Ipv4Addr>, Self::Error>;

    /// Gives back everything that `owner` holds; nothing to give back is no error.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn release(&self, owner: &EndpointId) -> Result<(), Self::Error>;

    /// Every lease of a network.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn list(&self, network: &NetworkId) -> Result<Vec<Lease>, Self::Error>;
}
