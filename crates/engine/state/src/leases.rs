//! Addresses that were given out: the memory behind [`network::ipam`].

use crate::{Database, Durability, Reader, StateError, Writer};
use ids::{EndpointId, NetworkId};
use network::ipam::{Lease, LeaseStore};
use rusqlite::{OptionalExtension, params};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Chooses an address, given those in use and the last choice.
type Choose<'a> = dyn Fn(&BTreeSet<Ipv4Addr>, Option<Ipv4Addr>) -> Option<Ipv4Addr> + 'a;

fn read_addresses(reader: &Reader<'_>, network: &NetworkId) -> Result<BTreeSet<Ipv4Addr>, StateError> {
    let mut statement = reader
        .connection
        .prepare("SELECT address FROM leases WHERE network = ?1")
        .map_err(StateError::reading)?;
    let rows = statement
        .query_map(params![network.as_str()], |row| row.get::<_, u32>(0))
        .map_err(StateError::reading)?;
    rows.map(|bits| bits.map(Ipv4Addr::from_bits).map_err(StateError::reading)).collect()
}

impl Reader<'_> {
    /// Every lease of a network.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn leases(&self, network: &NetworkId) -> Result<Vec<Lease>, StateError> {
        let mut statement = self
            .connection
            .prepare("SELECT owner, address FROM leases WHERE network = ?1 ORDER BY address")
            .map_err(StateError::reading)?;
        let rows = statement
            .query_map(params![network.as_str()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?)))
            .map_err(StateError::reading)?;
        rows.map(|row| {
            let (owner, bits) = row.map_err(StateError::reading)?;
            let owner = EndpointId::parse(&owner)
                .map_err(|_| StateError::Invalid { what: "endpoint id", text: owner })?;
            Ok(Lease { network: network.clone(), owner, address: Ipv4Addr::from_bits(bits) })
        })
        .collect()
    }
}

impl Writer<'_> {
    /// As [`LeaseStore::reserve`], inside this transaction.
    ///
    /// # Errors
    /// When the index cannot be changed.
    pub fn reserve_lease(
        &self,
        network: &NetworkId,
        owner: &EndpointId,
        choose: &Choose<'_>,
    ) -> Result<Option<Ipv4Addr>, StateError> {
        let one = |sql: &str, key: &[&str]| {
            self.connection
                .query_row(sql, rusqlite::params_from_iter(key), |row| row.get::<_, u32>(0))
                .optional()
                .map(|bits| bits.map(Ipv4Addr::from_bits))
                .map_err(StateError::reading)
        };
        let (net, holder) = (network.as_str(), owner.as_str());
        if let Some(held) =
            one("SELECT address FROM leases WHERE network = ?1 AND owner = ?2", &[net, holder])?
        {
            return Ok(Some(held));
        }
        let last = one("SELECT address FROM lease_cursors WHERE network = ?1", &[net])?;
        let Some(address) = choose(&read_addresses(self, network)?, last) else { return Ok(None) };
        self.connection
            .execute(
                "INSERT INTO leases (network, address, owner) VALUES (?1, ?2, ?3)",
                params![net, address.to_bits(), holder],
            )
            .and_then(|_| {
                self.connection.execute(
                    "INSERT OR REPLACE INTO lease_cursors (network, address) VALUES (?1, ?2)",
                    params![net, address.to_bits()],
                )
            })
            .map_err(StateError::changing)?;
        Ok(Some(address))
    }

    /// As [`LeaseStore::release`], inside this transaction.
    ///
    /// # Errors
    /// When the index cannot be changed.
    pub fn release_lease(&self, owner: &EndpointId) -> Result<(), StateError> {
        self.connection
            .execute("DELETE FROM leases WHERE owner = ?1", params![owner.as_str()])
            .map(drop)
            .map_err(StateError::changing)
    }
}

impl LeaseStore for Database {
    type Error = StateError;

    fn reserve(
        &self,
        network: &NetworkId,
        owner: &EndpointId,
        choose: &dyn Fn(&BTreeSet<Ipv4Addr>, Option<Ipv4Addr>) -> Option<Ipv4Addr>,
    ) -> Result<Option<Ipv4Addr>, StateError> {
        self.write(Durability::Process, |writer| writer.reserve_lease(network, owner, choose))
    }

    fn release(&self, owner: &EndpointId) -> Result<(), StateError> {
        self.write(Durability::Process, |writer| writer.release_lease(owner))
    }

    fn list(&self, network: &NetworkId) -> Result<Vec<Lease>, StateError> {
        self.read(|reader| reader.leases(network))
    }
}
