//! `--link`: another name for another container, which this one alone has.
//!
//! On networks that resolve names the sandbox's resolver knows the alias. On the default network, which has no
//! resolver, the other's address goes into `/etc/hosts`; containers keep their addresses for life, so it stays right.
//! The variables that Docker once set for links, and warns about, are not set.

use super::NetworkError;
use super::planned::default_address;
use crate::Engine;
use crate::documents;
use crate::model::{ContainerConfig, NetworkChoice};
use network::resolv_conf::HostEntry;
use std::net::IpAddr;

/// A link with its container looked up.
#[derive(Debug)]
pub(crate) struct Link {
    /// `other:alias`, by the other's name.
    pub(crate) text: String,
    other: crate::containers::Container,
    alias: String,
}

impl Engine {
    /// The links of a request.
    pub(crate) fn links(&self, config: &ContainerConfig) -> Result<Vec<Link>, NetworkError> {
        config.links.iter().map(|text| self.link(text)).collect()
    }

    /// Links of a single network, checked and by the other's name.
    pub(crate) fn checked_links(&self, links: &[String]) -> Result<Vec<String>, NetworkError> {
        links.iter().map(|text| self.link(text).map(|link| link.text)).collect()
    }

    fn link(&self, text: &str) -> Result<Link, NetworkError> {
        let (query, alias) = text.split_once(':').unwrap_or((text, text));
        let valid =
            |word: &str| !word.is_empty() && word.len() <= 255 && word.bytes().all(|b| b.is_ascii_graphic());
        if !valid(query) || !valid(alias) || alias.contains(':') {
            return Err(NetworkError::Link { text: text.chars().take(300).collect() });
        }
        let other = self.read_container(query).map_err(|error| NetworkError::Lookup(Box::new(error)))?;
        let alias = alias.trim_start_matches('/').to_owned();
        Ok(Link { text: format!("{}:{alias}", other.name), other, alias })
    }

    /// Lines for `/etc/hosts`, for a container whose first network is the default one.
    pub(crate) fn linked_hosts(&self, config: &ContainerConfig) -> Result<Vec<HostEntry>, NetworkError> {
        if !matches!(config.network, NetworkChoice::Default) {
            return Ok(Vec::new());
        }
        let mut entries = Vec::new();
        for link in self.links(config)? {
            let other = documents::read_desired(&self.directories(&link.other.id))?;
            let address = other.and_then(|desired| default_address(&desired.network));
            let name = link.other.name.to_string();
            let address = address.ok_or_else(|| NetworkError::LinkElsewhere { name: name.clone() })?;
            let mut names = vec![link.alias, link.other.id.short().to_owned()];
            if !names.contains(&name) {
                names.push(name);
            }
            entries.push(HostEntry { name: names.join(" "), address: IpAddr::V4(address) });
        }
        Ok(entries)
    }
}
