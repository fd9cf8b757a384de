//! `hosts.toml` (containerd, docs/hosts.md): the hosts that are asked for a registry.

use super::{Wanted, itself, read};
use crate::config::Config;
use crate::endpoint::{Endpoint, HUB, HostFiles, is_insecure};
use crate::error::{Purpose, RegistryError};
use crate::url::Url;
use ids::DEFAULT_REGISTRY;
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct Document {
    server: Option<String>,
    /// In the order of the file.
    #[serde(default)]
    host: toml::Table,
    #[serde(flatten)]
    own: Host,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Host {
    capabilities: Option<Vec<String>>,
    ca: OneOrMore,
    client: Option<toml::Value>,
    skip_verify: bool,
    override_path: bool,
    header: toml::Table,
}

#[derive(Default, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
    #[default]
    #[serde(skip)]
    None,
}

/// The ways of the registry's directory, else of `_default`; `None` when there is neither.
pub(super) fn ways(wanted: Wanted<'_>, config: &Config) -> Result<Option<Vec<Endpoint>>, RegistryError> {
    let registry = wanted.registry;
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    // containerd writes a port as `host_5000_`, too, for file systems that have no colon.
    let underscored =
        registry.rsplit_once(':').map_or(registry.to_owned(), |(host, port)| format!("{host}_{port}_"));
    for name in [registry, &underscored, host, "_default"] {
        for base in &config.hosts_dirs {
            let directory = base.join(name);
            let document = read::<Document>(&directory.join("hosts.toml"))
                .map_err(|source| RegistryError::Policy { source })?;
            if let Some(document) = document {
                return of_document(&document, &directory, wanted, config).map(Some);
            }
        }
    }
    Ok(None)
}

fn of_document(
    document: &Document,
    directory: &Path,
    wanted: Wanted<'_>,
    config: &Config,
) -> Result<Vec<Endpoint>, RegistryError> {
    let path = directory.join("hosts.toml");
    let mut ways = Vec::new();
    for (url, settings) in &document.host {
        let host: Host = settings.clone().try_into().map_err(|error: toml::de::Error| {
            let problem = format!("host {url:?}: {}", error.message());
            RegistryError::Policy { source: super::PolicyError::Syntax { path: path.clone(), problem } }
        })?;
        if host.serves(wanted.purpose) {
            let way = host.way(url, directory, wanted, config)?;
            ways.push(Endpoint { mirror: true, ..way });
        }
    }
    match &document.server {
        Some(server) if document.own.serves(wanted.purpose) => {
            let way = document.own.way(server, directory, wanted, config)?;
            ways.push(Endpoint { registry: wanted.registry.into(), ..way });
        }
        Some(_) => {}
        None => {
            ways.extend(itself(wanted.registry, wanted.repository, is_insecure(wanted.registry, config))?);
        }
    }
    Ok(ways)
}

impl Host {
    fn serves(&self, purpose: Purpose) -> bool {
        let needed = match purpose {
            Purpose::Pull => "pull",
            Purpose::Push => "push",
            Purpose::Login => return true,
        };
        self.capabilities.as_ref().is_none_or(|has| has.iter().any(|one| one == needed))
    }

    fn way(
        &self,
        url: &str,
        directory: &Path,
        wanted: Wanted<'_>,
        config: &Config,
    ) -> Result<Endpoint, RegistryError> {
        let text = if url.contains("://") { url.to_owned() } else { format!("https://{url}") };
        let mut root = Url::parse(&text)?;
        root.path = root.path.trim_end_matches('/').to_owned();
        // A path may or may not end with the version.
        if !self.override_path {
            root.path = root.path.strip_suffix("/v2").unwrap_or(&root.path).to_owned();
        }
        let own = if wanted.registry == DEFAULT_REGISTRY { HUB } else { wanted.registry };
        let elsewhere = root.authority() != own && wanted.purpose == Purpose::Pull;
        let verify = root.secure && !self.skip_verify && !is_insecure(&root.authority(), config);
        Ok(Endpoint {
            verify,
            files: self.files(directory),
            headers: self.headers(),
            namespace: elsewhere.then(|| wanted.registry.to_owned()),
            whole_path: self.override_path,
            ..Endpoint::at(root, wanted.repository)
        })
    }

    fn files(&self, directory: &Path) -> HostFiles {
        let authorities = match &self.ca {
            OneOrMore::None => Vec::new(),
            OneOrMore::One(path) => vec![directory.join(path)],
            OneOrMore::More(paths) => paths.iter().map(|path| directory.join(path)).collect(),
        };
        HostFiles { authorities, identity: self.client.as_ref().and_then(|client| pair(client, directory)) }
    }

    fn headers(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for (name, value) in &self.header {
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            found.extend(values.iter().filter_map(|one| Some((name.clone(), one.as_str()?.to_owned()))));
        }
        found
    }
}

/// The first certificate and its key: `"both.pem"`, `["both.pem"]`, `["a.cert", "a.key"]` as one pair of a list, or a
/// list of pairs.
fn pair(client: &toml::Value, directory: &Path) -> Option<(PathBuf, PathBuf)> {
    let first = match client {
        toml::Value::Array(all) => all.first()?,
        one => one,
    };
    match first {
        toml::Value::Array(files) => {
            let certificate = directory.join(files.first()?.as_str()?);
            let key = files.get(1).and_then(toml::Value::as_str).filter(|key| !key.is_empty());
            let key = key.map_or_else(|| certificate.clone(), |key| directory.join(key));
            Some((certificate, key))
        }
        one => {
            let both = directory.join(one.as_str()?);
            Some((both.clone(), both))
        }
    }
}
