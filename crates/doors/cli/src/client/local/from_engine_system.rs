//! The engine's description of the instance in Docker's words.

use docker_model::{RuntimeInfo, SystemInfo, SystemPlugins};
use engine::system::{CgroupVersion, SystemInfo as Seen};

/// Names of drivers.
fn names(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// `now` is RFC 3339.
pub(crate) fn info(seen: &Seen, now: String) -> SystemInfo {
    let runtime = RuntimeInfo { path: seen.runtime.display().to_string() };
    let version = match seen.cgroup_version {
        CgroupVersion::V1 => "1",
        CgroupVersion::V2 => "2",
    };
    SystemInfo {
        id: seen.instance.clone(),
        containers: count(seen.containers),
        containers_running: count(seen.running),
        containers_paused: count(seen.paused),
        containers_stopped: count(seen.stopped),
        images: count(seen.images),
        driver: "overlay2".to_owned(),
        plugins: SystemPlugins {
            volume: names(&["local"]),
            network: names(&["bridge", "host", "none"]),
            authorization: None,
            log: names(&["json-file", "none"]),
        },
        memory_limit: true,
        swap_limit: !seen.warnings.iter().any(|warning| warning.contains("swap")),
        cpu_cfs_period: true,
        cpu_cfs_quota: true,
        cpu_shares: true,
        cpu_set: true,
        pids_limit: true,
        ipv4_forwarding: true,
        oom_kill_disable: seen.cgroup_version == CgroupVersion::V1,
        system_time: now,
        logging_driver: seen.log_driver.clone(),
        cgroup_driver: "cgroupfs".to_owned(),
        cgroup_version: version.to_owned(),
        kernel_version: seen.version.kernel.clone(),
        operating_system: seen.operating_system.clone(),
        os_type: seen.version.os.to_owned(),
        architecture: std::env::consts::ARCH.to_owned(),
        index_server_address: "https://index.docker.io/v1/".to_owned(),
        ncpu: i64::from(seen.cpus),
        mem_total: i64::try_from(seen.memory).unwrap_or(i64::MAX),
        docker_root_dir: seen.data_root.display().to_string(),
        name: seen.name.clone(),
        server_version: seen.version.version.clone(),
        runtimes: [("sampan".to_owned(), runtime)].into(),
        default_runtime: "sampan".to_owned(),
        // Containers belong to their monitors, not to a daemon.
        live_restore_enabled: true,
        init_binary: "sampan-init".to_owned(),
        security_options: seen.security_options.clone(),
        warnings: (!seen.warnings.is_empty()).then(|| seen.warnings.clone()),
        ..SystemInfo::default()
    }
}
