//! Kernel parameters of a container's own namespaces.

use super::PlanError;
use crate::model::NetworkChoice;
use std::collections::BTreeMap;

/// Parameters of the ipc namespace.
const IPC: [&str; 8] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

/// What Docker sets in every network namespace of its own, so that ping and low ports need no capability.
const DEFAULTS: [(&str, &str); 2] =
    [("net.ipv4.ip_unprivileged_port_start", "0"), ("net.ipv4.ping_group_range", "0 2147483647")];

/// The parameters to set.
pub(super) fn planned(
    asked: &BTreeMap<String, String>,
    network: &NetworkChoice,
) -> Result<BTreeMap<String, String>, PlanError> {
    let shared = match network {
        NetworkChoice::Host => Some("host"),
        NetworkChoice::Container(_) => Some("container"),
        _ => None,
    };
    let mut all = BTreeMap::new();
    if shared.is_none() {
        all.extend(DEFAULTS.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    for (name, value) in asked {
        let of_network = name.starts_with("net.");
        if let (true, Some(mode)) = (of_network, shared) {
            return Err(PlanError::SysctlNetwork { name: name.clone(), mode });
        }
        if !of_network && !name.starts_with("fs.mqueue.") && !IPC.contains(&name.as_str()) {
            return Err(PlanError::Sysctl { name: name.clone() });
        }
        all.insert(name.clone(), value.clone());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_its_own() {
        let one = |name: &str| BTreeMap::from([(name.to_owned(), "1".to_owned())]);
        let default = NetworkChoice::Default;
        assert_eq!(planned(&one("net.core.somaxconn"), &default).unwrap().len(), 3);
        assert_eq!(planned(&one("kernel.msgmax"), &NetworkChoice::Host).unwrap().len(), 1);
        assert!(planned(&one("kernel.panic"), &default).is_err());
        assert!(planned(&one("vm.swappiness"), &default).is_err());
        let error = planned(&one("net.core.somaxconn"), &NetworkChoice::Host).unwrap_err();
        assert_eq!(error.to_string(), "sysctl \"net.core.somaxconn\" can't be set when network=host");
    }
}
