//! Links and nf_tables tables of this network namespace, and the listening sockets.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// One line for each.
pub(super) fn all() -> BTreeSet<String> {
    let mut found: BTreeSet<String> = links().into_iter().map(|name| format!("link {name}")).collect();
    found.extend(tables().into_iter().map(|name| format!("nf_tables {name}")));
    found.extend(listeners().into_iter().map(|address| format!("listening socket {address}")));
    found
}

fn links() -> Vec<String> {
    let text = fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    text.lines().skip(2).filter_map(|line| Some(String::from(line.split_once(':')?.0.trim()))).collect()
}

/// As nft(8) names them, for example `table ip filter`. Without nft there is nothing of ours to count.
fn tables() -> Vec<String> {
    let Ok(output) = Command::new("nft").args(["list", "tables"]).output() else { return Vec::new() };
    String::from_utf8_lossy(&output.stdout).lines().map(String::from).collect()
}

/// Local addresses of TCP sockets in state LISTEN (`0A`), as the kernel writes them.
fn listeners() -> Vec<String> {
    ["tcp", "tcp6"]
        .into_iter()
        .flat_map(|protocol| {
            let text = fs::read_to_string(format!("/proc/self/net/{protocol}")).unwrap_or_default();
            let listening = text.lines().skip(1).filter_map(|line| {
                let fields: Vec<&str> = line.split_whitespace().collect();
                (*fields.get(3)? == "0A").then(|| format!("{protocol} {}", fields[1]))
            });
            listening.collect::<Vec<_>>()
        })
        .collect()
}
