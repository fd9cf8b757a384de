//! Mappings as elements of the port maps, and back.

use super::{PublishError, Published};
use crate::firewall::{PORTS, PORTS_AT, RANGES};
use crate::{PortMapping, Protocol};
use kernel::nft::{Element, Words};
use std::net::{IpAddr, Ipv4Addr};

/// A range whose numbers are shifted is held up to this many ports.
const HELD_MAX: u16 = 512;
/// All maps of published ports.
pub(super) const MAPS: [&str; 3] = [PORTS, PORTS_AT, RANGES];

/// A mapping that passed the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) protocol: Protocol,
    pub(super) host_ip: Ipv4Addr,
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) container_port: u16,
}

impl Entry {
    pub(super) fn new(mapping: &PortMapping) -> Result<Self, PublishError> {
        let invalid = |rule| Err(PublishError::Invalid { mapping: mapping.clone(), rule });
        let host_ip = match mapping.host_ip {
            IpAddr::V4(ip) => ip,
            IpAddr::V6(_) => return Err(PublishError::Ipv6 { host_ip: mapping.host_ip }),
        };
        let (first, last, container_port) =
            (mapping.host_port, mapping.host_port_end, mapping.container_port);
        if first == 0 || container_port == 0 {
            return invalid("a port is from 1 to 65535");
        }
        if last < first {
            return invalid("the range ends before it starts");
        }
        if container_port.checked_add(last - first).is_none() {
            return invalid("the container's range ends behind port 65535");
        }
        Ok(Self { protocol: mapping.protocol, host_ip, first, last, container_port })
    }

    pub(super) fn is_single(&self) -> bool {
        self.first == self.last
    }

    /// Whether sockets keep the ports: where each is an element of its own, up to a count that leaves a monitor
    /// descriptors for other things.
    pub(super) fn is_held(&self) -> bool {
        !self.is_interval() && self.last - self.first < HELD_MAX
    }

    /// Whether host ports lead to that container port.
    pub(super) fn leads_to(&self, container_port: u16) -> bool {
        container_port >= self.container_port
            && container_port - self.container_port <= self.last - self.first
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.protocol == other.protocol
            && self.first <= other.last
            && other.first <= self.last
            && (self.host_ip == other.host_ip
                || self.host_ip.is_unspecified()
                || other.host_ip.is_unspecified())
    }

    /// One interval serves a range only if it keeps its numbers: nf_tables translates to one port or to none.
    fn is_interval(&self) -> bool {
        !self.is_single() && self.first == self.container_port
    }

    fn map(&self) -> &'static str {
        if self.is_interval() {
            RANGES
        } else if self.host_ip.is_unspecified() {
            PORTS
        } else {
            PORTS_AT
        }
    }

    fn elements(&self, container_ip: Ipv4Addr) -> Vec<Element> {
        if self.is_interval() {
            return vec![self.interval(container_ip)];
        }
        let element = |host_port: u16| {
            let key = if self.host_ip.is_unspecified() { Words::new() } else { address(self.host_ip) };
            let port = self.container_port + (host_port - self.first);
            let data = address(container_ip).with(&port.to_be_bytes());
            Element { key: protocol_and_port(key, self.protocol, host_port), key_end: None, data: Some(data) }
        };
        (self.first..=self.last).map(element).collect()
    }

    fn interval(&self, container_ip: Ipv4Addr) -> Element {
        let any = self.host_ip.is_unspecified();
        let (from, to) = if any { (self.host_ip, Ipv4Addr::BROADCAST) } else { (self.host_ip, self.host_ip) };
        Element {
            key: protocol_and_port(address(from), self.protocol, self.first),
            key_end: Some(protocol_and_port(address(to), self.protocol, self.last)),
            data: Some(address(container_ip)),
        }
    }
}

fn address(ip: Ipv4Addr) -> Words {
    Words::new().with(&ip.octets())
}

fn protocol_and_port(words: Words, protocol: Protocol, port: u16) -> Words {
    words.with(&[protocol.number()]).with(&port.to_be_bytes())
}

/// The elements of all entries, by the map they go into.
pub(super) fn by_map(entries: &[Entry], container_ip: Ipv4Addr) -> Vec<(&'static str, Vec<Element>)> {
    MAPS.into_iter()
        .map(|map| {
            let of_map = entries.iter().filter(|entry| entry.map() == map);
            (map, of_map.flat_map(|entry| entry.elements(container_ip)).collect::<Vec<_>>())
        })
        .filter(|(_, elements)| !elements.is_empty())
        .collect()
}

/// What an element of a map says; `None` for what is not of our form.
pub(super) fn parse(map: &str, element: &Element) -> Option<Published> {
    let (ip, rest) = if map == PORTS {
        (Ipv4Addr::UNSPECIFIED, element.key.as_bytes())
    } else {
        let (ip, rest) = element.key.as_bytes().split_first_chunk::<4>()?;
        (Ipv4Addr::from(*ip), rest)
    };
    let (protocol, first) = parse_port(rest)?;
    let (container_ip, target_port) = element.data.as_ref()?.as_bytes().split_first_chunk::<4>()?;
    let (last, container_port) = if map == RANGES {
        let (_, end) = parse_port(element.key_end.as_ref()?.as_bytes().get(4..)?)?;
        (end, first)
    } else {
        (first, u16::from_be_bytes([*target_port.first()?, *target_port.get(1)?]))
    };
    let mapping =
        PortMapping { protocol, host_ip: ip.into(), host_port: first, host_port_end: last, container_port };
    Some(Published { container_ip: Ipv4Addr::from(*container_ip), mapping })
}

fn parse_port(words: &[u8]) -> Option<(Protocol, u16)> {
    let [protocol, _, _, _, high, low, ..] = *words else { return None };
    Some((Protocol::from_number(protocol)?, u16::from_be_bytes([high, low])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(host_ip: &str, host_port: u16, host_port_end: u16, container_port: u16) -> PortMapping {
        let host_ip = host_ip.parse().unwrap();
        PortMapping { protocol: Protocol::Udp, host_ip, host_port, host_port_end, container_port }
    }

    fn round(mapping: &PortMapping) -> Vec<Published> {
        let entry = Entry::new(mapping).unwrap();
        let maps = by_map(&[entry], Ipv4Addr::new(172, 17, 0, 2));
        maps.iter().flat_map(|(map, elements)| elements.iter().filter_map(|at| parse(map, at))).collect()
    }

    #[test]
    fn elements_come_back_as_mappings() {
        for whole in [
            mapping("0.0.0.0", 8080, 8080, 80),
            mapping("127.0.0.1", 53, 53, 53),
            mapping("0.0.0.0", 9000, 9999, 9000),
            mapping("192.0.2.1", 1, 65535, 1),
        ] {
            let container_ip = Ipv4Addr::new(172, 17, 0, 2);
            assert_eq!(round(&whole), [Published { container_ip, mapping: whole.clone() }]);
        }
    }

    #[test]
    fn a_shifted_range_is_single_ports() {
        let singles = round(&mapping("0.0.0.0", 9000, 9002, 80));
        let ports: Vec<_> =
            singles.iter().map(|at| (at.mapping.host_port, at.mapping.container_port)).collect();
        assert_eq!(ports, [(9000, 80), (9001, 81), (9002, 82)]);
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        for wrong in
            [mapping("0.0.0.0", 0, 0, 80), mapping("0.0.0.0", 80, 80, 0), mapping("0.0.0.0", 80, 79, 80)]
        {
            assert!(matches!(Entry::new(&wrong), Err(PublishError::Invalid { .. })), "{wrong}");
        }
        let behind_the_end = mapping("0.0.0.0", 80, 90, 65530);
        assert!(matches!(Entry::new(&behind_the_end), Err(PublishError::Invalid { .. })));
        assert!(matches!(Entry::new(&mapping("::", 80, 80, 80)), Err(PublishError::Ipv6 { .. })));
    }

    #[test]
    fn overlaps_look_at_address_and_range() {
        let entry = |ip, first, last| Entry::new(&mapping(ip, first, last, first)).unwrap();
        assert!(entry("0.0.0.0", 80, 90).overlaps(&entry("127.0.0.1", 90, 99)));
        assert!(!entry("127.0.0.2", 80, 90).overlaps(&entry("127.0.0.1", 80, 90)));
        assert!(!entry("0.0.0.0", 80, 90).overlaps(&entry("0.0.0.0", 91, 92)));
        assert!(entry("0.0.0.0", 80, 90).leads_to(85) && !entry("0.0.0.0", 80, 90).leads_to(91));
    }
}
