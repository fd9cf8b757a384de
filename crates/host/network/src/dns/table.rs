//! Which name is which address, on the networks of one sandbox.

use super::PublishedEndpoint;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// One network as its directory says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// Its name, lower case.
    pub name: String,
    /// Who is on it.
    pub members: Vec<PublishedEndpoint>,
}

/// Everything a resolver knows by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameTable {
    /// In the order in which they are searched.
    pub networks: Vec<Network>,
    /// Names that only this sandbox has for others (`--link`): alias, then the other's name. Lower case.
    pub links: BTreeMap<String, String>,
}

impl NameTable {
    /// The addresses behind a name (lower case); of the first network that knows it. A name may have the network's
    /// behind it, after a dot.
    #[must_use]
    pub fn addresses(&self, name: &str) -> Vec<Ipv4Addr> {
        let name = self.links.get(name).map_or(name, String::as_str);
        let plain = self.networks.iter().map(|network| network.addresses(name));
        let qualified = self.networks.iter().filter_map(|network| {
            let bare = name.strip_suffix(&network.name)?.strip_suffix('.')?;
            Some(network.addresses(bare))
        });
        plain.chain(qualified).find(|found| !found.is_empty()).unwrap_or_default()
    }

    /// Who has an address: its first name with the network's behind it.
    #[must_use]
    pub fn name_of(&self, address: Ipv4Addr) -> Option<String> {
        self.networks.iter().find_map(|network| {
            let member = network.members.iter().find(|member| member.address == address)?;
            Some(format!("{}.{}", member.names.first()?, network.name))
        })
    }
}

impl Network {
    fn addresses(&self, name: &str) -> Vec<Ipv4Addr> {
        let has_name = |member: &&PublishedEndpoint| member.names.iter().any(|known| known == name);
        self.members.iter().filter(has_name).map(|member| member.address).collect()
    }
}
