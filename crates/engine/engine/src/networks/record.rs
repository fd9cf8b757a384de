//! What the index keeps about a network.

use super::NetworkError;
use crate::Engine;
use ids::{InstanceId, NetworkId};
use network::{BridgeNetwork, Ipv4Subnet};
use serde::{Deserialize, Serialize};
use state::NetworkRow;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// The name of the network that containers are on when nobody says otherwise.
pub(crate) const BRIDGE: &str = "bridge";
/// The name of the host's own network.
pub(crate) const HOST: &str = "host";
/// The name of no network.
pub(crate) const NONE: &str = "none";
/// Networks that every instance has.
pub(crate) const PREDEFINED: [&str; 3] = [BRIDGE, HOST, NONE];

/// The document: the network as monitors need it, and what only the engine needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NetworkRecord {
    /// What monitors make.
    #[serde(flatten)]
    pub(crate) bridge: BridgeNetwork,
    /// Metadata.
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    /// Options of the driver, as given.
    #[serde(default)]
    pub(crate) options: BTreeMap<String, String>,
    /// Where addresses are chosen from, if not from the whole subnet.
    #[serde(default)]
    pub(crate) ip_range: Option<Ipv4Subnet>,
    /// Addresses that are somebody else's, by name.
    #[serde(default)]
    pub(crate) auxiliary: BTreeMap<String, Ipv4Addr>,
    /// The user chose the subnet.
    #[serde(default)]
    pub(crate) has_own_subnet: bool,
    /// The user chose the gateway.
    #[serde(default)]
    pub(crate) has_own_gateway: bool,
    /// The host's address for published ports that name none.
    #[serde(default)]
    pub(crate) host_binding: Option<IpAddr>,
    /// What interfaces of members are called before their number; `eth` when absent.
    #[serde(default)]
    pub(crate) interface_prefix: Option<String>,
}

impl NetworkRecord {
    /// One with nothing but what monitors need.
    pub(crate) fn plain(bridge: BridgeNetwork) -> Self {
        Self {
            bridge,
            labels: BTreeMap::new(),
            options: BTreeMap::new(),
            ip_range: None,
            auxiliary: BTreeMap::new(),
            has_own_subnet: false,
            has_own_gateway: false,
            host_binding: None,
            interface_prefix: None,
        }
    }

    pub(crate) fn read(row: &NetworkRow) -> Result<Self, NetworkError> {
        serde_json::from_slice(&row.record)
            .map_err(|source| NetworkError::Record { name: row.name.clone(), source })
    }

    pub(crate) fn to_row(&self, created: i64) -> Result<NetworkRow, NetworkError> {
        let name = self.bridge.name.clone();
        let record =
            serde_json::to_vec(self).map_err(|source| NetworkError::Record { name: name.clone(), source })?;
        Ok(NetworkRow { id: self.bridge.id.clone(), name, created, record })
    }
}

/// The id of a predefined network: the same each time it is asked for, and another one for each instance.
pub(crate) fn predefined_id(instance: &InstanceId, name: &str) -> NetworkId {
    let word = |salt: u32| {
        // FNV-1a, of 32 bits: it only has to differ.
        let bytes = instance.as_str().bytes().chain([b' ']).chain(name.bytes()).chain(salt.to_le_bytes());
        bytes.fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
    };
    let digits: String = (0..8).map(|salt| format!("{:08x}", word(salt))).collect();
    NetworkId::parse(&digits).expect("eight words are 64 hexadecimal digits")
}

impl Engine {
    /// The networks that are recorded: those that users made, and the default one once it was needed.
    pub(crate) fn recorded_networks(&self) -> Result<Vec<(i64, NetworkRecord)>, NetworkError> {
        let rows = self.database()?.read(|reader| reader.networks())?;
        rows.iter().map(|row| Ok((row.created, NetworkRecord::read(row)?))).collect()
    }

    /// The recorded network that a person means: by id, by name, or by an unambiguous beginning of the id.
    pub(crate) fn find_network(&self, query: &str) -> Result<(i64, NetworkRecord), NetworkError> {
        if query == BRIDGE {
            let network = self.default_network()?;
            let created = self.database()?.read(|reader| reader.network_named(BRIDGE))?;
            return Ok((created.map_or(0, |row| row.created), network));
        }
        let mut all = self.recorded_networks()?;
        let exact = |(_, record): &(i64, NetworkRecord)| {
            record.bridge.id.as_str() == query || record.bridge.name.as_str() == query
        };
        if let Some(at) = all.iter().position(exact) {
            return Ok(all.swap_remove(at));
        }
        let is_prefix =
            !query.is_empty() && query.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        all.retain(|(_, record)| is_prefix && record.bridge.id.as_str().starts_with(query));
        match (all.pop(), all.is_empty()) {
            (Some(found), true) => Ok(found),
            (Some(_), false) => Err(NetworkError::Ambiguous { query: query.to_owned() }),
            (None, _) => Err(NetworkError::NotFound { query: query.chars().take(300).collect() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predefined_ids_are_fixed_and_differ() {
        let (one, two) = (InstanceId::parse("00000001").unwrap(), InstanceId::parse("00000002").unwrap());
        assert_eq!(predefined_id(&one, HOST), predefined_id(&one, HOST));
        assert_ne!(predefined_id(&one, HOST), predefined_id(&one, NONE));
        assert_ne!(predefined_id(&one, HOST), predefined_id(&two, HOST));
    }

    #[test]
    fn a_record_of_before_is_still_read() {
        let text = r#"{"id":"IDIDIDID","name":"bridge","bridge":"sampan0","subnet":"172.17.0.0/16",
            "gateway":"172.17.0.1","mtu":1500,"internal":false,"icc":true,"masquerade":true}"#;
        let text = text.replace("IDIDIDID", &"a1".repeat(32));
        let record: NetworkRecord = serde_json::from_str(&text).unwrap();
        assert!(!record.bridge.resolves_names && record.labels.is_empty());
        let again = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
        assert_eq!(record, again);
    }
}
