//! Which ways lead to a registry, by the files that administrators write for other tools.
//!
//! Three sources, and the first that speaks of a registry decides alone: `hosts.toml` of containerd (a directory per
//! registry, `_default` for all others), `registries.conf` of podman and skopeo (an entry per prefix of names, `*` for
//! all), and the host file's `registry-mirrors` and `insecure-registries`. The ways are tried in the order of the file;
//! only what is allowed there, or is on the loopback, is spoken to without TLS.

mod containers;
mod hosts;

pub(crate) use containers::default_files;

use crate::config::Config;
use crate::endpoint::{Endpoint, HUB, is_insecure};
use crate::error::{Purpose, RegistryError};
use crate::url::Url;
use ids::DEFAULT_REGISTRY;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How much of a file is read.
const READ_MAX: u64 = 1 << 20;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// As in references (`docker.io`).
    pub(crate) registry: &'a str,
    /// Below it; empty for a login.
    pub(crate) repository: &'a str,
    /// Whether the content is named by its digest, so that nobody can give another.
    pub(crate) by_digest: bool,
    pub(crate) purpose: Purpose,
}

/// A policy file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is no TOML of its kind.
    #[error("cannot understand {}: {problem}", path.display())]
    Syntax {
        /// Which.
        path: PathBuf,
        /// Where and why, on one line.
        problem: String,
    },
}

/// The ways to a registry in the order they are tried.
pub(crate) fn ways(wanted: Wanted<'_>, config: &Config) -> Result<Vec<Endpoint>, RegistryError> {
    if let Some(ways) = hosts::ways(wanted, config)? {
        return Ok(ways);
    }
    if let Some(ways) = containers::ways(wanted, config)? {
        return Ok(ways);
    }
    let mut ways = Vec::new();
    if wanted.registry == DEFAULT_REGISTRY && wanted.purpose == Purpose::Pull {
        for mirror in &config.mirrors {
            let root = Url::parse(mirror)?;
            let verify = !is_insecure(&root.authority(), config);
            ways.push(Endpoint { verify, mirror: true, ..Endpoint::at(root, wanted.repository) });
        }
    }
    ways.extend(itself(wanted.registry, wanted.repository, is_insecure(wanted.registry, config))?);
    Ok(ways)
}

/// A registry by its own name: with TLS, and where that is allowed, then without.
fn itself(registry: &str, repository: &str, insecure: bool) -> Result<Vec<Endpoint>, RegistryError> {
    let host = if registry == DEFAULT_REGISTRY { HUB } else { registry };
    let way = |scheme: &str, verify| -> Result<Endpoint, RegistryError> {
        let root = Url::parse(&format!("{scheme}://{host}"))?;
        Ok(Endpoint { verify, registry: registry.to_owned(), ..Endpoint::at(root, repository) })
    };
    Ok(if insecure { vec![way("https", false)?, way("http", false)?] } else { vec![way("https", true)?] })
}

/// Reads a file; `None` when there is none.
fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, PolicyError> {
    let text = match File::open(path).and_then(|file| io::read_to_string(file.take(READ_MAX))) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(source) => return Err(PolicyError::Read { path: path.to_owned(), source }),
    };
    let parsed = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
        PolicyError::Syntax { path: path.to_owned(), problem: format!("line {line}: {}", error.message()) }
    })?;
    Ok(Some(parsed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(ways: &[Endpoint]) -> Vec<String> {
        ways.iter()
            .map(|way| format!("{} {}", way.url("x"), if way.verify { "verified" } else { "any" }))
            .collect()
    }

    fn wanted<'a>(registry: &'a str, repository: &'a str) -> Wanted<'a> {
        Wanted { registry, repository, by_digest: false, purpose: Purpose::Pull }
    }

    fn bare() -> Config {
        Config { registries_conf: Vec::new(), hosts_dirs: Vec::new(), ..Config::default() }
    }

    #[test]
    fn tls_is_a_must_except_where_it_is_not() {
        let of = |registry: &str, insecure: &[&str]| {
            let insecure = insecure.iter().map(|&one| one.to_owned()).collect();
            shown(&ways(wanted(registry, "a/b"), &Config { insecure, ..bare() }).unwrap())
        };
        assert_eq!(of("docker.io", &[]), ["https://registry-1.docker.io/v2/a/b/x verified"]);
        assert_eq!(of("ghcr.io", &["other.io"]), ["https://ghcr.io/v2/a/b/x verified"]);
        for (registry, insecure) in [
            ("localhost:5000", ""),
            ("127.0.0.2", ""),
            ("[::1]:5000", ""),
            ("10.1.2.3:5000", "10.0.0.0/8"),
            ("reg.example:5000", "reg.example"),
            ("reg.example:5000", "reg.example:5000"),
        ] {
            assert_eq!(
                of(registry, &[insecure]),
                [format!("https://{registry}/v2/a/b/x any"), format!("http://{registry}/v2/a/b/x any")]
            );
        }
        assert_eq!(of("11.1.2.3", &["10.0.0.0/8", "::/0", "x/y"]).len(), 1);
        assert_eq!(of("1.2.3.4", &["0.0.0.0/0"]).len(), 2);
    }

    #[test]
    fn mirrors_of_the_host_file_come_first_and_only_for_reading_from_the_hub() {
        let mirrors = vec!["https://mirror.example/hub/".to_owned(), "http://127.0.0.1:1".to_owned()];
        let config = Config { mirrors, ..bare() };
        let hub = wanted("docker.io", "a/b");
        assert_eq!(
            shown(&ways(hub, &config).unwrap()),
            [
                "https://mirror.example/hub/v2/a/b/x verified",
                "http://127.0.0.1:1/v2/a/b/x any",
                "https://registry-1.docker.io/v2/a/b/x verified"
            ]
        );
        assert_eq!(ways(wanted("quay.io", "a"), &config).unwrap().len(), 1);
        assert_eq!(ways(Wanted { purpose: Purpose::Push, ..hub }, &config).unwrap().len(), 1);
    }

    fn with_registries(text: &str) -> (tempfile::TempDir, Config) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registries.conf");
        std::fs::write(&path, text).unwrap();
        (dir, Config { registries_conf: vec![path], ..bare() })
    }

    #[test]
    fn registries_conf_rewrites_orders_and_blocks() {
        let (_dir, config) = with_registries(
            r#"unqualified-search-registries = ["x"]
            [[registry]]
            prefix = "docker.io/team"
            location = "own.example/hub"
            [[registry.mirror]]
            location = "near.example:5000/cache"
            insecure = true
            [[registry.mirror]]
            location = "pinned.example"
            pull-from-mirror = "digest-only"
            [[registry]]
            location = "docker.io"
            [[registry]]
            prefix = "*.corp.example"
            location = "one.example"
            insecure = true
            [[registry]]
            prefix = "evil.example"
            blocked = true"#,
        );
        let of = |registry: &str, repository: &str| ways(wanted(registry, repository), &config);
        assert_eq!(
            shown(&of("docker.io", "team/app").unwrap()),
            [
                "https://near.example:5000/v2/cache/app/x any",
                "http://near.example:5000/v2/cache/app/x any",
                "https://own.example/v2/hub/app/x verified"
            ]
        );
        let pinned = Wanted { by_digest: true, ..wanted("docker.io", "team/app") };
        assert!(
            shown(&ways(pinned, &config).unwrap())
                .contains(&"https://pinned.example/v2/app/x verified".into())
        );
        let push = Wanted { purpose: Purpose::Push, ..wanted("docker.io", "team/app") };
        assert_eq!(shown(&ways(push, &config).unwrap()), ["https://own.example/v2/hub/app/x verified"]);
        assert_eq!(
            shown(&of("docker.io", "teamwork/app").unwrap()),
            ["https://registry-1.docker.io/v2/teamwork/app/x verified"]
        );
        assert_eq!(shown(&of("a.corp.example", "x").unwrap())[0], "https://one.example/v2/x/x any");
        assert_eq!(shown(&of("quay.io", "x").unwrap()), ["https://quay.io/v2/x/x verified"]);
        let error = of("evil.example", "x").unwrap_err().to_string();
        assert!(error.contains("evil.example/x is blocked by"), "{error}");
    }

    #[test]
    fn one_entry_serves_every_registry() {
        let (_dir, config) = with_registries(
            "[[registry]]\nprefix = \"*\"\n[[registry.mirror]]\nlocation = \"site.example:5000\"\ninsecure = true",
        );
        for (registry, own) in [("docker.io", "registry-1.docker.io"), ("ghcr.io", "ghcr.io")] {
            assert_eq!(
                shown(&ways(wanted(registry, "a/b"), &config).unwrap()),
                [
                    "https://site.example:5000/v2/a/b/x any".to_owned(),
                    "http://site.example:5000/v2/a/b/x any".to_owned(),
                    format!("https://{own}/v2/a/b/x verified"),
                ]
            );
        }
    }

    fn with_hosts(name: &str, text: &str) -> (tempfile::TempDir, Config) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join(name)).unwrap();
        std::fs::write(dir.path().join(name).join("hosts.toml"), text).unwrap();
        let config = Config { hosts_dirs: vec![dir.path().to_owned()], ..bare() };
        (dir, config)
    }

    #[test]
    fn hosts_toml_is_followed_in_its_order() {
        let (dir, config) = with_hosts(
            "docker.io",
            r#"server = "https://upstream.example"
            [host."http://z.example:5000"]
              capabilities = ["pull", "resolve"]
            [host."https://a.example/root/v2/proxy"]
              capabilities = ["pull", "resolve"]
              override_path = true
              skip_verify = true
              ca = ["one.crt", "/etc/two.crt"]
              client = [["mine.cert", "mine.key"]]
              [host."https://a.example/root/v2/proxy".header]
                x-site = "north"
            [host."https://push.example"]
              capabilities = ["push"]"#,
        );
        let found = ways(wanted("docker.io", "a/b"), &config).unwrap();
        assert_eq!(
            shown(&found),
            [
                "http://z.example:5000/v2/a/b/x any",
                "https://a.example/root/v2/proxy/a/b/x any",
                "https://upstream.example/v2/a/b/x verified"
            ]
        );
        assert_eq!(found[0].url("x").path, "/v2/a/b/x?ns=docker.io");
        let files = &found[1].files;
        assert_eq!(files.authorities, [dir.path().join("docker.io/one.crt"), "/etc/two.crt".into()]);
        assert_eq!(files.identity.as_ref().unwrap().1, dir.path().join("docker.io/mine.key"));
        assert_eq!(found[1].headers, [("x-site".to_owned(), "north".to_owned())]);
        let push = Wanted { purpose: Purpose::Push, ..wanted("docker.io", "a/b") };
        let found = shown(&ways(push, &config).unwrap());
        assert_eq!(found[0], "https://push.example/v2/a/b/x verified");
        assert_eq!(
            shown(&ways(wanted("quay.io", "a"), &config).unwrap()),
            ["https://quay.io/v2/a/x verified"]
        );
    }

    #[test]
    fn a_default_directory_serves_every_registry() {
        let (_dir, config) = with_hosts("_default", "[host.\"https://site.example\"]\n");
        let found = ways(wanted("ghcr.io", "a"), &config).unwrap();
        assert_eq!(
            shown(&found),
            ["https://site.example/v2/a/x verified", "https://ghcr.io/v2/a/x verified"]
        );
        assert_eq!(found[0].url("x").path, "/v2/a/x?ns=ghcr.io");
    }

    #[test]
    fn what_cannot_be_understood_is_said_with_its_line() {
        let (_dir, config) = with_registries("[[registry]]\nlocation = 7\n");
        let error = ways(wanted("x.example", "a"), &config).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("registries.conf: line 2"), "{cause}");
    }
}
