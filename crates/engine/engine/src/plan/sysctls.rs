//! Kernel parameters of a container's own namespaces.

use super::PlanError;
use crate::model::{ContainerConfig, IpcChoice, NetworkChoice};
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
pub(super) fn planned(config: &ContainerConfig) -> Result<BTreeMap<String, String>, PlanError> {
    let asked = &config.sysctls;
    let shared = match &config.network {
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
        if !of_network && config.ipc == IpcChoice::Host {
            return Err(PlanError::SysctlIpc { name: name.clone() });
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
        let one = |name: &str, network: NetworkChoice| {
            let sysctls = BTreeMap::from([(name.to_owned(), "1".to_owned())]);
            planned(&ContainerConfig { sysctls, network, ..ContainerConfig::default() })
        };
        let default = NetworkChoice::Default;
        assert_eq!(one("net.core.somaxconn", default.clone()).unwrap().len(), 3);
        assert_eq!(one("kernel.msgmax", NetworkChoice::Host).unwrap().len(), 1);
        assert!(one("kernel.panic", default.clone()).is_err());
        assert!(one("vm.swappiness", default).is_err());
        let error = one("net.core.somaxconn", NetworkChoice::Host).unwrap_err();
        assert_eq!(error.to_string(), "sysctl \"net.core.somaxconn\" can't be set when network=host");
    }
}
