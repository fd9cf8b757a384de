//! `ps`: which containers are listed, and how large they are.

use super::failed;
use super::from_engine_container::summary;
use crate::client::ListQuery;
use crate::failure::Failure;
use crate::filters::Filters;
use docker_model::ContainerSummary;
use engine::model::ContainerView;
use engine::system::DiskUsage;
use engine::{Engine, HealthStatus, ListFilter, State};

/// Lists containers, newest first.
pub(super) fn list(engine: &Engine, query: &ListQuery<'_>) -> Result<Vec<ContainerSummary>, Failure> {
    let everything = engine.list(ListFilter { all: true }).map_err(failed)?;
    let mut views: Vec<&ContainerView> = everything
        .iter()
        .filter(|view| query.all || view.state.has_processes() || view.state == State::Restarting)
        .filter(|view| holds(view, query.filters))
        .collect();
    bound_by(&mut views, &everything, query.filters)?;
    views.truncate(query.last.unwrap_or(usize::MAX));
    let now = jiff::Timestamp::now().as_second();
    let usage = query.size.then(|| engine.disk_usage()).transpose().map_err(failed)?;
    let with_sizes = |view: &&ContainerView| {
        let mut summary = summary(view, now);
        if let Some(usage) = &usage {
            (summary.size_rw, summary.size_root_fs) = sizes(usage, view);
        }
        summary
    };
    Ok(views.iter().map(with_sizes).collect())
}

/// Bytes that a container has written, and with its image; nothing of one that has come since.
pub(super) fn sizes(usage: &DiskUsage, view: &ContainerView) -> (Option<i64>, Option<i64>) {
    let Some(own) = usage.containers.iter().find(|one| one.view.id == view.id) else { return (None, None) };
    let image = usage.images.images.iter().find(|one| one.info.image.id == view.image_id);
    let whole = own.writable + image.map_or(0, |one| one.info.size);
    (i64::try_from(own.writable).ok(), i64::try_from(whole).ok())
}

/// Filters that look at one container.
fn holds(view: &ContainerView, filters: &Filters) -> bool {
    let id = view.id.as_str();
    let state = |wanted: &str| view.state.as_str() == wanted;
    let exit_code = view.exited.as_ref().map(|exited| exited.exit_code.to_string());
    let health = match view.health.as_ref().map(|health| health.status) {
        None => "none",
        Some(HealthStatus::Starting) => "starting",
        Some(HealthStatus::Healthy) => "healthy",
        Some(HealthStatus::Unhealthy) => "unhealthy",
    };
    let networks = || summary(view, 0).network_settings.networks;
    filters.any("status", state)
        && filters.any("exited", |wanted| view.state == State::Exited && exit_code.as_deref() == Some(wanted))
        && filters.any("id", |wanted| id.starts_with(wanted))
        && filters.any("name", |wanted| matches_name(view.name.as_str(), wanted))
        && filters.any("health", |wanted| health == wanted)
        && filters.any("ancestor", |wanted| is_ancestor(view, wanted))
        && filters.any("network", |wanted| networks().contains_key(wanted))
        && filters.any("publish", |wanted| published(view, wanted, |mapping| mapping.host_port))
        && filters.any("expose", |wanted| {
            view.effective
                .exposed_ports
                .iter()
                .any(|port| is_port(wanted, port.port, &port.protocol.to_string()))
        })
        && filters.any("volume", |wanted| {
            view.mounts.iter().any(|mount| mount.name.as_deref() == Some(wanted) || mount.target == wanted)
        })
        && filters.labels(&view.effective.labels)
}

/// Docker matches a regular expression; anchors and plain text are what people use.
fn matches_name(name: &str, wanted: &str) -> bool {
    let (start, end) = (wanted.starts_with('^'), wanted.ends_with('$'));
    let text = wanted.trim_start_matches('^').trim_start_matches("/?").trim_start_matches('/');
    let text = text.trim_end_matches('$');
    match (start, end) {
        (true, true) => name == text,
        (true, false) => name.starts_with(text),
        (false, true) => name.ends_with(text),
        (false, false) => name.contains(text),
    }
}

fn is_ancestor(view: &ContainerView, wanted: &str) -> bool {
    let normal = |text: &str| ids::Reference::parse(text).ok();
    let by_id =
        view.image_id.as_str() == wanted || (wanted.len() >= 4 && view.image_id.hex().starts_with(wanted));
    by_id
        || view.config.image == wanted
        || (normal(wanted).is_some() && normal(wanted) == normal(&view.config.image))
}

fn is_port(wanted: &str, port: u16, protocol: &str) -> bool {
    let (number, kind) = wanted.split_once('/').unwrap_or((wanted, "tcp"));
    let within = match number.split_once('-') {
        Some((first, last)) => {
            first.parse::<u16>().is_ok_and(|first| first <= port)
                && last.parse::<u16>().is_ok_and(|last| port <= last)
        }
        None => number.parse() == Ok(port),
    };
    within && kind == protocol
}

fn published(view: &ContainerView, wanted: &str, port: fn(&engine::PortMapping) -> u16) -> bool {
    view.ports.iter().any(|mapping| is_port(wanted, port(mapping), &mapping.protocol.to_string()))
}

/// `before` and `since`: the place in the list, which is ordered by creation, newest first.
fn bound_by(
    views: &mut Vec<&ContainerView>,
    all: &[ContainerView],
    filters: &Filters,
) -> Result<(), Failure> {
    let created = |wanted: &str| {
        let found =
            all.iter().find(|view| view.name.as_str() == wanted || view.id.as_str().starts_with(wanted));
        found
            .map(|view| view.created.clone())
            .ok_or_else(|| Failure::new(format!("No such container: {wanted}")))
    };
    for wanted in filters.values("before") {
        let limit = created(wanted)?;
        views.retain(|view| view.created < limit);
    }
    for wanted in filters.values("since") {
        let limit = created(wanted)?;
        views.retain(|view| view.created > limit);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_people_write_them() {
        for (wanted, expected) in
            [("we", true), ("^web$", true), ("^/web$", true), ("^eb", false), ("b$", true), ("x", false)]
        {
            assert_eq!(matches_name("web", wanted), expected, "{wanted}");
        }
    }

    #[test]
    fn port_filters_take_ranges_and_protocols() {
        assert!(is_port("80", 80, "tcp") && is_port("70-90/tcp", 80, "tcp") && is_port("53/udp", 53, "udp"));
        assert!(!is_port("80/udp", 80, "tcp") && !is_port("x", 80, "tcp"));
    }
}
