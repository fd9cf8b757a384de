//! Networks.

use crate::StringMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A network, `GET /networks/{id}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NetworkInspect {
    /// Name.
    pub name: String,
    /// Id.
    pub id: String,
    /// RFC 3339.
    pub created: String,
    /// `local`.
    pub scope: String,
    /// `bridge`, `host` or `null`.
    pub driver: String,
    /// Has IPv4 addresses.
    #[serde(rename = "EnableIPv4")]
    pub enable_ipv4: bool,
    /// Has IPv6 addresses.
    #[serde(rename = "EnableIPv6")]
    pub enable_ipv6: bool,
    /// Addresses.
    #[serde(rename = "IPAM")]
    pub ipam: Ipam,
    /// No way out.
    pub internal: bool,
    /// Of a swarm; false.
    pub attachable: bool,
    /// Of a swarm; false.
    pub ingress: bool,
    /// Of a swarm; empty.
    pub config_from: ConfigReference,
    /// Of a swarm; false.
    pub config_only: bool,
    /// Running containers by id.
    #[serde(deserialize_with = "crate::null_as_default")]
    pub containers: BTreeMap<String, NetworkMember>,
    /// Options of the driver.
    #[serde(deserialize_with = "crate::null_as_default")]
    pub options: StringMap,
    /// Metadata.
    #[serde(deserialize_with = "crate::null_as_default")]
    pub labels: StringMap,
}

/// Where addresses come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Ipam {
    /// `default`.
    pub driver: String,
    /// Options.
    pub options: Option<StringMap>,
    /// Blocks.
    pub config: Option<Vec<IpamConfig>>,
}

/// One block of addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct IpamConfig {
    /// The block.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subnet: String,
    /// Where members' addresses are chosen from.
    #[serde(rename = "IPRange", skip_serializing_if = "String::is_empty")]
    pub ip_range: String,
    /// The router's address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gateway: String,
    /// Somebody else's, by name.
    #[serde(deserialize_with = "crate::null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub auxiliary_addresses: StringMap,
}

/// Another network's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ConfigReference {
    /// That network.
    pub network: String,
}

/// A container on a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NetworkMember {
    /// Its name.
    pub name: String,
    /// Id of the attachment.
    #[serde(rename = "EndpointID")]
    pub endpoint_id: String,
    /// Hardware address.
    pub mac_address: String,
    /// With its prefix.
    #[serde(rename = "IPv4Address")]
    pub ipv4_address: String,
    /// With its prefix.
    #[serde(rename = "IPv6Address")]
    pub ipv6_address: String,
}
