//! Interfaces, addresses and the default route of this network namespace.
//!
//! Interfaces and IPv6 addresses come from `/proc/net`, which shows the reader's own namespace; IPv4 addresses by a
//! netlink dump ([`super::route`]), since no file names them with their interface.

use super::layout::Row;
use super::route::{self, Address};
use std::net::{Ipv4Addr, Ipv6Addr};

pub(super) fn rows() -> Vec<Option<Row>> {
    let interfaces = read("/proc/net/dev").map(|text| interfaces(&text)).unwrap_or_default();
    let mut addresses = route::ipv4_addresses().unwrap_or_default();
    addresses.extend(read("/proc/net/if_inet6").map(|text| ipv6_addresses(&text)).unwrap_or_default());
    let gateway = read("/proc/net/route").and_then(|text| default_route(&text));
    let mut rows: Vec<Option<Row>> =
        interfaces.iter().map(|name| Some(Row::new("network", interface(name, &addresses)))).collect();
    let row = gateway.unwrap_or_else(|| String::from("no default route"));
    rows.push(Some(Row::new("route", row)));
    rows
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn interface(name: &str, addresses: &[Address]) -> String {
    let own: Vec<String> = addresses
        .iter()
        .filter(|address| address.interface == name)
        .map(|address| format!("{}/{}", address.address, address.prefix_length))
        .collect();
    if own.is_empty() { format!("{name}, no address") } else { format!("{name} {}", own.join(", ")) }
}

/// The names in `/proc/net/dev`: two heading lines, then `name: counters`.
fn interfaces(text: &str) -> Vec<String> {
    text.lines().skip(2).filter_map(|line| Some(String::from(line.split_once(':')?.0.trim()))).collect()
}

/// `/proc/net/if_inet6`: address, index, prefix length, scope, flags in hexadecimal, and the name.
fn ipv6_addresses(text: &str) -> Vec<Address> {
    text.lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [address, _, prefix_length, _, _, name] = fields[..] else { return None };
            Some(Address {
                interface: String::from(name),
                address: Ipv6Addr::from(u128::from_str_radix(address, 16).ok()?).into(),
                prefix_length: u8::from_str_radix(prefix_length, 16).ok()?,
            })
        })
        .collect()
}

/// The gateway in `/proc/net/route`, whose addresses are hexadecimal in the machine's byte order.
fn default_route(text: &str) -> Option<String> {
    text.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [interface, "00000000", gateway, _, _, _, _, "00000000", ..] = fields[..] else { return None };
        let gateway = u32::from_str_radix(gateway, 16).ok()?;
        let address = Ipv4Addr::from(gateway.to_ne_bytes());
        Some(if gateway == 0 {
            format!("default by {interface}")
        } else {
            format!("default by {address}, {interface}")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_route_is_the_one_without_destination_and_mask() {
        let text = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\n\
                    eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
                    eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
        assert_eq!(default_route(text).as_deref(), Some("default by 172.17.0.1, eth0"));
        assert_eq!(default_route("Iface\n"), None);
    }

    #[test]
    fn interfaces_and_their_addresses_are_read() {
        let dev = "Inter-|   Receive\n face |bytes\n    lo:       0    0\n  eth0: 1 2 3\n";
        assert_eq!(interfaces(dev), ["lo", "eth0"]);
        let addresses = ipv6_addresses("00000000000000000000000000000001 01 80 10 80       lo\nbroken\n");
        assert_eq!(interface("lo", &addresses), "lo ::1/128");
        assert_eq!(interface("eth0", &addresses), "eth0, no address");
    }
}
