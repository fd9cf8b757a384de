//! The files of a container that are bound over its image's: `hostname`, `hosts`, `resolv.conf`.

use crate::documents::FileError;
use network::resolv_conf::{
    HostEntry, InvalidSetting, Overrides, Resolver, SYSTEMD_RESOLV_CONF, ServerSource, hostname_file,
    hosts_file,
};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::IpAddr;
use std::path::Path;

pub(crate) const HOSTNAME: &str = "hostname";
pub(crate) const HOSTS: &str = "hosts";
pub(crate) const RESOLV_CONF: &str = "resolv.conf";

/// A host's file is read up to this many bytes.
const HOST_FILE_MAX: u64 = 1 << 20;

/// What goes into the files.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    pub(crate) hostname: &'a str,
    pub(crate) domain: Option<&'a str>,
    /// The container's own addresses.
    pub(crate) addresses: &'a [IpAddr],
    /// `--add-host`.
    pub(crate) extra_hosts: &'a [HostEntry],
    /// `--dns` and so on.
    pub(crate) resolver: &'a Overrides,
    /// The container shares the host's network.
    pub(crate) host_network: bool,
    pub(crate) durable: bool,
}

/// Why the files could not be written.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A setting that does not fit into a line.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
}

fn read_host(path: &str) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(HOST_FILE_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

fn host_resolver() -> Resolver {
    let resolver = Resolver::parse(&read_host("/etc/resolv.conf").unwrap_or_default());
    if resolver.is_only_loopback()
        && let Some(behind_the_stub) = read_host(SYSTEMD_RESOLV_CONF)
    {
        return Resolver::parse(&behind_the_stub);
    }
    resolver
}

/// Writes the files into the container's data directory; warnings.
pub(crate) fn write(directory: &Path, content: &Content<'_>) -> Result<Vec<String>, FileError> {
    let host = if content.host_network {
        Resolver::parse(&read_host("/etc/resolv.conf").unwrap_or_default())
    } else {
        host_resolver()
    };
    let (resolver, source) = host.for_container(content.resolver, false, content.host_network);
    let hosts = match content.host_network.then(|| read_host("/etc/hosts")).flatten() {
        Some(text) => with_extra(text, content.extra_hosts),
        None => hosts_file(content.hostname, content.domain, content.addresses, content.extra_hosts),
    };
    write_file(&directory.join(HOSTNAME), &hostname_file(content.hostname), content.durable)?;
    write_file(&directory.join(HOSTS), &hosts, content.durable)?;
    write_file(&directory.join(RESOLV_CONF), &resolver.render(), content.durable)?;
    let warnings = match source {
        ServerSource::Fallback if !content.addresses.is_empty() => {
            vec![
                "the host names no DNS server that a container can reach: using 8.8.8.8 and 8.8.4.4"
                    .to_owned(),
            ]
        }
        _ => Vec::new(),
    };
    Ok(warnings)
}

fn with_extra(mut text: String, extra: &[HostEntry]) -> String {
    use std::fmt::Write;
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for entry in extra {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{}\t{}", entry.address, entry.name);
    }
    text
}

fn write_file(path: &Path, text: &str, durable: bool) -> Result<(), FileError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(text.as_bytes())?;
        if durable { file.sync_all() } else { Ok(()) }
    };
    write().map_err(FileError::of("write", path))
}

/// The host's own name.
pub(crate) fn host_name() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

/// Copies the files of the container whose network is shared.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), FileError> {
    for name in [HOSTNAME, HOSTS, RESOLV_CONF] {
        fs::copy(from.join(name), to.join(name)).map_err(FileError::of("copy", &from.join(name)))?;
    }
    Ok(())
}
