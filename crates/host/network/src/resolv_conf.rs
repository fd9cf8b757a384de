//! The three files that tell a container who it is and whom to ask: `/etc/resolv.conf`, `/etc/hosts` and
//! `/etc/hostname`, as text. Pure; the engine reads the host's files and writes these.
//!
//! The forms are resolv.conf(5), hosts(5) and hostname(5); the choices are Docker's.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where systemd-resolved keeps the servers behind its stub, for hosts whose `/etc/resolv.conf` names only the stub.
pub const SYSTEMD_RESOLV_CONF: &str = "/run/systemd/resolve/resolv.conf";
/// The servers that Docker falls back to when the host names none that a container can reach.
pub const FALLBACK_SERVERS: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)), IpAddr::V4(Ipv4Addr::new(8, 8, 4, 4))];
/// More lines than this in a host's file are ignored.
const LINES_MAX: usize = 1000;

/// A setting that would not survive being written as one word of a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {kind} {text:?}: {rule}")]
pub struct InvalidSetting {
    /// What it was given as (`--dns-search`).
    pub kind: &'static str,
    /// The text.
    pub text: String,
    /// The rule it breaks, in words.
    pub rule: &'static str,
}

/// The content of a `resolv.conf`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolver {
    /// Servers in the order in which they are asked.
    pub servers: Vec<IpAddr>,
    /// Domains tried behind a short name.
    pub search: Vec<String>,
    /// Options as written (`ndots:2`).
    pub options: Vec<String>,
}

/// What a person asked for: `--dns`, `--dns-search`, `--dns-option`. An empty list means "as the host has it".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--dns`.
    pub servers: Vec<IpAddr>,
    /// `--dns-search`; the single entry `.` means none at all.
    pub search: Vec<String>,
    /// `--dns-option`.
    pub options: Vec<String>,
}

/// Where a container's servers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerSource {
    /// The person named them.
    Asked,
    /// The host's own, without those that only the host can reach.
    Host,
    /// The host has none that a container can reach: [`FALLBACK_SERVERS`]. Worth a warning.
    Fallback,
}

impl Resolver {
    /// Reads a host's file. Lines that are not understood are skipped, as the C library does; a later `search` or
    /// `domain` replaces an earlier one.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut resolver = Self::default();
        for line in text.lines().take(LINES_MAX) {
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("nameserver") => {
                    // A scope (`fe80::1%eth0`) names an interface of the host and means nothing inside.
                    resolver.servers.extend(words.next().and_then(|word| word.parse::<IpAddr>().ok()));
                }
                Some("search") => resolver.search = words.map(str::to_owned).collect(),
                Some("domain") => resolver.search = words.take(1).map(str::to_owned).collect(),
                Some("options") => resolver.options.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        resolver
    }

    /// Whether every server is on the host's loopback, as with a local stub: then [`SYSTEMD_RESOLV_CONF`], if it
    /// exists, is the better source.
    #[must_use]
    pub fn is_only_loopback(&self) -> bool {
        !self.servers.is_empty() && self.servers.iter().all(IpAddr::is_loopback)
    }

    /// What a container gets: the host's settings (`self`) with the person's in front of them.
    ///
    /// Servers on the host's loopback are left out, and IPv6 servers where the container has no IPv6. With
    /// `keep_loopback` (host network) everything stays.
    #[must_use]
    pub fn for_container(&self, asked: &Overrides, ipv6: bool, keep_loopback: bool) -> (Self, ServerSource) {
        let reachable =
            |server: &&IpAddr| keep_loopback || (!server.is_loopback() && (ipv6 || server.is_ipv4()));
        let (servers, source) = if asked.servers.is_empty() {
            let servers: Vec<_> = self.servers.iter().filter(reachable).copied().collect();
            if servers.is_empty() && !keep_loopback {
                (FALLBACK_SERVERS.to_vec(), ServerSource::Fallback)
            } else {
                (servers, ServerSource::Host)
            }
        } else {
            (asked.servers.clone(), ServerSource::Asked)
        };
        let search = match asked.search.as_slice() {
            [] => self.search.clone(),
            [dot] if dot == "." => Vec::new(),
            chosen => chosen.to_vec(),
        };
        let options = if asked.options.is_empty() { self.options.clone() } else { asked.options.clone() };
        (Self { servers, search, options }, source)
    }

    /// The file's text.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        for server in &self.servers {
            let _ = writeln!(text, "nameserver {server}");
        }
        if !self.search.is_empty() {
            let _ = writeln!(text, "search {}", self.search.join(" "));
        }
        if !self.options.is_empty() {
            let _ = writeln!(text, "options {}", self.options.join(" "));
        }
        text
    }
}

impl Overrides {
    /// Checks what a person typed.
    ///
    /// # Errors
    /// When a search domain or an option is empty, longer than 255 bytes, or not one word.
    pub fn new(
        servers: Vec<IpAddr>,
        search: Vec<String>,
        options: Vec<String>,
    ) -> Result<Self, InvalidSetting> {
        search.iter().try_for_each(|word| check_word("dns search domain", word))?;
        options.iter().try_for_each(|word| check_word("dns option", word))?;
        Ok(Self { servers, search, options })
    }
}

/// A name that `/etc/hosts` is to know besides the container's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostEntry {
    /// The name.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
}

/// What stands for the host's own address in `--add-host`.
pub const HOST_GATEWAY: &str = "host-gateway";

impl HostEntry {
    /// Parses `--add-host`: `name:address` or `name=address`, IPv6 with or without brackets; `host-gateway` stands
    /// for `gateway`.
    ///
    /// # Errors
    /// When a part is missing, the name is not one word, the address is none, or `host-gateway` is asked for where
    /// there is no gateway.
    pub fn parse(text: &str, gateway: Option<IpAddr>) -> Result<Self, InvalidSetting> {
        let invalid =
            |rule| InvalidSetting { kind: "extra host", text: text.chars().take(300).collect(), rule };
        let (name, address) = text.split_once(['=', ':']).ok_or_else(|| invalid("expected name:address"))?;
        check_word("extra host", name)?;
        let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
        let address = if bare == HOST_GATEWAY {
            gateway.ok_or_else(|| invalid("this network has no gateway to the host"))?
        } else {
            bare.parse().map_err(|_| invalid("expected an IP address behind the name"))?
        };
        Ok(Self { name: name.to_owned(), address })
    }
}

fn check_word(kind: &'static str, word: &str) -> Result<(), InvalidSetting> {
    let fits = !word.is_empty()
        && word.len() <= 255
        && !word
            .chars()
            .any(|letter| letter.is_whitespace() || letter.is_control() || matches!(letter, '#' | ';'));
    if fits {
        Ok(())
    } else {
        let rule = "expected one word of at most 255 bytes";
        Err(InvalidSetting { kind, text: word.chars().take(300).collect(), rule })
    }
}

/// The text of `/etc/hosts`: loopback, the extra entries, then the container's own addresses with its names
/// (host name first, fully qualified before short where there is a domain).
#[must_use]
pub fn hosts_file(hostname: &str, domain: Option<&str>, own: &[IpAddr], extra: &[HostEntry]) -> String {
    let loopback: [(IpAddr, &str); 6] = [
        (Ipv4Addr::LOCALHOST.into(), "localhost"),
        (Ipv6Addr::LOCALHOST.into(), "localhost ip6-localhost ip6-loopback"),
        (Ipv6Addr::new(0xfe00, 0, 0, 0, 0, 0, 0, 0).into(), "ip6-localnet"),
        (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0).into(), "ip6-mcastprefix"),
        (Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1).into(), "ip6-allnodes"),
        (Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2).into(), "ip6-allrouters"),
    ];
    let mut text = String::new();
    for (address, names) in loopback {
        let _ = writeln!(text, "{address}\t{names}");
    }
    for entry in extra {
        let _ = writeln!(text, "{}\t{}", entry.address, entry.name);
    }
    for address in own {
        let _ = writeln!(text, "{}", own_line(hostname, domain, *address));
    }
    text
}

/// The line of `/etc/hosts` for one address of the container's own.
#[must_use]
pub fn own_line(hostname: &str, domain: Option<&str>, address: IpAddr) -> String {
    match domain {
        Some(domain) if !domain.is_empty() => format!("{address}\t{hostname}.{domain} {hostname}"),
        _ => format!("{address}\t{hostname}"),
    }
}

/// The text of `/etc/hostname`.
#[must_use]
pub fn hostname_file(hostname: &str) -> String {
    format!("{hostname}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Resolver {
        Resolver::parse(
            "# made by something\nnameserver 127.0.0.53\nnameserver 10.0.0.2 \nnameserver fe80::1%eth0\n\
             nameserver 2001:db8::53\ndomain a\nsearch corp.example lan\noptions edns0 trust-ad\njunk\n",
        )
    }

    #[test]
    fn only_reachable_servers_of_the_host_go_in() {
        let (inside, source) = host().for_container(&Overrides::default(), false, false);
        assert_eq!(source, ServerSource::Host);
        assert_eq!(inside.render(), "nameserver 10.0.0.2\nsearch corp.example lan\noptions edns0 trust-ad\n");
        let (inside, _) = host().for_container(&Overrides::default(), true, false);
        assert_eq!(inside.servers.len(), 2);
        let (inside, _) = host().for_container(&Overrides::default(), true, true);
        assert_eq!(inside.servers.len(), 3);
    }

    #[test]
    fn falls_back_when_the_host_has_only_a_stub() {
        let stub = Resolver::parse("nameserver 127.0.0.53\n");
        assert!(stub.is_only_loopback());
        let (inside, source) = stub.for_container(&Overrides::default(), false, false);
        assert_eq!((inside.servers, source), (FALLBACK_SERVERS.to_vec(), ServerSource::Fallback));
        assert!(!Resolver::default().is_only_loopback());
    }

    #[test]
    fn what_a_person_asks_for_replaces_the_hosts() {
        let asked = Overrides::new(
            vec![Ipv4Addr::new(127, 0, 0, 1).into()],
            vec![".".into()],
            vec!["ndots:1".into()],
        )
        .unwrap();
        let (inside, source) = host().for_container(&asked, false, false);
        assert_eq!(source, ServerSource::Asked);
        assert_eq!(inside.render(), "nameserver 127.0.0.1\noptions ndots:1\n");
    }

    #[test]
    fn nothing_asked_for_can_add_a_line() {
        for word in ["", "a b", "a\nnameserver 1.2.3.4", "a\u{2028}b", "#x", &"a".repeat(256)] {
            assert!(Overrides::new(vec![], vec![word.to_owned()], vec![]).is_err(), "{word:?}");
            assert!(Overrides::new(vec![], vec![], vec![word.to_owned()]).is_err(), "{word:?}");
            assert!(HostEntry::parse(&format!("{word}:1.2.3.4"), None).is_err(), "{word:?}");
        }
    }

    #[test]
    fn extra_hosts_in_every_notation() {
        let gateway = IpAddr::from(Ipv4Addr::new(172, 17, 0, 1));
        for (text, name, address) in [
            ("db:10.0.0.5", "db", "10.0.0.5"),
            ("db=10.0.0.5", "db", "10.0.0.5"),
            ("six:::1", "six", "::1"),
            ("six:[2001:db8::1]", "six", "2001:db8::1"),
            ("host.docker.internal:host-gateway", "host.docker.internal", "172.17.0.1"),
        ] {
            let entry = HostEntry::parse(text, Some(gateway)).unwrap();
            assert_eq!((entry.name.as_str(), entry.address.to_string().as_str()), (name, address), "{text}");
        }
        for text in ["db", "db:", ":1.2.3.4", "db:host-gateway", "db:nonsense"] {
            assert!(HostEntry::parse(text, None).is_err(), "{text}");
        }
    }

    #[test]
    fn hosts_are_in_dockers_order() {
        let extra = [HostEntry { name: "db".into(), address: Ipv4Addr::new(10, 0, 0, 5).into() }];
        let own = [IpAddr::from(Ipv4Addr::new(172, 17, 0, 2))];
        let text = hosts_file("web", None, &own, &extra);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "127.0.0.1\tlocalhost");
        assert_eq!(lines[2], "fe00::\tip6-localnet");
        assert_eq!(&lines[6..], ["10.0.0.5\tdb", "172.17.0.2\tweb"]);
        assert!(hosts_file("web", Some("lan"), &own, &[]).ends_with("172.17.0.2\tweb.lan web\n"));
        assert_eq!(hostname_file("web"), "web\n");
    }
}
