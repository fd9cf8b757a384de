//! What the engine knows about the host before it does anything: built once in `main`, passed down as a value.

use crate::documents::FileError;
use crate::model::Ulimit;
use ids::InstanceId;
use rustix::fs::Access;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

/// Where an instance keeps its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// Outlives a reboot (`/var/lib/sampan`).
    pub data: PathBuf,
    /// Need not (`/run/sampan`).
    pub exec: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { data: "/var/lib/sampan".into(), exec: "/run/sampan".into() }
    }
}

/// The programs of this installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// `sampan` itself, absolute: what a monitor executes to have a container reaped.
    pub sampan: PathBuf,
    /// `sampan-runtime`.
    pub runtime: PathBuf,
    /// Build id that engine and monitor must share.
    pub build: String,
    /// Version shown to people.
    pub version: String,
}

/// Everything about the host and the instance that use cases depend on.
#[derive(Debug, Clone)]
pub struct HostContext {
    /// Directories.
    pub roots: Roots,
    /// Part of every host-global name.
    pub instance: InstanceId,
    /// Settings of the host file.
    pub config: HostConfig,
    /// Programs.
    pub programs: Programs,
    /// Whose records this engine sees; people's are `default`.
    pub namespace: String,
    /// Effective user id of the process.
    pub euid: u32,
    /// The user's client configuration, which holds credentials for registries; `None` for the environment's own.
    pub docker_config: Option<PathBuf>,
    /// Nanoseconds of `CLOCK_BOOTTIME` when the user's command began, for the start-time trace.
    pub command_began_ns: Option<u64>,
}

/// The namespace of people's containers and images.
const DEFAULT_NAMESPACE: &str = "default";

/// Why the context could not be built.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// A directory or file of the instance.
    #[error(transparent)]
    File(#[from] FileError),
    /// The host file is not understood.
    #[error("{path} is not a valid configuration file")]
    Config {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The data root belongs to somebody with more rights.
    #[error(
        "permission denied for the data root {path}: run this as root (sudo sampan ...), or name another with --data-root"
    )]
    Forbidden {
        /// The data root.
        path: PathBuf,
    },
    /// The instance file holds something else.
    #[error(
        "{path} does not hold an instance id; if this data root was made by this program, remove the file"
    )]
    Instance {
        /// The file.
        path: PathBuf,
    },
}

impl HostContext {
    /// Opens the instance below `roots`: makes the roots and the instance id if they are missing, and reads the host
    /// file (`config_file`, absent for none).
    ///
    /// # Errors
    /// When a directory cannot be made, or a file cannot be read or understood.
    pub fn open(roots: Roots, programs: Programs, config_file: Option<&Path>) -> Result<Self, ContextError> {
        lift_bounds();
        let config = match config_file {
            Some(path) => HostConfig::read(path)?,
            None => HostConfig::default(),
        };
        let euid = rustix::process::geteuid().as_raw();
        let instance = open_instance(&roots.data).map_err(|error| refused(error, euid, &roots.data))?;
        if euid != 0 && rustix::fs::access(&roots.data, Access::WRITE_OK).is_err() {
            return Err(ContextError::Forbidden { path: roots.data });
        }
        Ok(Self {
            roots,
            instance,
            config,
            programs,
            namespace: DEFAULT_NAMESPACE.to_owned(),
            euid,
            docker_config: None,
            command_began_ns: None,
        })
    }
}

/// Where a user without rights meets what is root's, the way out is told.
fn refused(error: ContextError, euid: u32, data_root: &Path) -> ContextError {
    match error {
        ContextError::File(FileError { ref source, .. })
            if euid != 0 && source.kind() == io::ErrorKind::PermissionDenied =>
        {
            ContextError::Forbidden { path: data_root.to_owned() }
        }
        error => error,
    }
}

/// What a shell sets for its own programs would here cut images and the index, and make what containers read their
/// owner's alone: the soft limits of file sizes and descriptors are raised as far as the hard ones, and the mask is a
/// daemon's. Containers get their own (the monitor's launch context).
fn lift_bounds() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    for resource in [Resource::Fsize, Resource::Nofile] {
        let limit = getrlimit(resource);
        // Lowering or raising a soft limit to the hard one needs no right.
        let _ = setrlimit(resource, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
}

/// Settings of the host file. The keys are those of dockerd's `daemon.json`, JSON as well.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct HostConfig {
    /// Log driver of containers that ask for none.
    pub log_driver: String,
    /// Its options.
    pub log_opts: BTreeMap<String, String>,
    /// Name servers of containers that ask for none.
    pub dns: Vec<IpAddr>,
    /// Search domains of containers that ask for none.
    pub dns_search: Vec<String>,
    /// Options of resolv.conf(5).
    pub dns_opts: Vec<String>,
    /// Bytes of `/dev/shm`.
    pub default_shm_size: u64,
    /// Limits of containers that ask for none.
    pub default_ulimits: BTreeMap<String, UlimitSetting>,
    /// Bytes per packet on bridges.
    pub mtu: u32,
    /// Whether members of the default bridge reach each other.
    pub icc: bool,
    /// Whether traffic that leaves the host gets the host's address.
    pub ip_masq: bool,
    /// Host address that ports are published on when none is given.
    pub ip: IpAddr,
    /// Address and prefix of the default bridge.
    pub bip: Option<String>,
    /// Blocks that subnets are cut from.
    pub default_address_pools: Vec<PoolSetting>,
    /// An init process in every container.
    pub init: bool,
    /// Host names of registries that may be spoken to without or with unverified TLS.
    pub insecure_registries: Vec<String>,
    /// Registries asked before the hub.
    pub registry_mirrors: Vec<String>,
}

/// One of `default-ulimits`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UlimitSetting {
    /// Name without `RLIMIT_`; the map's key when empty.
    #[serde(default)]
    pub name: String,
    /// Value in force; -1 is unlimited.
    pub soft: i64,
    /// Ceiling; -1 is unlimited.
    pub hard: i64,
}

/// One of `default-address-pools`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PoolSetting {
    /// The block, `address/prefix`.
    pub base: String,
    /// Prefix length of each piece.
    pub size: u8,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            log_driver: "json-file".into(),
            log_opts: BTreeMap::new(),
            dns: Vec::new(),
            dns_search: Vec::new(),
            dns_opts: Vec::new(),
            default_shm_size: 64 << 20,
            default_ulimits: BTreeMap::new(),
            mtu: 1500,
            icc: true,
            ip_masq: true,
            ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            bip: None,
            default_address_pools: Vec::new(),
            init: false,
            insecure_registries: Vec::new(),
            registry_mirrors: Vec::new(),
        }
    }
}

impl HostConfig {
    /// `default-ulimits` as the plan takes them; -1 is unlimited.
    pub(crate) fn ulimits(&self) -> Vec<Ulimit> {
        let value = |number: i64| u64::try_from(number).unwrap_or(u64::MAX);
        self.default_ulimits
            .iter()
            .map(|(key, limit)| Ulimit {
                name: if limit.name.is_empty() { key.clone() } else { limit.name.clone() },
                soft: value(limit.soft),
                hard: value(limit.hard),
            })
            .collect()
    }

    /// Reads a host file; a missing one means the defaults.
    ///
    /// # Errors
    /// When it cannot be read or is no JSON object of known shape.
    pub fn read(path: &Path) -> Result<Self, ContextError> {
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|source| ContextError::Config { path: path.to_owned(), source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(FileError::of("read", path)(error).into()),
        }
    }
}

/// Reads `data_root/instance`, or makes it: written whole beside, then linked, so that of two first commands one wins
/// and both read the same id.
fn open_instance(data_root: &Path) -> Result<InstanceId, ContextError> {
    let path = data_root.join("instance");
    for _ in 0..2 {
        match fs::read_to_string(&path) {
            Ok(text) => {
                return InstanceId::parse(text.trim()).map_err(|_| ContextError::Instance { path });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => make_instance(data_root, &path)?,
            Err(error) => return Err(FileError::of("read", &path)(error).into()),
        }
    }
    Err(ContextError::Instance { path })
}

fn make_instance(data_root: &Path, path: &Path) -> Result<(), FileError> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o711).create(data_root).map_err(FileError::of("create", data_root))?;
    let temporary = data_root.join(format!("instance.{}.tmp", InstanceId::random()));
    let written = (|| {
        let mut file = fs::File::create(&temporary)?;
        writeln!(file, "{}", InstanceId::random())?;
        file.sync_all()?;
        match fs::hard_link(&temporary, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => fs::File::open(data_root)?.sync_all(),
        }
    })();
    let _ = fs::remove_file(&temporary);
    written.map_err(FileError::of("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instance_id_for_all_first_commands() {
        let root = std::env::temp_dir().join(format!("sampan-instance-{}", std::process::id()));
        let ids: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| open_instance(&root).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(fs::read_dir(&root).unwrap().count(), 1);
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn daemon_json_is_understood() {
        let config: HostConfig = serde_json::from_str(
            r#"{"log-opts":{"max-size":"10m"},"default-ulimits":{"nofile":{"Name":"nofile","Soft":64,"Hard":-1}},
                "default-address-pools":[{"base":"10.0.0.0/8","size":24}],"storage-driver":"overlay2"}"#,
        )
        .unwrap();
        assert_eq!(config.log_opts["max-size"], "10m");
        assert_eq!(config.default_ulimits["nofile"].hard, -1);
        assert_eq!((config.mtu, config.log_driver.as_str()), (1500, "json-file"));
    }
}
