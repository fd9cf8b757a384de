//! Where a registry is, and how it may be spoken to.

use crate::config::Config;
use crate::error::RegistryError;
use crate::url::Url;
use ids::DEFAULT_REGISTRY;
use std::net::IpAddr;

/// The host that answers for `docker.io`.
const HUB: &str = "registry-1.docker.io";

/// One way to a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The root, path `/`, or a mirror's prefix.
    pub(crate) root: Url,
    /// Whether its certificate must be vouched for.
    pub(crate) verify: bool,
    /// The registry that it stands for, as in references: the key of credentials and certificates.
    pub(crate) registry: String,
}

impl Endpoint {
    /// A URL below `/v2/<repository>/`.
    pub(crate) fn url(&self, repository: &str, rest: &str) -> Url {
        let prefix = self.root.path.trim_end_matches('/');
        Url { path: format!("{prefix}/v2/{repository}/{rest}"), ..self.root.clone() }
    }
}

/// The ways to a registry in the order they are tried: mirrors of the hub, then itself; where that is allowed, first
/// with TLS and then without.
pub(crate) fn endpoints(registry: &str, config: &Config) -> Result<Vec<Endpoint>, RegistryError> {
    let mut ways = Vec::new();
    if registry == DEFAULT_REGISTRY {
        for mirror in &config.mirrors {
            let root = Url::parse(mirror)?;
            let verify = !is_insecure(&root.authority(), config);
            ways.push(Endpoint { registry: root.authority(), root, verify });
        }
    }
    let host = if registry == DEFAULT_REGISTRY { HUB } else { registry };
    let way = |scheme: &str, verify| -> Result<Endpoint, RegistryError> {
        Ok(Endpoint {
            root: Url::parse(&format!("{scheme}://{host}"))?,
            verify,
            registry: registry.to_owned(),
        })
    };
    if is_insecure(registry, config) {
        ways.push(way("https", false)?);
        ways.push(way("http", false)?);
    } else {
        ways.push(way("https", true)?);
    }
    Ok(ways)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(registry: &str, insecure: &[&str], mirrors: &[&str]) -> Vec<String> {
        let own = |list: &[&str]| list.iter().map(|&one| one.to_owned()).collect();
        let config = Config { insecure: own(insecure), mirrors: own(mirrors), ..Config::default() };
        let ways = endpoints(registry, &config).unwrap();
        ways.iter()
            .map(|way| format!("{} {}", way.url("a/b", "x"), if way.verify { "verified" } else { "any" }))
            .collect()
    }

    #[test]
    fn tls_is_a_must_except_where_it_is_not() {
        assert_eq!(ways("docker.io", &[], &[]), ["https://registry-1.docker.io/v2/a/b/x verified"]);
        assert_eq!(ways("ghcr.io", &["other.io"], &[]), ["https://ghcr.io/v2/a/b/x verified"]);
        for (registry, insecure) in [
            ("localhost:5000", ""),
            ("127.0.0.2", ""),
            ("[::1]:5000", ""),
            ("10.1.2.3:5000", "10.0.0.0/8"),
            ("reg.example:5000", "reg.example"),
            ("reg.example:5000", "reg.example:5000"),
        ] {
            let found = ways(registry, &[insecure], &[]);
            assert_eq!(
                found,
                [format!("https://{registry}/v2/a/b/x any"), format!("http://{registry}/v2/a/b/x any")]
            );
        }
        assert_eq!(ways("11.1.2.3", &["10.0.0.0/8", "::/0", "x/y"], &[]).len(), 1);
        assert_eq!(ways("1.2.3.4", &["0.0.0.0/0"], &[]).len(), 2);
    }

    #[test]
    fn mirrors_come_first_and_only_for_the_hub() {
        let found = ways("docker.io", &[], &["https://mirror.example/hub/", "http://127.0.0.1:1"]);
        assert_eq!(
            found,
            [
                "https://mirror.example/hub/v2/a/b/x verified",
                "http://127.0.0.1:1/v2/a/b/x any",
                "https://registry-1.docker.io/v2/a/b/x verified"
            ]
        );
        assert_eq!(ways("quay.io", &[], &["https://mirror.example"]).len(), 1);
    }
}
