//! Network devices of the host that become the container's (config-linux.md, "Network Devices").
//!
//! Everything is looked up before anything moves; when a later device cannot be moved, those before it come back with
//! the addresses they had.

use crate::error::{Cause, LaunchError, StepKind};
use kernel::namespace::{self, Kind};
use kernel::netlink::link::{self, Link};
use kernel::netlink::transfer::{self, KeptAddress};
use kernel::netlink::{Batch, Family, NetlinkError, Socket};
use rustix::io::Errno;
use spec::runtime::NetDevice;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A network namespace, and a socket that belongs to it.
struct Side {
    namespace: OwnedFd,
    socket: Socket,
}

/// A device that is to move.
struct Device<'a> {
    name: &'a str,
    index: u32,
    inside: &'a str,
    was_up: bool,
}

/// Moves the devices into the network namespace of the child `pid`, which the caller has not reaped.
///
/// # Errors
/// [`LaunchError::Host`] with the device: `NODEV` when there is none, `EXIST` when the name is taken inside.
pub(crate) fn move_in(pid: i32, devices: &BTreeMap<String, NetDevice>) -> Result<(), LaunchError> {
    let fail = |errno| failure("", errno);
    let host = namespace::open_own(Kind::Network).map_err(fail)?;
    let own =
        Side { socket: Socket::open(Family::Route).map_err(|error| refused("", &error))?, namespace: host };
    let namespace = namespace::open_of(pid, Kind::Network).map_err(fail)?;
    let socket = socket_in(namespace.as_fd(), own.namespace.as_fd())?;
    let container = Side { namespace, socket };
    let wanted = look_up(devices, &own, &container)?;
    for (count, device) in wanted.iter().enumerate() {
        let moved = transfer(device.index, device.inside, true, &own, &container);
        let Err(error) = moved else { continue };
        for before in &wanted[..count] {
            bring_back(before, &container, &own);
        }
        return Err(refused(device.name, &error));
    }
    Ok(())
}

/// A socket of another namespace; the calling thread, the only one, is back in its own afterwards.
fn socket_in(namespace: BorrowedFd<'_>, own: BorrowedFd<'_>) -> Result<Socket, LaunchError> {
    let fail = |errno| failure("", errno);
    namespace::enter(namespace, Kind::Network).map_err(fail)?;
    let socket = Socket::open(Family::Route);
    namespace::enter(own, Kind::Network).map_err(fail)?;
    socket.map_err(|error| refused("", &error))
}

/// Finds the devices and checks that their names are free inside.
fn look_up<'a>(
    devices: &'a BTreeMap<String, NetDevice>,
    own: &Side,
    container: &Side,
) -> Result<Vec<Device<'a>>, LaunchError> {
    let links = |side: &Side| side.socket.list(link::list, Link::parse).map_err(|error| refused("", &error));
    let (present, taken) = (links(own)?, links(container)?);
    let mut wanted = Vec::new();
    for (name, device) in devices {
        let found = present.iter().find(|link| link.name == *name && !link.is_loopback);
        let found = found.ok_or_else(|| failure(name, Errno::NODEV))?;
        let inside = if device.name.is_empty() { name } else { &device.name };
        if taken.iter().any(|link| link.name == *inside) {
            return Err(failure(&format!("{name} as {inside}"), Errno::EXIST));
        }
        wanted.push(Device { name, index: found.index, inside, was_up: found.is_up });
    }
    Ok(wanted)
}

/// Moves one device with its addresses and brings it up; returns its index there.
fn transfer(index: u32, name: &str, up: bool, from: &Side, to: &Side) -> Result<u32, NetlinkError> {
    let addresses = from.socket.list(transfer::list_addresses, KeptAddress::parse)?;
    let indices = |side: &Side| -> Result<Vec<u32>, NetlinkError> {
        Ok(side.socket.list(link::list, Link::parse)?.iter().map(|link| link.index).collect())
    };
    let before = indices(to)?;
    let mut batch = Batch::new();
    transfer::move_to(&mut batch, index, to.namespace.as_fd(), name);
    from.socket.execute(&mut batch)?;
    // Its number may be another one there.
    let after = indices(to)?;
    let index_there = after.into_iter().find(|found| !before.contains(found)).unwrap_or(index);
    let mut batch = Batch::new();
    for address in addresses.iter().filter(|address| address.index == index) {
        address.add(&mut batch, index_there);
    }
    if up {
        link::set_up(&mut batch, index_there);
    }
    if !batch.is_empty() {
        to.socket.execute(&mut batch)?;
    }
    Ok(index_there)
}

/// The way back of a device that has moved; best effort on the way out of an error that is told.
fn bring_back(device: &Device<'_>, container: &Side, own: &Side) {
    let Ok(links) = container.socket.list(link::list, Link::parse) else { return };
    let template = device.inside.split_once("%d").map(|(start, _)| start);
    let is_it = |link: &&Link| match template {
        Some(start) => link.name.starts_with(start),
        None => link.name == device.inside,
    };
    if let Some(link) = links.iter().find(is_it) {
        let _ = transfer(link.index, device.name, device.was_up, container, own);
    }
}

fn failure(device: &str, errno: Errno) -> LaunchError {
    LaunchError::Host { step: StepKind::NetworkDevice, object: device.to_owned(), source: Cause(errno) }
}

fn refused(device: &str, error: &NetlinkError) -> LaunchError {
    failure(device, error.errno().unwrap_or(Errno::IO))
}
