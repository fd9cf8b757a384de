//! Which crate may use which: an explicit list, so that a new arrow is a decision that shows in review.
//!
//! The list itself is held to the rules of the house by the tests below: arrows point down from floor to floor,
//! `host` and `images` never meet, and inside a floor there is only what is written here.

use super::metadata::Package;

/// A crate, the floor it stands on, and the crates it may use (for its tests too).
struct Room {
    name: &'static str,
    floor: Floor,
    may_use: &'static [&'static str],
}

/// From the ground up; `Mains` are the programs, `Outside` drives them from without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Floor {
    Foundation,
    Host,
    Images,
    Engine,
    Doors,
    Mains,
    Outside,
}

const fn room(name: &'static str, floor: Floor, may_use: &'static [&'static str]) -> Room {
    Room { name, floor, may_use }
}

const HOUSE: [Room; 25] = [
    room("ids", Floor::Foundation, &[]),
    room("kernel", Floor::Foundation, &[]),
    room("spec", Floor::Foundation, &["ids"]),
    room("archive", Floor::Foundation, &["kernel"]),
    room("cgroup", Floor::Host, &["ids", "spec", "kernel"]),
    room("runtime", Floor::Host, &["ids", "spec", "kernel", "archive", "cgroup"]),
    room("network", Floor::Host, &["ids", "kernel"]),
    room("volume", Floor::Host, &["ids", "kernel"]),
    room("monitor", Floor::Host, &["ids", "spec", "kernel", "cgroup", "runtime", "network"]),
    room("content", Floor::Images, &["ids", "kernel"]),
    room("snapshot", Floor::Images, &["ids", "spec", "kernel", "archive"]),
    room("distribution", Floor::Images, &["ids", "spec", "content"]),
    room(
        "image",
        Floor::Images,
        &["ids", "spec", "kernel", "archive", "content", "snapshot", "distribution"],
    ),
    room("embedded", Floor::Images, &[]),
    room("state", Floor::Engine, &["ids", "network", "content"]),
    room(
        "engine",
        Floor::Engine,
        &[
            "ids",
            "spec",
            "kernel",
            "archive",
            "cgroup",
            "runtime",
            "network",
            "volume",
            "monitor",
            "content",
            "snapshot",
            "distribution",
            "image",
            "embedded",
            "state",
        ],
    ),
    room("docker-model", Floor::Doors, &[]),
    room("cli", Floor::Doors, &["ids", "kernel", "docker-model", "engine"]),
    room("oci-cli", Floor::Doors, &["ids", "spec", "kernel", "cgroup", "runtime"]),
    room("sampan", Floor::Mains, &["kernel", "engine", "cli"]),
    room("sampan-runtime", Floor::Mains, &["ids", "spec", "kernel", "monitor", "oci-cli"]),
    room("sampan-init", Floor::Mains, &["kernel"]),
    room("tests", Floor::Outside, &[]),
    room("xtask", Floor::Outside, &[]),
    room("fuzz", Floor::Outside, &["ids", "spec", "archive", "network", "monitor", "image", "distribution"]),
];

impl Floor {
    /// The directory of `crates` that holds the rooms of this floor.
    fn directory(self) -> Option<&'static str> {
        match self {
            Self::Foundation => Some("foundation"),
            Self::Host => Some("host"),
            Self::Images => Some("images"),
            Self::Engine => Some("engine"),
            Self::Doors => Some("doors"),
            Self::Mains | Self::Outside => None,
        }
    }
}

/// One finding per edge that is not on the list and per crate that has no place in the house.
pub(super) fn check(members: &[&Package]) -> Vec<String> {
    let mut findings = Vec::new();
    for package in members {
        let Some(room) = HOUSE.iter().find(|room| room.name == package.name) else {
            findings.push(format!("{}: not in the list of xtask/src/check_deps/edges.rs", package.name));
            continue;
        };
        let place = room.floor.directory().map(|floor| format!("crates/{floor}/{}/Cargo.toml", package.name));
        if place.is_some_and(|place| !package.manifest_path.ends_with(&place)) {
            findings.push(format!("{}: belongs on the floor {:?}", package.name, room.floor));
        }
        let ours = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
        for dependency in ours.filter(|dependency| !room.may_use.contains(&dependency.name.as_str())) {
            findings.push(format!("{} may not use {}", package.name, dependency.name));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arrows inside a floor, beyond which the list may not go.
    const WITHIN: [(&str, &str); 13] = [
        ("spec", "ids"),
        ("archive", "kernel"),
        ("monitor", "runtime"),
        ("monitor", "cgroup"),
        ("monitor", "network"),
        ("runtime", "cgroup"),
        ("image", "content"),
        ("image", "snapshot"),
        ("image", "distribution"),
        ("distribution", "content"),
        ("engine", "state"),
        ("cli", "docker-model"),
        ("docker-api", "docker-model"),
    ];

    fn may_rest_on(upper: Floor, lower: Floor) -> bool {
        use Floor::{Doors, Engine, Foundation, Host, Images, Mains, Outside};
        match upper {
            Foundation => false,
            Host | Images => lower == Foundation,
            Engine => matches!(lower, Foundation | Host | Images),
            Doors => matches!(lower, Foundation | Host | Engine),
            Mains => matches!(lower, Foundation | Host | Engine | Doors),
            Outside => matches!(lower, Foundation | Host | Images),
        }
    }

    fn rooms_with_users() -> impl Iterator<Item = (&'static Room, &'static Room)> {
        HOUSE.iter().flat_map(|user| {
            let used = user.may_use.iter().map(|name| HOUSE.iter().find(|room| room.name == *name).unwrap());
            used.map(move |used| (user, used))
        })
    }

    #[test]
    fn listed_arrows_point_down_and_host_and_images_never_meet() {
        for (user, used) in rooms_with_users() {
            let within = user.floor == used.floor && WITHIN.contains(&(user.name, used.name));
            assert!(within || may_rest_on(user.floor, used.floor), "{} -> {}", user.name, used.name);
        }
    }

    #[test]
    fn runtime_doors_stand_on_the_host_alone() {
        for (user, used) in rooms_with_users().filter(|(user, _)| ["oci-cli", "shim"].contains(&user.name)) {
            assert!(matches!(used.floor, Floor::Foundation | Floor::Host), "{} -> {}", user.name, used.name);
        }
    }

    #[test]
    fn an_unlisted_edge_and_an_unlisted_crate_are_found() {
        let package = |name: &str, floor: &str, uses: &str| -> Package {
            let text = format!(
                r#"{{"id":"x","name":"{name}","manifest_path":"/crates/{floor}/{name}/Cargo.toml","dependencies":[{{"name":"{uses}","path":"/p"}},
                {{"name":"serde"}}]}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        assert!(check(&[&package("runtime", "host", "cgroup")]).is_empty());
        assert_eq!(check(&[&package("network", "host", "image")]), ["network may not use image"]);
        assert_eq!(check(&[&package("network", "engine", "ids")]), ["network: belongs on the floor Host"]);
        assert_eq!(check(&[&package("new", "host", "ids")]).len(), 1);
    }
}
