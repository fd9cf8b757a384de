//! The engine's view of a container in Docker's words.

mod host_config;
mod inspect;
mod network;
mod summary;

pub(crate) use inspect::inspect;
pub(crate) use summary::summary;

use docker_model::{MountPoint, ZERO_TIME};
use engine::model::{ContainerView, MountView, NetworkChoice};

/// Docker's word for the network (`HostConfig.NetworkMode`).
fn network_mode(choice: &NetworkChoice) -> String {
    match choice {
        NetworkChoice::Default => "bridge".to_owned(),
        NetworkChoice::None => "none".to_owned(),
        NetworkChoice::Host => "host".to_owned(),
        NetworkChoice::Container(name) => format!("container:{name}"),
        NetworkChoice::Named(name) => name.to_string(),
    }
}

fn mount_point(mount: &MountView) -> MountPoint {
    let is_volume = mount.kind == "volume";
    MountPoint {
        kind: mount.kind.clone(),
        name: mount.name.clone().unwrap_or_default(),
        source: mount.source.clone(),
        destination: mount.target.clone(),
        driver: if is_volume { "local".to_owned() } else { String::new() },
        mode: mount.mode.clone(),
        rw: mount.writable,
        propagation: mount.propagation.clone(),
    }
}

/// The time of the last start; year 1 for never.
fn started_at(view: &ContainerView) -> String {
    let of_exit = view.exited.as_ref().map(|exited| exited.started_at.clone());
    let started = view.started.as_ref().map(|started| started.started_at.clone()).or(of_exit);
    started.filter(|time| !time.is_empty()).unwrap_or_else(|| ZERO_TIME.to_owned())
}

/// Seconds since 1970 of an RFC 3339 time; 0 for one that is none.
fn epoch_seconds(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_second)
}

#[cfg(test)]
mod fixture;
