//! Who holds a host port: for error messages, never on a path that succeeds.

use super::element::Entry;
use super::list_published;
use crate::{NetworkSockets, Protocol};
use kernel::netlink::diag;
use kernel::netlink::{Family, Socket};
use std::net::Ipv4Addr;
use std::path::Path;

/// How many processes are looked at: a message is not worth more.
const PROCESSES_MAX: usize = 20_000;

/// Who holds a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A container of this instance, by its address.
    Container(Ipv4Addr),
    /// Another process.
    Process {
        /// Its number.
        pid: u32,
        /// Its name (`/proc/<pid>/comm`).
        name: String,
    },
    /// Nobody who could be found: hidden, another namespace, or gone by now.
    Unknown,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Container(address) => write!(f, "the container at {address}"),
            Self::Process { pid, name } => write!(f, "process {pid} ({name})"),
            Self::Unknown => f.write_str("another process"),
        }
    }
}

/// Looks for the holder: among the published ports (but for those that lead to `own`), then among the sockets.
pub(super) fn find(
    sockets: &NetworkSockets,
    protocol: Protocol,
    host_ip: Ipv4Addr,
    port: u16,
    own: Option<Ipv4Addr>,
) -> Holder {
    let wanted = Entry { protocol, host_ip, first: port, last: port, container_port: port };
    let published = list_published(sockets).unwrap_or_default();
    let container = published
        .iter()
        .filter(|published| Some(published.container_ip) != own)
        .find(|published| Entry::new(&published.mapping).is_ok_and(|theirs| theirs.overlaps(&wanted)));
    if let Some(container) = container {
        return Holder::Container(container.container_ip);
    }
    inodes(protocol, host_ip, port).and_then(|inodes| process_with(&inodes)).unwrap_or(Holder::Unknown)
}

fn inodes(protocol: Protocol, host_ip: Ipv4Addr, port: u16) -> Option<Vec<u32>> {
    let holders = diag::holders(&Socket::open(Family::SockDiag).ok()?, protocol.number(), port).ok()?;
    let meets = |address: Option<Ipv4Addr>| {
        address
            .is_none_or(|address| address == host_ip || address.is_unspecified() || host_ip.is_unspecified())
    };
    Some(holders.into_iter().filter(|holder| meets(holder.address)).map(|holder| holder.inode).collect())
}

/// The first process with one of the sockets among its descriptors.
fn process_with(inodes: &[u32]) -> Option<Holder> {
    if inodes.is_empty() {
        return None;
    }
    let targets: Vec<_> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let processes = std::fs::read_dir("/proc").ok()?.flatten().take(PROCESSES_MAX);
    for process in processes {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if has_one_of(&process.path().join("fd"), &targets) {
            let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(Holder::Process { pid, name: name.trim_end().to_owned() });
        }
    }
    None
}

fn has_one_of(descriptors: &Path, targets: &[String]) -> bool {
    let Ok(descriptors) = std::fs::read_dir(descriptors) else { return false };
    descriptors
        .flatten()
        .filter_map(|descriptor| std::fs::read_link(descriptor.path()).ok())
        .any(|target| target.to_str().is_some_and(|target| targets.iter().any(|wanted| wanted == target)))
}
