//! What `sampan-runtime` may not contain, since it is exec'd for every container: async runtimes, TLS, a command
//! line framework, a database, and anything that compiles or links C.

use super::metadata::{Metadata, Node, Package};
use std::collections::{BTreeMap, BTreeSet};

const PROGRAM: &str = "sampan-runtime";

/// Refused by name; prefixes end with a star.
const REFUSED: [&str; 18] = [
    "tokio*",
    "async-*",
    "mio",
    "hyper*",
    "rustls*",
    "aws-lc*",
    "ring",
    "openssl*",
    "native-tls",
    "clap*",
    "rusqlite",
    "libsqlite3*",
    "cc",
    "cmake",
    "bindgen",
    "zstd*",
    "regex*",
    "tracing-subscriber",
];

/// Crates called `-sys` that contain no C: they declare numbers and structures of the kernel.
const KERNEL_DECLARATIONS: [&str; 2] = ["linux-raw-sys", "netlink-sys"];

pub(super) fn check(metadata: &Metadata) -> Vec<String> {
    let packages: BTreeMap<&str, &Package> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let nodes: BTreeMap<&str, &Node> =
        metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let Some(root) = packages.values().find(|package| package.name == PROGRAM) else {
        return vec![format!("{PROGRAM} is not in the workspace")];
    };
    let mut seen = BTreeSet::new();
    let mut findings = Vec::new();
    let mut todo = vec![(root.id.as_str(), String::from(PROGRAM))];
    while let Some((id, path)) = todo.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some((package, node)) = packages.get(id).zip(nodes.get(id)) else { continue };
        findings.extend(objection(package).map(|reason| format!("{path}: {reason}")));
        // What only tests use is not shipped.
        let shipped = node
            .deps
            .iter()
            .filter(|edge| edge.dep_kinds.iter().any(|kind| kind.kind.as_deref() != Some("dev")));
        for edge in shipped {
            let name = packages.get(edge.pkg.as_str()).map_or("?", |package| &package.name);
            todo.push((&edge.pkg, format!("{path} -> {name}")));
        }
    }
    findings.sort();
    findings
}

fn objection(package: &Package) -> Option<String> {
    let name = package.name.as_str();
    let refused = REFUSED.iter().any(|refused| match refused.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == *refused,
    });
    if refused {
        return Some(format!("{name} is not for the runtime"));
    }
    if let Some(library) = &package.links {
        return Some(format!("{name} links the foreign library {library}"));
    }
    (name.ends_with("-sys") && !KERNEL_DECLARATIONS.contains(&name)).then(|| format!("{name} brings C code"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, links: Option<&str>) -> Package {
        let value = serde_json::json!({
            "id": name, "name": name, "manifest_path": "/m", "links": links, "dependencies": []
        });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn refused_names_foreign_libraries_and_c_code_are_found() {
        assert!(objection(&package("tokio-util", None)).is_some());
        assert!(objection(&package("zstd-sys", Some("zstd"))).is_some());
        assert!(objection(&package("anything", Some("z"))).is_some());
        assert!(objection(&package("libseccomp-sys", None)).is_some());
        assert!(objection(&package("linux-raw-sys", None)).is_none());
        assert!(objection(&package("ccc", None)).is_none());
    }

    #[test]
    fn a_refused_crate_is_found_with_the_way_to_it_but_not_behind_tests() {
        let edge =
            |to: &str, kind: Option<&str>| serde_json::json!({"pkg": to, "dep_kinds": [{"kind": kind}]});
        let value = serde_json::json!({
            "packages": [
                {"id": "sampan-runtime", "name": "sampan-runtime", "manifest_path": "/m", "dependencies": []},
                {"id": "monitor", "name": "monitor", "manifest_path": "/m", "dependencies": []},
                {"id": "clap", "name": "clap", "manifest_path": "/m", "dependencies": []},
                {"id": "tokio", "name": "tokio", "manifest_path": "/m", "dependencies": []},
            ],
            "workspace_members": [],
            "resolve": {"nodes": [
                {"id": "sampan-runtime", "deps": [edge("monitor", None)]},
                {"id": "monitor", "deps": [edge("clap", None), edge("tokio", Some("dev"))]},
                {"id": "clap", "deps": []},
                {"id": "tokio", "deps": []},
            ]},
        });
        let metadata: Metadata = serde_json::from_value(value).unwrap();
        assert_eq!(check(&metadata), ["sampan-runtime -> monitor -> clap: clap is not for the runtime"]);
    }
}
