//! How registries are spoken to on this host.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of the client; the defaults are Docker's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Registries (`host`, `host:port`, or an address block such as `10.0.0.0/8`) that may be spoken to without TLS,
    /// or with a certificate that nobody vouches for. Loopback addresses always are.
    pub insecure: Vec<String>,
    /// URLs of mirrors that are asked before the hub (`https://mirror.example`).
    pub mirrors: Vec<String>,
    /// Directories with a directory for each registry, holding `*.crt` (authorities), `*.cert` with `*.key` (ours).
    pub certificate_dirs: Vec<PathBuf>,
    /// Files and directories of containers-registries.conf(5).
    pub registries_conf: Vec<PathBuf>,
    /// Directories with a directory for each registry that may hold a `hosts.toml` (containerd).
    pub hosts_dirs: Vec<PathBuf>,
    /// Docker's client configuration, for credentials.
    pub docker_config: Option<PathBuf>,
    /// Another file of that form, looked at first and written to (`REGISTRY_AUTH_FILE`).
    pub auth_file: Option<PathBuf>,
    /// Host names (`host:port`) and the addresses to connect to instead of asking the resolver.
    pub addresses: BTreeMap<String, SocketAddr>,
    /// What we call ourselves.
    pub user_agent: String,
    /// Until a connection stands.
    pub connect_timeout: Duration,
    /// Until an answer begins, and between two pieces of it.
    pub idle_timeout: Duration,
    /// How often a broken transfer or a busy registry is tried again.
    pub retries: u32,
    /// Before the first retry; doubled each time.
    pub retry_delay: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            insecure: Vec::new(),
            mirrors: Vec::new(),
            certificate_dirs: vec!["/etc/sampan/certs.d".into(), "/etc/docker/certs.d".into()],
            registries_conf: crate::policy::default_files(),
            hosts_dirs: vec!["/etc/sampan/certs.d".into(), "/etc/containerd/certs.d".into()],
            docker_config: docker_config_path(),
            auth_file: std::env::var_os("REGISTRY_AUTH_FILE")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            addresses: BTreeMap::new(),
            user_agent: concat!("sampan/", env!("CARGO_PKG_VERSION")).into(),
            connect_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(60),
            retries: 5,
            retry_delay: Duration::from_secs(1),
        }
    }
}

/// `$DOCKER_CONFIG/config.json`, or `~/.docker/config.json`.
fn docker_config_path() -> Option<PathBuf> {
    let directory = match std::env::var_os("DOCKER_CONFIG").filter(|dir| !dir.is_empty()) {
        Some(directory) => PathBuf::from(directory),
        None => PathBuf::from(std::env::var_os("HOME").filter(|home| !home.is_empty())?).join(".docker"),
    };
    Some(directory.join("config.json"))
}
