//! The name servers of this host, as its files say now.

use crate::resolv_conf::{Resolver, SYSTEMD_RESOLV_CONF};
use std::fs::File;
use std::io::Read;

/// A host's file is read up to this many bytes.
const FILE_MAX: u64 = 1 << 20;
/// resolv.conf(5)
const RESOLV_CONF: &str = "/etc/resolv.conf";

fn read(path: &str) -> Option<Resolver> {
    let mut text = String::new();
    File::open(path).ok()?.take(FILE_MAX).read_to_string(&mut text).ok()?;
    Some(Resolver::parse(&text))
}

/// The host's resolver file; an empty one when there is none. Where it names only a local stub of systemd-resolved, the
/// file with the servers behind the stub, which containers can reach.
#[must_use]
pub fn host_resolver() -> Resolver {
    let resolver = read(RESOLV_CONF).unwrap_or_default();
    if resolver.is_only_loopback() { read(SYSTEMD_RESOLV_CONF).unwrap_or(resolver) } else { resolver }
}
