//! The files of a container that are bound over its image's: `hostname`, `hosts`, `resolv.conf`.

use crate::documents::FileError;
use network::host_resolver;
use network::resolv_conf::{
    HostEntry, InvalidSetting, Overrides, Resolver, ServerSource, hostname_file, hosts_file, own_line,
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
    /// The container's resolver is in its own sandbox.
    pub(crate) own_resolver: bool,
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

/// Writes the files into the container's data directory; warnings.
pub(crate) fn write(directory: &Path, content: &Content<'_>) -> Result<Vec<String>, FileError> {
    let (resolver, source) = match content.host_network {
        true => Resolver::parse(&read_host("/etc/resolv.conf").unwrap_or_default()).for_container(
            content.resolver,
            false,
            true,
        ),
        false => inside(content.resolver, content.own_resolver),
    };
    let hosts = match content.host_network.then(|| read_host("/etc/hosts")).flatten() {
        Some(text) => with_extra(text, content.extra_hosts),
        None => hosts_file(content.hostname, content.domain, content.addresses, content.extra_hosts),
    };
    write_file(&directory.join(HOSTNAME), &hostname_file(content.hostname), content.durable)?;
    write_file(&directory.join(HOSTS), &hosts, content.durable)?;
    write_file(&directory.join(RESOLV_CONF), &resolver.render(), content.durable)?;
    let warnings = match source {
        ServerSource::Fallback if !content.addresses.is_empty() && !content.own_resolver => {
            vec![
                "the host names no DNS server that a container can reach: using 8.8.8.8 and 8.8.4.4"
                    .to_owned(),
            ]
        }
        _ => Vec::new(),
    };
    Ok(warnings)
}

/// What stands in the container's `resolv.conf`: with a resolver of its own, that one alone, which knows the servers.
fn inside(asked: &Overrides, own_resolver: bool) -> (Resolver, ServerSource) {
    let (mut resolver, source) = host_resolver().for_container(asked, false, false);
    if own_resolver {
        resolver.servers = vec![IpAddr::V4(network::dns::ADDRESS)];
        // Names of containers have no dots, and are asked for as they are (Docker's choice too).
        if !resolver.options.iter().any(|option| option.starts_with("ndots:")) {
            resolver.options.push("ndots:0".to_owned());
        }
    }
    (resolver, source)
}

/// Writes `resolv.conf` anew, into the file that is mounted already.
pub(crate) fn write_resolver(
    directory: &Path,
    asked: &Overrides,
    own_resolver: bool,
) -> Result<(), FileError> {
    rewrite(&directory.join(RESOLV_CONF), &inside(asked, own_resolver).0.render())
}

/// Takes the lines of addresses out of `hosts` that the container has no more, and adds those of new ones; the rest
/// stays as it is, whoever wrote it.
pub(crate) fn change_hosts(
    directory: &Path,
    hostname: &str,
    domain: Option<&str>,
    before: &[IpAddr],
    now: &[IpAddr],
) -> Result<(), FileError> {
    let path = directory.join(HOSTS);
    let text = fs::read_to_string(&path).map_err(FileError::of("read", &path))?;
    let own = |addresses: &[IpAddr]| -> Vec<String> {
        addresses.iter().map(|address| own_line(hostname, domain, *address)).collect()
    };
    let (before, now) = (own(before), own(now));
    let stays = |line: &&str| !before.iter().any(|old| old == line && !now.contains(old));
    let mut lines: Vec<&str> = text.lines().filter(stays).collect();
    lines.extend(now.iter().filter(|new| !before.contains(new)).map(String::as_str));
    rewrite(&path, &(lines.join("\n") + "\n"))
}

/// Replaces the content of a file in place, since it is mounted: what is longer is cut last, so that at no moment
/// the beginning is missing.
fn rewrite(path: &Path, text: &str) -> Result<(), FileError> {
    let write = || {
        let mut file = File::options().write(true).open(path)?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)?;
        file.sync_all()
    };
    write().map_err(FileError::of("write", path))
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
