//! containers-registries.conf(5), version 2: which location and which mirrors stand for a prefix of names.

use super::{PolicyError, Wanted, itself, read};
use crate::config::Config;
use crate::endpoint::{Endpoint, is_insecure};
use crate::error::{Purpose, RegistryError};
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    registry: Vec<Registry>,
}

#[derive(Default, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Registry {
    prefix: String,
    location: String,
    insecure: bool,
    blocked: bool,
    mirror_by_digest_only: bool,
    mirror: Vec<Mirror>,
}

#[derive(Default, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Mirror {
    location: String,
    insecure: bool,
    /// `all`, `digest-only`, `tag-only`.
    pull_from_mirror: String,
}

/// An entry that fits, and how many bytes of the name it stands for.
struct Fitting {
    registry: Registry,
    file: PathBuf,
    stands_for: usize,
}

/// The ways by the entry that fits best; `None` when none does.
pub(super) fn ways(wanted: Wanted<'_>, config: &Config) -> Result<Option<Vec<Endpoint>>, RegistryError> {
    let name = match wanted.repository {
        "" => wanted.registry.to_owned(),
        repository => format!("{}/{repository}", wanted.registry),
    };
    let Some(found) = find(&name, config)? else { return Ok(None) };
    let Fitting { registry, file, stands_for } = found;
    if registry.blocked {
        return Err(RegistryError::Blocked { name, path: file });
    }
    let rest = &name[stands_for..];
    let mut ways = Vec::new();
    if wanted.purpose == Purpose::Pull {
        let usable = |mirror: &&Mirror| match mirror.pull_from_mirror.as_str() {
            "digest-only" => wanted.by_digest,
            "tag-only" => !wanted.by_digest,
            _ => wanted.by_digest || !registry.mirror_by_digest_only,
        };
        for mirror in registry.mirror.iter().filter(usable) {
            let found = at(&format!("{}{rest}", mirror.location), mirror.insecure, config)?;
            ways.extend(found.into_iter().map(|way| Endpoint { mirror: true, ..way }));
        }
    }
    let location = if registry.location.is_empty() { &name[..stands_for] } else { &registry.location };
    ways.extend(at(&format!("{location}{rest}"), registry.insecure, config)?);
    Ok(Some(ways))
}

/// The ways to `host/repository`.
fn at(name: &str, insecure: bool, config: &Config) -> Result<Vec<Endpoint>, RegistryError> {
    let (host, repository) = name.split_once('/').unwrap_or((name, ""));
    itself(host, repository, insecure || is_insecure(host, config))
}

/// The entry with the longest prefix of a name; of those equally long, the one read last.
fn find(name: &str, config: &Config) -> Result<Option<Fitting>, RegistryError> {
    let mut best: Option<Fitting> = None;
    let mut best_length = 0;
    for file in files(&config.registries_conf)? {
        let document: Document =
            read(&file).map_err(|source| RegistryError::Policy { source })?.unwrap_or_default();
        for registry in document.registry {
            let prefix = if registry.prefix.is_empty() { &registry.location } else { &registry.prefix };
            let length = prefix.len();
            if let Some(stands_for) = fits(prefix, name)
                && (best.is_none() || length >= best_length)
            {
                best_length = length;
                best = Some(Fitting { registry, file: file.clone(), stands_for });
            }
        }
    }
    Ok(best)
}

/// How much of a name a prefix stands for: up to a separator; `*.example` and `*` stand for a host.
fn fits(prefix: &str, name: &str) -> Option<usize> {
    let host = name.find('/').unwrap_or(name.len());
    if let Some(suffix) = prefix.strip_prefix('*') {
        return (suffix.is_empty() || name[..host].ends_with(suffix)).then_some(host);
    }
    let rest = name.strip_prefix(prefix).filter(|_| !prefix.is_empty())?;
    (rest.is_empty() || rest.starts_with(['/', ':', '@'])).then_some(prefix.len())
}

/// The files, and those in directories (`registries.conf.d`) by name.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, RegistryError> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let failed =
            |source| RegistryError::Policy { source: PolicyError::Read { path: path.clone(), source } };
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            inside.push(entry.map_err(failed)?.path());
        }
        inside.retain(|path| path.extension() == Some("conf".as_ref()));
        inside.sort();
        found.extend(inside);
    }
    Ok(found)
}

/// Where these files are by default: the user's or the host's, then the directories of both.
pub(crate) fn default_files() -> Vec<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(file) = named("CONTAINERS_REGISTRIES_CONF") {
        return [Some(file), named("CONTAINERS_REGISTRIES_CONF_DIR")].into_iter().flatten().collect();
    }
    let user = named("XDG_CONFIG_HOME").or_else(|| Some(named("HOME")?.join(".config")));
    let of = |base: &Path| base.join("containers/registries.conf");
    let host = of(Path::new("/etc"));
    let first = user.as_deref().map(of).filter(|path| path.exists()).unwrap_or(host);
    let directories = [Some(PathBuf::from("/etc")), user];
    let directories = directories.into_iter().flatten().map(|base| base.join("containers/registries.conf.d"));
    std::iter::once(first).chain(directories.filter(|path| path.is_dir())).collect()
}
