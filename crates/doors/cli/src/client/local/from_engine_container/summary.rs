//! A container in a list.

use super::{epoch_seconds, mount_point, network, network_mode};
use crate::render::units::human_duration;
use docker_model::{ContainerSummary, PortSummary, SummaryHostConfig, SummaryNetworkSettings};
use engine::model::ContainerView;
use engine::{HealthStatus, State};
use std::collections::BTreeSet;

/// `GET /containers/json` has one of these per container. `now`: seconds since 1970.
pub(crate) fn summary(view: &ContainerView, now: i64) -> ContainerSummary {
    ContainerSummary {
        id: view.id.to_string(),
        names: vec![format!("/{}", view.name)],
        image: view.config.image.clone(),
        image_id: view.image_id.to_string(),
        command: command(view),
        created: epoch_seconds(&view.created),
        ports: ports(view),
        labels: view.effective.labels.clone(),
        state: view.state.as_str().to_owned(),
        status: status_text(view, now),
        host_config: SummaryHostConfig { network_mode: network_mode(&view.config.network) },
        network_settings: SummaryNetworkSettings { networks: network::endpoints(view) },
        mounts: view.mounts.iter().map(mount_point).collect(),
        ..ContainerSummary::default()
    }
}

/// Program and arguments as Docker joins them: quoted only where they have blanks.
fn command(view: &ContainerView) -> String {
    let quote =
        |argument: &String| if argument.contains(' ') { format!("'{argument}'") } else { argument.clone() };
    let words = view.effective.entrypoint.iter().chain(&view.effective.command);
    words.map(quote).collect::<Vec<_>>().join(" ")
}

/// What `ps` says in STATUS.
fn status_text(view: &ContainerView, now: i64) -> String {
    let since = |time: &str| human_duration(now - epoch_seconds(time));
    match (view.state, &view.started, &view.exited) {
        (State::Running | State::Paused, Some(started), _) => {
            let up = format!("Up {}", since(&started.started_at));
            if view.state == State::Paused { format!("{up} (Paused)") } else { up + health(view) }
        }
        (State::Restarting, _, Some(exited)) => {
            format!("Restarting ({}) {} ago", exited.exit_code, since(&exited.finished_at))
        }
        (State::Removing, ..) => "Removal In Progress".to_owned(),
        (State::Dead, ..) => "Dead".to_owned(),
        (State::Exited, _, Some(exited)) => {
            format!("Exited ({}) {} ago", exited.exit_code, since(&exited.finished_at))
        }
        // Ended while nobody watched: the next command that touches it records how.
        (State::Exited, Some(started), None) => format!("Exited (255) {} ago", since(&started.started_at)),
        _ => "Created".to_owned(),
    }
}

fn health(view: &ContainerView) -> &'static str {
    match view.health.as_ref().map(|health| health.status) {
        None => "",
        Some(HealthStatus::Starting) => " (health: starting)",
        Some(HealthStatus::Healthy) => " (healthy)",
        Some(HealthStatus::Unhealthy) => " (unhealthy)",
    }
}

/// Published ports while it runs, and exposed ones that are not published.
fn ports(view: &ContainerView) -> Vec<PortSummary> {
    if !view.state.has_processes() {
        return Vec::new();
    }
    let mut published = BTreeSet::new();
    let mut ports: Vec<PortSummary> = Vec::new();
    for mapping in &view.ports {
        for host_port in mapping.host_port..=mapping.host_port_end {
            let private_port = mapping.container_port + (host_port - mapping.host_port);
            published.insert((private_port, mapping.protocol));
            ports.push(PortSummary {
                ip: mapping.host_ip.to_string(),
                private_port,
                public_port: Some(host_port),
                kind: mapping.protocol.to_string(),
            });
        }
    }
    let exposed =
        view.effective.exposed_ports.iter().filter(|port| !published.contains(&(port.port, port.protocol)));
    ports.extend(exposed.map(|port| PortSummary {
        private_port: port.port,
        kind: port.protocol.to_string(),
        ..PortSummary::default()
    }));
    // The order of Docker's command line (`comparePorts`).
    ports.sort_by(|one, other| {
        let key =
            |port: &PortSummary| (port.private_port, port.ip.clone(), port.public_port, port.kind.clone());
        key(one).cmp(&key(other))
    });
    ports
}

#[cfg(test)]
mod tests {
    use super::super::fixture::view;
    use super::*;

    /// An hour after the fixture's start.
    const NOW: i64 = 1_767_225_600 + 3600;

    #[test]
    fn dockers_states_in_words() {
        for (state, words) in [
            (State::Created, "Created"),
            (State::Running, "Up About an hour"),
            (State::Paused, "Up About an hour (Paused)"),
            (State::Restarting, "Restarting (3) 59 minutes ago"),
            (State::Exited, "Exited (3) 59 minutes ago"),
        ] {
            let text = status_text(&view(state), NOW);
            assert_eq!(text.replace("About an hour ago", "59 minutes ago"), words);
        }
        let mut healthy = view(State::Running);
        healthy.health = Some(engine::Health { status: HealthStatus::Healthy, ..engine::Health::default() });
        assert_eq!(status_text(&healthy, NOW), "Up About an hour (healthy)");
    }

    #[test]
    fn commands_are_quoted_where_they_have_blanks() {
        assert_eq!(summary(&view(State::Created), NOW).command, "/entry 'a b' c");
    }
}
