//! What the user asked of the host, as `inspect` shows it.

use super::network_mode;
use docker_model::{
    BindOptions, DeviceMapping, HostConfig, LogConfig, Mount, PortBinding, PortMap, Resources, RestartPolicy,
    ThrottleDevice, TmpfsOptions, Ulimit, VolumeOptions, WeightDevice,
};
use engine::RestartPolicy as EnginePolicy;
use engine::model::{
    CgroupNamespace, ContainerConfig, DeviceRate, IpcChoice, MountConfig, MountSource, PidChoice,
};

/// Docker's default for `/dev/shm`.
const SHM_SIZE: u64 = 64 * 1024 * 1024;

fn filled<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

fn signed(value: Option<u64>) -> i64 {
    value.and_then(|value| i64::try_from(value).ok()).unwrap_or(0)
}

pub(super) fn host_config(config: &ContainerConfig) -> HostConfig {
    HostConfig {
        binds: filled(config.mounts.iter().filter_map(bind).collect()),
        log_config: LogConfig {
            kind: config.log_driver.clone().unwrap_or_else(|| "json-file".to_owned()),
            config: Some(config.log_options.clone()),
        },
        network_mode: network_mode(&config.network),
        port_bindings: Some(port_bindings(config)),
        restart_policy: restart_policy(config.restart),
        auto_remove: config.auto_remove,
        annotations: (!config.annotations.is_empty()).then(|| config.annotations.clone()),
        cap_add: filled(config.cap_add.clone()),
        cap_drop: filled(config.cap_drop.clone()),
        cgroupns_mode: match config.cgroup_namespace {
            Some(CgroupNamespace::Host) => "host".to_owned(),
            _ => "private".to_owned(),
        },
        dns: Some(config.dns.iter().map(ToString::to_string).collect()),
        dns_options: Some(config.dns_options.clone()),
        dns_search: Some(config.dns_search.clone()),
        extra_hosts: filled(config.extra_hosts.clone()),
        links: filled(config.links.clone()),
        group_add: filled(config.group_add.clone()),
        ipc_mode: match &config.ipc {
            IpcChoice::Private => "private".to_owned(),
            IpcChoice::None => "none".to_owned(),
            IpcChoice::Shareable => "shareable".to_owned(),
            IpcChoice::Host => "host".to_owned(),
            IpcChoice::Container(name) => format!("container:{name}"),
        },
        pid_mode: match &config.pid {
            PidChoice::Private => String::new(),
            PidChoice::Host => "host".to_owned(),
            PidChoice::Container(name) => format!("container:{name}"),
        },
        uts_mode: if config.host_uts { "host".to_owned() } else { String::new() },
        userns_mode: if config.host_users { "host".to_owned() } else { String::new() },
        isolation: config.isolation.clone().unwrap_or_default(),
        volume_driver: config.volume_driver.clone().unwrap_or_default(),
        volumes_from: filled(config.volumes_from.clone()),
        oom_score_adj: config.resources.oom_score_adj.unwrap_or(0).into(),
        privileged: config.privileged,
        publish_all_ports: config.publish_all,
        readonly_rootfs: config.read_only,
        security_opt: filled(config.security_opt.clone()),
        tmpfs: Some(tmpfs(config)).filter(|tmpfs| !tmpfs.is_empty()),
        shm_size: signed(Some(config.shm_size.unwrap_or(SHM_SIZE))),
        sysctls: (!config.sysctls.is_empty()).then(|| config.sysctls.clone()),
        runtime: "sampan".to_owned(),
        resources: resources(config),
        mounts: filled(config.mounts.iter().filter_map(long_mount).collect()),
        init: config.init.then_some(true),
        ..HostConfig::default()
    }
}

/// The short form of what `-v` can say.
fn bind(mount: &MountConfig) -> Option<String> {
    let suffix = if mount.read_only { ":ro" } else { "" };
    match &mount.source {
        MountSource::Bind { path, create: true, .. } => Some(format!("{path}:{}{suffix}", mount.target)),
        MountSource::Volume { name: Some(name), options, labels, .. }
            if options.is_empty() && labels.is_empty() =>
        {
            Some(format!("{name}:{}{suffix}", mount.target))
        }
        _ => None,
    }
}

/// The long form of what only `--mount` can say.
fn long_mount(mount: &MountConfig) -> Option<Mount> {
    if bind(mount).is_some() {
        return None;
    }
    let long = Mount { target: mount.target.clone(), read_only: mount.read_only, ..Mount::default() };
    match &mount.source {
        MountSource::Bind { path, propagation, non_recursive, create } => Some(Mount {
            kind: "bind".to_owned(),
            source: path.clone(),
            bind_options: (propagation.is_some() || *non_recursive || *create).then(|| BindOptions {
                propagation: propagation.clone().unwrap_or_default(),
                non_recursive: *non_recursive,
                create_mountpoint: *create,
                ..BindOptions::default()
            }),
            ..long
        }),
        MountSource::Volume { name, no_copy, labels, .. } => Some(Mount {
            kind: "volume".to_owned(),
            source: name.as_ref().map(ToString::to_string).unwrap_or_default(),
            volume_options: (*no_copy || !labels.is_empty()).then(|| VolumeOptions {
                no_copy: *no_copy,
                labels: (!labels.is_empty()).then(|| labels.clone()),
                ..VolumeOptions::default()
            }),
            ..long
        }),
        MountSource::Tmpfs { size, mode, options } if options.is_empty() => Some(Mount {
            kind: "tmpfs".to_owned(),
            tmpfs_options: (size.is_some() || mode.is_some()).then(|| TmpfsOptions {
                size_bytes: signed(*size),
                mode: mode.unwrap_or(0).into(),
                options: None,
            }),
            ..long
        }),
        MountSource::Tmpfs { .. } => None,
    }
}

/// What `--tmpfs` said, by path.
fn tmpfs(config: &ContainerConfig) -> docker_model::StringMap {
    let with_options = config.mounts.iter().filter_map(|mount| match &mount.source {
        MountSource::Tmpfs { options, .. } if !options.is_empty() => {
            Some((mount.target.clone(), options.join(",")))
        }
        _ => None,
    });
    with_options.collect()
}

fn port_bindings(config: &ContainerConfig) -> PortMap {
    let mut map = PortMap::new();
    for port in &config.publish {
        let text = |number: Option<u16>| number.map(|number| number.to_string()).unwrap_or_default();
        let host_port = match (port.host_port, port.host_port_end) {
            (Some(first), Some(last)) if first != last => format!("{first}-{last}"),
            (first, _) => text(first),
        };
        let host_ip = port.host_ip.map(|address| address.to_string()).unwrap_or_default();
        let key = format!("{}/{}", port.container.port, port.container.protocol);
        map.entry(key).or_default().get_or_insert_default().push(PortBinding { host_ip, host_port });
    }
    map
}

fn restart_policy(policy: EnginePolicy) -> RestartPolicy {
    let (name, maximum_retry_count) = match policy {
        EnginePolicy::No => ("no", 0),
        EnginePolicy::Always => ("always", 0),
        EnginePolicy::UnlessStopped => ("unless-stopped", 0),
        EnginePolicy::OnFailure { maximum_retry_count } => ("on-failure", maximum_retry_count.into()),
    };
    RestartPolicy { name: name.to_owned(), maximum_retry_count }
}

fn resources(config: &ContainerConfig) -> Resources {
    let limits = &config.resources;
    let memory = signed(limits.memory);
    Resources {
        cgroup_parent: config.cgroup_parent.clone().unwrap_or_default(),
        device_cgroup_rules: filled(config.device_rules.clone()),
        blkio_weight_device: filled(limits.blkio_weight_devices.iter().map(weight).collect()),
        blkio_device_read_bps: filled(limits.read_bytes_per_second.iter().map(rate).collect()),
        blkio_device_write_bps: filled(limits.write_bytes_per_second.iter().map(rate).collect()),
        blkio_device_read_iops: filled(limits.reads_per_second.iter().map(rate).collect()),
        blkio_device_write_iops: filled(limits.writes_per_second.iter().map(rate).collect()),
        cpu_realtime_period: signed(limits.cpu_realtime_period),
        cpu_realtime_runtime: limits.cpu_realtime_runtime.unwrap_or(0),
        cpu_shares: signed(limits.cpu_shares),
        memory,
        nano_cpus: signed(limits.nano_cpus),
        blkio_weight: limits.blkio_weight.unwrap_or(0),
        cpu_period: signed(limits.cpu_period),
        cpu_quota: limits.cpu_quota.unwrap_or(0),
        cpuset_cpus: limits.cpuset_cpus.clone().unwrap_or_default(),
        cpuset_mems: limits.cpuset_mems.clone().unwrap_or_default(),
        devices: Some(config.devices.iter().map(device).collect()),
        memory_reservation: signed(limits.memory_reservation),
        memory_swap: limits.memory_swap.unwrap_or(memory.saturating_mul(2)),
        memory_swappiness: limits.memory_swappiness.and_then(|value| i64::try_from(value).ok()),
        oom_kill_disable: Some(limits.oom_kill_disable),
        pids_limit: limits.pids_limit,
        ulimits: Some(config.ulimits.iter().map(ulimit).collect()),
        ..Resources::default()
    }
}

fn weight(device: &DeviceRate) -> WeightDevice {
    WeightDevice { path: device.path.clone(), weight: u16::try_from(device.value).unwrap_or(u16::MAX) }
}

fn rate(device: &DeviceRate) -> ThrottleDevice {
    ThrottleDevice { path: device.path.clone(), rate: device.value }
}

fn device(device: &engine::model::DeviceConfig) -> DeviceMapping {
    DeviceMapping {
        path_on_host: device.host_path.clone(),
        path_in_container: device.container_path.clone(),
        cgroup_permissions: device.permissions.clone(),
    }
}

fn ulimit(limit: &engine::model::Ulimit) -> Ulimit {
    // Unlimited is -1 on the wire.
    let wire = |value: u64| i64::try_from(value).unwrap_or(-1);
    Ulimit { name: limit.name.clone(), hard: wire(limit.hard), soft: wire(limit.soft) }
}
