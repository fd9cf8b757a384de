//! Docker's request to create a container in the engine's words.

use super::to_engine_mounts::{MountError, mounts};
use crate::client::CreateQuery;
use crate::parse::{self, InvalidPort};
use docker_model::{
    ContainerCreateRequest, ContainerUpdateRequest, EndpointSettings, HealthcheckConfig, HostConfig,
    Resources,
};
use engine::model::{
    AttachmentConfig, CgroupNamespace, ContainerConfig, DeviceConfig, DeviceRate, ExposedPort, HealthConfig,
    IpcChoice, NetworkChoice, PidChoice, PublishedPort, ResourceConfig, Ulimit,
};
use engine::spec::image::Healthcheck;
use engine::{Protocol, RestartPolicy, UpdateRequest};
use ids::{ContainerName, InvalidId, NetworkName};
use std::net::{AddrParseError, IpAddr};

/// Why a request makes no sense.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateRequestError {
    /// A name. The words are Docker's.
    #[error("Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed{}", at_least_two(.name))]
    Name {
        /// As given.
        name: String,
    },
    /// The network's name.
    #[error(transparent)]
    Network(#[from] InvalidId),
    /// A mount.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// A port.
    #[error(transparent)]
    Port(#[from] InvalidPort),
    /// An address.
    #[error("invalid IP address: {text}")]
    Address {
        /// As given.
        text: String,
        /// Why.
        #[source]
        source: AddrParseError,
    },
    /// A number that may not be negative.
    #[error("{what} must not be negative")]
    Negative {
        /// Which.
        what: &'static str,
    },
    /// Not a mode of a namespace. The words are Docker's.
    #[error("invalid {what} mode: {mode}")]
    Mode {
        /// Which namespace.
        what: &'static str,
        /// As given.
        mode: String,
    },
    /// Linux has one kind. The words are Docker's.
    #[error("Invalid isolation: \"{asked}\" - linux only supports 'default'")]
    Isolation {
        /// As given.
        asked: String,
    },
    /// There are no plugins. The words are Docker's.
    #[error("error looking up volume plugin {name}: plugin \"{name}\" not found")]
    VolumeDriver {
        /// As given.
        name: String,
    },
    /// Docker's least memory.
    #[error("Minimum memory limit allowed is 6MB")]
    MemoryTooSmall,
}

/// The engine's request.
pub(crate) fn container_config(
    request: &ContainerCreateRequest,
    query: &CreateQuery<'_>,
) -> Result<ContainerConfig, CreateRequestError> {
    let (config, host) = (&request.config, &request.host_config);
    let (attachment, more_attachments) = attachments(request)?;
    Ok(ContainerConfig {
        name: query.name.map(name).transpose()?,
        image: config.image.clone(),
        platform: query.platform.map(str::to_owned),
        command: config.cmd.clone().unwrap_or_default(),
        entrypoint: config.entrypoint.clone(),
        env: config.env.clone().unwrap_or_default(),
        labels: config.labels.clone().unwrap_or_default(),
        working_dir: filled(&config.working_dir),
        user: filled(&config.user),
        group_add: host.group_add.clone().unwrap_or_default(),
        hostname: filled(&config.hostname),
        domainname: filled(&config.domainname),
        tty: config.tty,
        open_stdin: config.open_stdin,
        stdin_once: config.stdin_once,
        stop_signal: filled(&config.stop_signal),
        stop_timeout_seconds: config.stop_timeout,
        health: health(config.healthcheck.as_ref())?,
        exposed_ports: exposed(request)?,
        publish: published(host)?,
        publish_all: host.publish_all_ports,
        network: network(&host.network_mode)?,
        attachment,
        more_attachments,
        links: host.links.clone().unwrap_or_default(),
        extra_hosts: host.extra_hosts.clone().unwrap_or_default(),
        dns: host.dns.iter().flatten().map(|server| address::<IpAddr>(server)).collect::<Result<_, _>>()?,
        dns_search: host.dns_search.clone().unwrap_or_default(),
        dns_options: host.dns_options.clone().unwrap_or_default(),
        mounts: mounts(request)?,
        read_only: host.readonly_rootfs,
        shm_size: positive(host.shm_size, "the size of /dev/shm")?,
        resources: resources(&host.resources, host.oom_score_adj)?,
        privileged: host.privileged,
        cap_add: host.cap_add.clone().unwrap_or_default(),
        cap_drop: host.cap_drop.clone().unwrap_or_default(),
        security_opt: security_options(host),
        sysctls: host.sysctls.clone().unwrap_or_default(),
        ulimits: ulimits(&host.resources),
        devices: devices(&host.resources),
        init: host.init.unwrap_or(false),
        restart: restart(&host.restart_policy),
        auto_remove: host.auto_remove,
        log_driver: filled(&host.log_config.kind),
        log_options: host.log_config.config.clone().unwrap_or_default(),
        annotations: host.annotations.clone().unwrap_or_default(),
        ipc: ipc(&host.ipc_mode)?,
        pid: pid(&host.pid_mode)?,
        host_uts: one_of(&host.uts_mode, "UTS", &["host"])?.is_some(),
        cgroup_namespace: match one_of(&host.cgroupns_mode, "cgroup namespace", &["host", "private"])? {
            Some("host") => Some(CgroupNamespace::Host),
            Some(_) => Some(CgroupNamespace::Private),
            None => None,
        },
        host_users: one_of(&host.userns_mode, "USER", &["host"])?.is_some(),
        isolation: isolation(&host.isolation)?,
        volume_driver: volume_driver(&host.volume_driver)?,
        cgroup_parent: filled(&host.resources.cgroup_parent),
        volumes_from: host.volumes_from.clone().unwrap_or_default(),
        device_rules: host.resources.device_cgroup_rules.clone().unwrap_or_default(),
    })
}

/// The engine's request for other limits; what is zero or empty stays as it is.
pub(super) fn update_request(request: &ContainerUpdateRequest) -> Result<UpdateRequest, CreateRequestError> {
    let asked = &request.restart_policy;
    Ok(UpdateRequest {
        resources: resources(&request.resources, 0)?,
        restart: (!asked.name.is_empty()).then(|| restart(asked)),
    })
}

/// Docker's rule reads as if one letter were enough.
fn at_least_two(name: &str) -> &'static str {
    if name.chars().count() == 1 { ", two characters or more" } else { "" }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

pub(super) fn name(text: &str) -> Result<ContainerName, CreateRequestError> {
    let bare = text.strip_prefix('/').unwrap_or(text);
    ContainerName::parse(bare).map_err(|_| CreateRequestError::Name { name: text.to_owned() })
}

fn address<T: std::str::FromStr<Err = AddrParseError>>(text: &str) -> Result<T, CreateRequestError> {
    text.parse().map_err(|source| CreateRequestError::Address { text: text.to_owned(), source })
}

/// Docker writes "not said" as 0.
fn positive(value: i64, what: &'static str) -> Result<Option<u64>, CreateRequestError> {
    match u64::try_from(value) {
        Ok(0) => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(CreateRequestError::Negative { what }),
    }
}

/// A mode of a namespace; empty is the default. The words are Docker's.
fn one_of<'a>(
    mode: &'a str,
    what: &'static str,
    known: &[&str],
) -> Result<Option<&'a str>, CreateRequestError> {
    match mode {
        "" => Ok(None),
        mode if known.contains(&mode) => Ok(Some(mode)),
        mode => Err(CreateRequestError::Mode { what, mode: mode.to_owned() }),
    }
}

fn ipc(mode: &str) -> Result<IpcChoice, CreateRequestError> {
    if let Some(name) = mode.strip_prefix("container:").filter(|name| !name.is_empty()) {
        return Ok(IpcChoice::Container(name.to_owned()));
    }
    Ok(match one_of(mode, "IPC", &["private", "none", "shareable", "host"])? {
        Some("host") => IpcChoice::Host,
        Some("shareable") => IpcChoice::Shareable,
        Some("none") => IpcChoice::None,
        _ => IpcChoice::Private,
    })
}

fn isolation(asked: &str) -> Result<Option<String>, CreateRequestError> {
    if asked.is_empty() || asked.eq_ignore_ascii_case("default") {
        return Ok(filled(asked));
    }
    Err(CreateRequestError::Isolation { asked: asked.to_owned() })
}

fn volume_driver(name: &str) -> Result<Option<String>, CreateRequestError> {
    if name.is_empty() || name == "local" {
        return Ok(filled(name));
    }
    Err(CreateRequestError::VolumeDriver { name: name.to_owned() })
}

fn pid(mode: &str) -> Result<PidChoice, CreateRequestError> {
    match mode.strip_prefix("container:") {
        Some(name) if !name.is_empty() => Ok(PidChoice::Container(name.to_owned())),
        _ => Ok(one_of(mode, "PID", &["host"])?.map_or(PidChoice::Private, |_| PidChoice::Host)),
    }
}

fn network(mode: &str) -> Result<NetworkChoice, CreateRequestError> {
    Ok(match mode {
        "" | "default" | "bridge" => NetworkChoice::Default,
        "none" => NetworkChoice::None,
        "host" => NetworkChoice::Host,
        _ => match mode.strip_prefix("container:") {
            Some(container) => NetworkChoice::Container(container.to_owned()),
            None => NetworkChoice::Named(NetworkName::parse(mode)?),
        },
    })
}

/// What is wanted of the network that the mode names, and of the others.
fn attachments(
    request: &ContainerCreateRequest,
) -> Result<(AttachmentConfig, Vec<AttachmentConfig>), CreateRequestError> {
    let mode = request.host_config.network_mode.as_str();
    let is_first = |name: &str| {
        let standard = |text: &str| matches!(text, "" | "default" | "bridge");
        name == mode || (standard(name) && standard(mode))
    };
    let (mut first, mut more) = (AttachmentConfig::default(), Vec::new());
    for (name, settings) in &request.networking_config.endpoints_config {
        let one = attachment(name, settings)?;
        if is_first(name) { first = one } else { more.push(one) }
    }
    if first.mac_address.is_none() {
        first.mac_address = filled(&request.config.mac_address);
    }
    Ok((first, more))
}

/// What is wanted of one network.
pub(crate) fn attachment(
    network: &str,
    wire: &EndpointSettings,
) -> Result<AttachmentConfig, CreateRequestError> {
    let ip = wire.ipam_config.as_ref().and_then(|ipam| filled(&ipam.ipv4_address));
    Ok(AttachmentConfig {
        network: network.to_owned(),
        aliases: wire.aliases.clone().unwrap_or_default(),
        ip: ip.map(|ip| address(&ip)).transpose()?,
        mac_address: filled(&wire.mac_address),
        gateway_priority: wire.gw_priority,
        links: wire.links.clone().unwrap_or_default(),
    })
}

fn health(check: Option<&HealthcheckConfig>) -> Result<HealthConfig, CreateRequestError> {
    let Some(check) = check else { return Ok(HealthConfig::Inherit) };
    let test = check.test.clone().unwrap_or_default();
    if test.first().is_some_and(|first| first == "NONE") {
        return Ok(HealthConfig::Disabled);
    }
    let time = |value, what| Ok::<_, CreateRequestError>(positive(value, what)?.unwrap_or(0));
    Ok(HealthConfig::Custom(Healthcheck {
        test,
        interval: time(check.interval, "the interval of the health check")?,
        timeout: time(check.timeout, "the time-out of the health check")?,
        start_period: time(check.start_period, "the start period of the health check")?,
        start_interval: time(check.start_interval, "the start interval of the health check")?,
        retries: time(check.retries, "the retries of the health check")?,
    }))
}

fn exposed(
    request: &ContainerCreateRequest,
) -> Result<std::collections::BTreeSet<ExposedPort>, CreateRequestError> {
    let mut ports = std::collections::BTreeSet::new();
    for text in request.config.exposed_ports.iter().flat_map(|ports| ports.keys()) {
        for single in parse::expose(text)? {
            ports.insert(exposed_port(&single)?);
        }
    }
    Ok(ports)
}

/// `port/protocol`, as the parser writes it.
fn exposed_port(text: &str) -> Result<ExposedPort, InvalidPort> {
    let (port, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let port = port.parse().map_err(|_| InvalidPort::Container(text.to_owned()))?;
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        "sctp" => return Err(InvalidPort::Sctp),
        other => return Err(InvalidPort::Protocol(other.to_owned())),
    };
    Ok(ExposedPort { port, protocol })
}

fn published(host: &HostConfig) -> Result<Vec<PublishedPort>, CreateRequestError> {
    let mut ports = Vec::new();
    for (text, bindings) in host.port_bindings.iter().flatten() {
        let container = exposed_port(text)?;
        for binding in bindings.iter().flatten() {
            let invalid = || InvalidPort::Host(binding.host_port.clone());
            let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
            let range = match binding.host_port.split_once('-') {
                _ if matches!(binding.host_port.as_str(), "" | "0") => None,
                Some((first, last)) => {
                    Some((port(first).ok_or_else(invalid)?, port(last).ok_or_else(invalid)?))
                }
                None => port(&binding.host_port).map(|port| Some((port, port))).ok_or_else(invalid)?,
            };
            let host_ip = Some(binding.host_ip.as_str()).filter(|ip| !ip.is_empty());
            ports.push(PublishedPort {
                container,
                host_ip: host_ip.map(address).transpose()?,
                host_port: range.map(|range| range.0),
                host_port_end: range.map(|range| range.1),
            });
        }
    }
    Ok(ports)
}

/// Docker's least memory limit (moby, `linuxMinMemory`).
const MEMORY_MIN: u64 = 6 << 20;

fn resources(wire: &Resources, oom_score_adj: i64) -> Result<ResourceConfig, CreateRequestError> {
    let memory = positive(wire.memory, "the memory limit")?;
    if memory.is_some_and(|memory| memory < MEMORY_MIN) {
        return Err(CreateRequestError::MemoryTooSmall);
    }
    let some = |value: i64| Some(value).filter(|value| *value != 0);
    Ok(ResourceConfig {
        memory,
        memory_swap: some(wire.memory_swap),
        memory_reservation: positive(wire.memory_reservation, "the memory reservation")?,
        memory_swappiness: wire.memory_swappiness.and_then(|value| u64::try_from(value).ok()),
        oom_kill_disable: wire.oom_kill_disable.unwrap_or(false),
        oom_score_adj: some(oom_score_adj).and_then(|value| i32::try_from(value).ok()),
        nano_cpus: positive(wire.nano_cpus, "the number of processors")?,
        cpu_shares: positive(wire.cpu_shares, "the processor weight")?,
        cpu_quota: some(wire.cpu_quota),
        cpu_period: positive(wire.cpu_period, "the processor period")?,
        cpuset_cpus: filled(&wire.cpuset_cpus),
        cpuset_mems: filled(&wire.cpuset_mems),
        pids_limit: wire.pids_limit,
        blkio_weight: Some(wire.blkio_weight).filter(|weight| *weight != 0),
        blkio_weight_devices: weights(wire.blkio_weight_device.as_deref()),
        read_bytes_per_second: rates(wire.blkio_device_read_bps.as_deref()),
        write_bytes_per_second: rates(wire.blkio_device_write_bps.as_deref()),
        reads_per_second: rates(wire.blkio_device_read_iops.as_deref()),
        writes_per_second: rates(wire.blkio_device_write_iops.as_deref()),
        cpu_realtime_period: positive(wire.cpu_realtime_period, "the real-time period")?,
        cpu_realtime_runtime: some(wire.cpu_realtime_runtime),
    })
}

fn weights(wire: Option<&[docker_model::WeightDevice]>) -> Vec<DeviceRate> {
    let one =
        |one: &docker_model::WeightDevice| DeviceRate { path: one.path.clone(), value: one.weight.into() };
    wire.unwrap_or_default().iter().map(one).collect()
}

fn rates(wire: Option<&[docker_model::ThrottleDevice]>) -> Vec<DeviceRate> {
    let one = |one: &docker_model::ThrottleDevice| DeviceRate { path: one.path.clone(), value: one.rate };
    wire.unwrap_or_default().iter().map(one).collect()
}

fn ulimits(wire: &Resources) -> Vec<Ulimit> {
    // -1 is no limit, in the kernel's words the largest number.
    let limit = |value: i64| u64::try_from(value).unwrap_or(u64::MAX);
    let one = |wire: &docker_model::Ulimit| Ulimit {
        name: wire.name.clone(),
        soft: limit(wire.soft),
        hard: limit(wire.hard),
    };
    wire.ulimits.iter().flatten().map(one).collect()
}

fn devices(wire: &Resources) -> Vec<DeviceConfig> {
    let one = |wire: &docker_model::DeviceMapping| DeviceConfig {
        host_path: wire.path_on_host.clone(),
        container_path: wire.path_in_container.clone(),
        permissions: wire.cgroup_permissions.clone(),
    };
    wire.devices.iter().flatten().map(one).collect()
}

fn restart(policy: &docker_model::RestartPolicy) -> RestartPolicy {
    match policy.name.as_str() {
        "always" => RestartPolicy::Always,
        "unless-stopped" => RestartPolicy::UnlessStopped,
        "on-failure" => RestartPolicy::OnFailure {
            maximum_retry_count: u32::try_from(policy.maximum_retry_count).unwrap_or(u32::MAX),
        },
        _ => RestartPolicy::No,
    }
}

/// Docker's command line turns `systempaths=unconfined` into empty lists of paths.
fn security_options(host: &HostConfig) -> Vec<String> {
    let mut options = host.security_opt.clone().unwrap_or_default();
    let empty = |paths: &Option<Vec<String>>| paths.as_ref().is_some_and(Vec::is_empty);
    if empty(&host.masked_paths) && empty(&host.readonly_paths) {
        options.push("systempaths=unconfined".to_owned());
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use docker_model::{ContainerConfig as WireConfig, PortBinding};
    use engine::PullPolicy;

    fn query() -> CreateQuery<'static> {
        CreateQuery { name: Some("/web"), platform: None, pull: PullPolicy::Never }
    }

    fn translated(host_config: HostConfig) -> Result<ContainerConfig, CreateRequestError> {
        let config = WireConfig { image: "nginx".into(), ..WireConfig::default() };
        container_config(&ContainerCreateRequest { config, host_config, ..Default::default() }, &query())
    }

    #[test]
    fn an_empty_request_asks_for_nothing() {
        let name = Some(ContainerName::parse("web").unwrap());
        let expected = ContainerConfig { name, image: "nginx".into(), ..ContainerConfig::default() };
        assert_eq!(translated(HostConfig::default()).unwrap(), expected);
    }

    #[test]
    fn ports_keep_their_ranges() {
        let bindings = |texts: &[&str]| {
            Some(
                texts
                    .iter()
                    .map(|port| PortBinding { host_ip: String::new(), host_port: (*port).into() })
                    .collect(),
            )
        };
        let ports = [("80/tcp".to_owned(), bindings(&["8080", "9000-9010", ""]))].into();
        let config = translated(HostConfig { port_bindings: Some(ports), ..HostConfig::default() }).unwrap();
        let ranges: Vec<_> = config.publish.iter().map(|port| (port.host_port, port.host_port_end)).collect();
        assert_eq!(ranges, [(Some(8080), Some(8080)), (Some(9000), Some(9010)), (None, None)]);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let memory = Resources { memory: 1 << 20, ..Resources::default() };
        let error = translated(HostConfig { resources: memory, ..HostConfig::default() }).unwrap_err();
        assert_eq!(error.to_string(), "Minimum memory limit allowed is 6MB");
        let dns = Some(vec!["nowhere".to_owned()]);
        assert!(translated(HostConfig { dns, ..HostConfig::default() }).is_err());
        assert!(name("a/b").is_err());
    }
}
