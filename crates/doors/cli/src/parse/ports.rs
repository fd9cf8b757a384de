//! `--publish` and `--expose`.

use docker_model::{PortBinding, PortMap};
use std::net::IpAddr;

/// Not a port. The words are Docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidPort {
    /// No port inside.
    #[error("no port specified: {0}<empty>")]
    NoPort(String),
    /// The port inside is none.
    #[error("invalid containerPort: {0}")]
    Container(String),
    /// The host's port is none.
    #[error("invalid hostPort: {0}")]
    Host(String),
    /// The address is none.
    #[error("invalid IP address: {0}")]
    Address(String),
    /// Not a protocol that we have.
    #[error("invalid proto: {0}")]
    Protocol(String),
    /// sctp.
    #[error("invalid proto: sctp is not supported by this version of sampan; use tcp or udp")]
    Sctp,
    /// Ranges of different lengths.
    #[error("invalid ranges specified for container and host Ports: {container} and {host}")]
    Ranges {
        /// Inside.
        container: String,
        /// On the host.
        host: String,
    },
    /// The long form with something else.
    #[error("invalid port format {0:?}: the long form is target=PORT[,published=PORT][,protocol=tcp|udp]")]
    LongForm(String),
    /// `--expose` with a host port.
    #[error("invalid port format for --expose: {0}")]
    Expose(String),
}

/// Ports of one `--publish`, by `port/protocol`.
///
/// `[ip:]host[-range]:container[-range][/proto]`, `[ip::]container`, or the long form.
pub(crate) fn publish(text: &str) -> Result<PortMap, InvalidPort> {
    let long;
    let text = if text.contains('=') {
        long = short_form(text)?;
        &long
    } else {
        text
    };
    let (rest, protocol) = split_protocol(text)?;
    let (ip, host, container) = split_parts(rest);
    if container.is_empty() {
        return Err(InvalidPort::NoPort(text.to_owned()));
    }
    let ip = host_address(ip)?;
    let inside = range(container).ok_or_else(|| InvalidPort::Container(container.to_owned()))?;
    let outside = match host {
        "" => None,
        host => Some(range(host).ok_or_else(|| InvalidPort::Host(host.to_owned()))?),
    };
    let single = inside.0 == inside.1;
    let length = |(first, last): (u16, u16)| last - first;
    if outside.is_some_and(|outside| !single && length(outside) != length(inside)) {
        return Err(InvalidPort::Ranges { container: container.to_owned(), host: host.to_owned() });
    }
    let mut ports = PortMap::new();
    for port in inside.0..=inside.1 {
        let host_port = match outside {
            None => String::new(),
            // One port inside and a range outside: any free one of the range.
            Some((first, last)) if single && first != last => format!("{first}-{last}"),
            Some((first, _)) => (first + (port - inside.0)).to_string(),
        };
        let binding = PortBinding { host_ip: ip.clone(), host_port };
        ports.insert(format!("{port}/{protocol}"), Some(vec![binding]));
    }
    Ok(ports)
}

/// Ports of one `--expose`: `port[-range][/proto]`, each as `port/protocol`.
pub(crate) fn expose(text: &str) -> Result<Vec<String>, InvalidPort> {
    if text.contains(':') {
        return Err(InvalidPort::Expose(text.to_owned()));
    }
    let (ports, protocol) = split_protocol(text)?;
    let (first, last) = range(ports).ok_or_else(|| InvalidPort::Container(ports.to_owned()))?;
    Ok((first..=last).map(|port| format!("{port}/{protocol}")).collect())
}

/// `target=80,published=8080,protocol=udp` as `8080:80/udp`.
fn short_form(text: &str) -> Result<String, InvalidPort> {
    let (mut target, mut published, mut protocol) = ("", "", "tcp");
    for pair in text.split(',') {
        match pair.split_once('=') {
            Some(("target", value)) => target = value,
            Some(("published", value)) => published = value,
            Some(("protocol", value)) => protocol = value,
            _ => return Err(InvalidPort::LongForm(text.to_owned())),
        }
    }
    if target.is_empty() {
        return Err(InvalidPort::LongForm(text.to_owned()));
    }
    let colon = if published.is_empty() { "" } else { ":" };
    Ok(format!("{published}{colon}{target}/{protocol}"))
}

fn split_protocol(text: &str) -> Result<(&str, &'static str), InvalidPort> {
    let Some((ports, protocol)) = text.rsplit_once('/') else { return Ok((text, "tcp")) };
    match protocol.to_ascii_lowercase().as_str() {
        "" | "tcp" => Ok((ports, "tcp")),
        "udp" => Ok((ports, "udp")),
        "sctp" => Err(InvalidPort::Sctp),
        _ => Err(InvalidPort::Protocol(protocol.to_owned())),
    }
}

/// Address, host ports, ports inside; the address may have colons of its own.
fn split_parts(text: &str) -> (&str, &str, &str) {
    let Some((rest, container)) = text.rsplit_once(':') else { return ("", "", text) };
    match rest.rsplit_once(':') {
        Some((ip, host)) => (ip, host, container),
        None => ("", rest, container),
    }
}

fn host_address(text: &str) -> Result<String, InvalidPort> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if bare.is_empty() {
        return Ok(String::new());
    }
    let address: IpAddr = bare.parse().map_err(|_| InvalidPort::Address(bare.to_owned()))?;
    Ok(address.to_string())
}

/// `port` or `first-last`.
fn range(text: &str) -> Option<(u16, u16)> {
    let port = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| digits)
    };
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (port(first)?, port(last)?),
        None => (port(text)?, port(text)?),
    };
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(text: &str) -> String {
        match publish(text) {
            Err(error) => error.to_string(),
            Ok(ports) => {
                let one = |(port, bindings): (&String, &Option<Vec<PortBinding>>)| {
                    let binding = &bindings.as_ref().unwrap()[0];
                    format!("{}|{}|{port}", binding.host_ip, binding.host_port)
                };
                ports.iter().map(one).collect::<Vec<_>>().join(" ")
            }
        }
    }

    #[test]
    fn dockers_grammar() {
        for (text, answer) in [
            ("80", "||80/tcp"),
            ("8080:80", "|8080|80/tcp"),
            ("8080:80/udp", "|8080|80/udp"),
            ("127.0.0.1:8080:80", "127.0.0.1|8080|80/tcp"),
            ("127.0.0.1::80", "127.0.0.1||80/tcp"),
            ("[::1]:8080:80", "::1|8080|80/tcp"),
            ("::1:8080:80", "::1|8080|80/tcp"),
            ("8000-8001:80-81", "|8000|80/tcp |8001|81/tcp"),
            ("8000-8010:80", "|8000-8010|80/tcp"),
            ("80-81", "||80/tcp ||81/tcp"),
            ("published=8080,target=80,protocol=udp", "|8080|80/udp"),
            ("abc", "invalid containerPort: abc"),
            ("80:abc", "invalid containerPort: abc"),
            ("abc:80", "invalid hostPort: abc"),
            ("8080:", "no port specified: 8080:<empty>"),
            ("", "no port specified: <empty>"),
            ("1.2.3:80:80", "invalid IP address: 1.2.3"),
            ("80:80/foo", "invalid proto: foo"),
            ("8000-8002:80-81", "invalid ranges specified for container and host Ports: 80-81 and 8000-8002"),
            ("81-80", "invalid containerPort: 81-80"),
            ("65536", "invalid containerPort: 65536"),
            ("+80", "invalid containerPort: +80"),
        ] {
            assert_eq!(published(text), answer, "{text}");
        }
    }

    #[test]
    fn exposed() {
        assert_eq!(expose("80").unwrap(), ["80/tcp"]);
        assert_eq!(expose("80-81/udp").unwrap(), ["80/udp", "81/udp"]);
        assert!(expose("80:80").is_err() && expose("x").is_err());
    }
}
