//! Where a registry is, and how it may be spoken to.

use crate::config::Config;
use crate::url::{Url, encode};
use std::net::IpAddr;
use std::path::PathBuf;

/// The host that answers for `docker.io`.
pub(crate) const HUB: &str = "registry-1.docker.io";

/// One way to a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The root, path `/`, or a mirror's prefix.
    pub(crate) root: Url,
    /// Whether its certificate must be vouched for.
    pub(crate) verify: bool,
    /// The registry that it stands for, as in references: the key of credentials and certificates.
    pub(crate) registry: String,
    /// What the repository is called there.
    pub(crate) repository: String,
    /// Whether it only stands in for the registry, so that whatever fails there, the next way is tried.
    pub(crate) mirror: bool,
    /// Certificates that only count here.
    pub(crate) files: HostFiles,
    /// Sent with every request.
    pub(crate) headers: Vec<(String, String)>,
    /// The registry that it is asked for, where it stands for several (`?ns=`).
    pub(crate) namespace: Option<String>,
    /// The root's path has the version in it.
    pub(crate) whole_path: bool,
}

/// Certificate files of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct HostFiles {
    pub(crate) authorities: Vec<PathBuf>,
    /// Certificate and key, by which we show who we are.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
}

impl Endpoint {
    /// At a root, under that root's own name.
    pub(crate) fn at(root: Url, repository: &str) -> Self {
        Self {
            verify: root.secure,
            registry: root.authority(),
            repository: repository.to_owned(),
            root,
            mirror: false,
            files: HostFiles::default(),
            headers: Vec::new(),
            namespace: None,
            whole_path: false,
        }
    }

    /// `/v2/` itself.
    pub(crate) fn base(&self) -> Url {
        let prefix = self.root.path.trim_end_matches('/');
        let version = if self.whole_path { "" } else { "/v2" };
        Url { path: format!("{prefix}{version}/"), ..self.root.clone() }
    }

    /// A URL below `/v2/<repository>/`.
    pub(crate) fn url(&self, rest: &str) -> Url {
        let base = self.base();
        let query = self.namespace.as_ref().map(|one| format!("?ns={}", encode(one))).unwrap_or_default();
        Url { path: format!("{}{}/{rest}{query}", base.path, self.repository), ..base }
    }
}

/// Whether a host (`host[:port]`) may be spoken to without TLS, or with a certificate that nobody vouches for.
pub(crate) fn is_insecure(registry: &str, config: &Config) -> bool {
    let host = host_of(registry);
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    host == "localhost"
        || address.is_some_and(|address| address.is_loopback())
        || config.insecure.iter().any(|entry| {
            entry == registry || entry == host || address.is_some_and(|address| block_holds(entry, address))
        })
}

fn host_of(registry: &str) -> &str {
    match registry.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => registry,
    }
}

/// Whether an address block (`10.0.0.0/8`) holds an address.
fn block_holds(block: &str, address: IpAddr) -> bool {
    let Some((base, length)) = block.split_once('/') else { return false };
    let Ok(length) = length.parse::<u32>() else { return false };
    match (base.parse(), address) {
        (Ok(IpAddr::V4(base)), IpAddr::V4(address)) if length <= 32 => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            base.to_bits() & mask == address.to_bits() & mask
        }
        (Ok(IpAddr::V6(base)), IpAddr::V6(address)) if length <= 128 => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            base.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}
