//! Ports that an image exposes and a request publishes. Which host port a free choice gets is decided at start.

use super::PlanError;
use crate::model::{ExposedPort, PublishedPort};
use network::Protocol;
use serde::{Deserialize, Serialize};
use spec::image::ExecutionConfig;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// A port to publish, with everything decided but the host port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedPort {
    /// Transport.
    pub protocol: Protocol,
    /// Port inside.
    pub container_port: u16,
    /// Host address.
    pub host_ip: IpAddr,
    /// Host ports to choose from, first and last; absent for any free one.
    pub choice: Option<(u16, u16)>,
}

/// All ports that the container exposes: of the image, of `--expose`, and the published ones.
///
/// # Errors
/// [`PlanError::Port`] for an entry of the image that is none.
pub fn exposed(
    asked: &BTreeSet<ExposedPort>,
    published: &[PublishedPort],
    image: &ExecutionConfig,
) -> Result<Vec<ExposedPort>, PlanError> {
    let mut all = asked.clone();
    all.extend(published.iter().map(|port| port.container));
    for text in image.exposed_ports.keys() {
        all.extend(parse(text).ok_or_else(|| PlanError::Port { text: text.clone() })?);
    }
    Ok(all.into_iter().collect())
}

/// `80`, `80/udp`, `8000-8010/tcp`.
fn parse(text: &str) -> Option<impl Iterator<Item = ExposedPort>> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = match protocol.to_ascii_lowercase().as_str() {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => return None,
    };
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let (first, last) = (first.parse::<u16>().ok()?, last.parse::<u16>().ok()?);
    (first > 0 && first <= last).then(|| (first..=last).map(move |port| ExposedPort { port, protocol }))
}

/// What is to be published: what was asked for, and with `publish_all` every exposed port that was not.
#[must_use]
pub fn requested(
    published: &[PublishedPort],
    publish_all: bool,
    exposed: &[ExposedPort],
    default_ip: IpAddr,
) -> Vec<RequestedPort> {
    let mut all: Vec<RequestedPort> = published
        .iter()
        .map(|port| RequestedPort {
            protocol: port.container.protocol,
            container_port: port.container.port,
            host_ip: port.host_ip.unwrap_or(default_ip),
            choice: port
                .host_port
                .filter(|first| *first != 0)
                .map(|first| (first, port.host_port_end.unwrap_or(first))),
        })
        .collect();
    if publish_all {
        let missing = exposed.iter().filter(|port| !published.iter().any(|asked| asked.container == **port));
        all.extend(missing.map(|port| RequestedPort {
            protocol: port.protocol,
            container_port: port.port,
            host_ip: default_ip,
            choice: None,
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use spec::image::Empty;
    use std::net::Ipv4Addr;

    fn image(ports: &[&str]) -> ExecutionConfig {
        let exposed_ports = ports.iter().map(|port| ((*port).to_owned(), Empty {})).collect();
        ExecutionConfig { exposed_ports, ..ExecutionConfig::default() }
    }

    #[test]
    fn exposed_ports_of_all_sources() {
        let asked = BTreeSet::from([ExposedPort { port: 9, protocol: Protocol::Udp }]);
        let all = exposed(&asked, &[], &image(&["80/tcp", "443", "8000-8002/udp"])).unwrap();
        assert_eq!(all.len(), 6);
        for bad in ["0", "x/tcp", "80/sctp", "9-8", "70000"] {
            assert!(exposed(&asked, &[], &image(&[bad])).is_err(), "{bad}");
        }
    }

    #[test]
    fn all_that_is_exposed_and_not_published_yet() {
        let ip = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let tcp = |port| ExposedPort { port, protocol: Protocol::Tcp };
        let published =
            [PublishedPort { container: tcp(80), host_ip: None, host_port: Some(8080), host_port_end: None }];
        let ports = requested(&published, true, &[tcp(80), tcp(443)], ip);
        assert_eq!(
            ports.iter().map(|port| (port.container_port, port.choice)).collect::<Vec<_>>(),
            [(80, Some((8080, 8080))), (443, None)]
        );
    }
}
