//! What is answered to a question.

use super::NameTable;
use super::message::{Kind, Query};
use std::net::Ipv4Addr;

/// The decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// These addresses, in this order.
    Addresses(Vec<Ipv4Addr>),
    /// This name.
    Pointer(String),
    /// The name is ours and has nothing of the kind asked: it must not be asked for elsewhere.
    Empty,
    /// Not ours.
    Forward,
}

/// Decides. `turn` moves the first of several addresses to another place each time, so that clients that take the
/// first spread over all.
#[must_use]
pub fn decide(query: &Query<'_>, table: &NameTable, turn: usize) -> Decision {
    let Some(name) = query.name.as_deref().filter(|_| query.is_internet) else { return Decision::Forward };
    if query.kind == Kind::Pointer {
        let known = reversed(name).and_then(|address| table.name_of(address));
        return known.map_or(Decision::Forward, Decision::Pointer);
    }
    let mut addresses = table.addresses(name);
    if addresses.is_empty() {
        return Decision::Forward;
    }
    match query.kind {
        Kind::Address | Kind::Any => {
            addresses.sort_unstable();
            let places = turn % addresses.len();
            addresses.rotate_left(places);
            Decision::Addresses(addresses)
        }
        _ => Decision::Empty,
    }
}

/// The address of `d.c.b.a.in-addr.arpa` (RFC 1035, section 3.5).
fn reversed(name: &str) -> Option<Ipv4Addr> {
    let digits = name.strip_suffix(".in-addr.arpa")?;
    let [d, c, b, a] = digits.parse::<Ipv4Addr>().ok()?.octets();
    Some(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::super::message::{self, Record};
    use super::super::{Network, PublishedEndpoint};
    use super::*;

    fn member(last: u8, names: &[&str]) -> PublishedEndpoint {
        let names = names.iter().map(ToString::to_string).collect();
        PublishedEndpoint { address: Ipv4Addr::new(172, 18, 0, last), names }
    }

    fn table() -> NameTable {
        let front = Network {
            name: "front".into(),
            members: vec![member(2, &["web", "www"]), member(3, &["two", "www"])],
        };
        let back = Network { name: "back.end".into(), members: vec![member(9, &["db"])] };
        NameTable { networks: vec![front, back], links: [("mydb".into(), "db".into())].into() }
    }

    /// What is decided about a question that came over the wire.
    fn asked(name: &str, kind: u16, turn: usize) -> Decision {
        let mut bytes = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            bytes.push(u8::try_from(label.len()).unwrap());
            bytes.extend(label.as_bytes());
        }
        bytes.push(0);
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 1]);
        let query = message::parse(&bytes).unwrap();
        let decision = decide(&query, &table(), turn);
        if let Decision::Pointer(name) = &decision {
            let answer = query.answer(message::Code::NoError, &[Record::Pointer(name.clone())], 512);
            assert!(message::answers(&answer, &bytes, 1));
        }
        decision
    }

    #[test]
    fn names_of_every_kind() {
        let at = |lasts: &[u8]| {
            Decision::Addresses(lasts.iter().map(|last| Ipv4Addr::new(172, 18, 0, *last)).collect())
        };
        assert_eq!(asked("web", 1, 0), at(&[2]));
        assert_eq!(asked("WEB.front", 1, 0), at(&[2]));
        assert_eq!(asked("db.back.end", 1, 0), at(&[9]));
        assert_eq!(asked("mydb", 1, 0), at(&[9]));
        assert_eq!(asked("www", 1, 0), at(&[2, 3]));
        assert_eq!(asked("www", 1, 1), at(&[3, 2]));
        assert_eq!(asked("web", 28, 0), Decision::Empty);
        assert_eq!(asked("db.front", 1, 0), Decision::Forward);
        assert_eq!(asked("example.org", 1, 0), Decision::Forward);
    }

    #[test]
    fn addresses_have_names() {
        assert_eq!(asked("3.0.18.172.in-addr.arpa", 12, 0), Decision::Pointer("two.front".into()));
        assert_eq!(asked("4.0.18.172.in-addr.arpa", 12, 0), Decision::Forward);
        assert_eq!(asked("web", 12, 0), Decision::Forward);
    }
}
