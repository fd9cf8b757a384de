//! What depends on the host.

use super::{refuse, security};
use crate::args::Typed;
use crate::failure::Failure;
use crate::parse::{self, is_path};
use docker_model::{
    ContainerConfig, Empty, HostConfig, LogConfig, PortMap, Resources, RestartPolicy, Ulimit,
};
use std::collections::BTreeMap;

pub(super) fn host(
    typed: &Typed,
    network_mode: String,
    config: &mut ContainerConfig,
) -> Result<HostConfig, Failure> {
    let restart = typed.parsed("restart", parse::restart_policy)?.unwrap_or_else(no_restart);
    let auto_remove = typed.is_on("rm");
    if auto_remove && !matches!(restart.name.as_str(), "" | "no") {
        return Err(refuse("conflicting options: cannot specify both --restart and --rm"));
    }
    let security = security::security(&typed.list("security-opt"))?;
    let unconfined = security.system_paths_unconfined.then(Vec::new);
    let (cap_add, cap_drop) = security::capabilities(&typed.list("cap-add"), &typed.list("cap-drop"));
    let addresses = typed.parsed_list("dns", parse::address)?;
    let dns_options = [typed.list("dns-option"), typed.list("dns-opt")].concat();
    Ok(HostConfig {
        binds: some(binds(typed, config)?),
        container_id_file: typed.text_or_empty("cidfile"),
        log_config: LogConfig {
            kind: typed.text_or_empty("log-driver"),
            config: Some(pairs(typed, "log-opt")?),
        },
        network_mode,
        port_bindings: Some(ports(typed)?),
        restart_policy: restart,
        auto_remove,
        annotations: Some(pairs(typed, "annotation")?).filter(|pairs| !pairs.is_empty()),
        cap_add: some(cap_add),
        cap_drop: some(cap_drop),
        dns: some(addresses.iter().map(ToString::to_string).collect()),
        dns_options: owned(&dns_options),
        dns_search: some(typed.parsed_list("dns-search", parse::search_domain)?),
        extra_hosts: some(typed.parsed_list("add-host", parse::extra_host)?),
        links: some(typed.parsed_list("link", parse::link)?),
        group_add: owned(&typed.list("group-add")),
        oom_score_adj: oom_score(typed)?,
        privileged: typed.is_on("privileged"),
        publish_all_ports: typed.is_on("publish-all"),
        readonly_rootfs: typed.is_on("read-only"),
        security_opt: some(security.options),
        tmpfs: tmpfs(typed)?,
        shm_size: typed.parsed("shm-size", parse::size)?.unwrap_or(0),
        sysctls: Some(pairs(typed, "sysctl")?).filter(|pairs| !pairs.is_empty()),
        resources: resources(typed)?,
        mounts: some(typed.parsed_list("mount", parse::mount)?),
        masked_paths: unconfined.clone(),
        readonly_paths: unconfined,
        init: typed.was_typed("init").then(|| typed.is_on("init")),
        volumes_from: owned(&typed.list("volumes-from")),
        cgroupns_mode: mode(typed, "cgroupns", "CGROUP", &["host", "private"])?,
        isolation: typed.text_or_empty("isolation"),
        volume_driver: typed.text_or_empty("volume-driver"),
        ipc_mode: typed.text_or_empty("ipc"),
        pid_mode: namespace_mode(typed, "pid", "PID")?,
        uts_mode: mode(typed, "uts", "UTS", &["host"])?,
        userns_mode: mode(typed, "userns", "USER", &["host"])?,
        ..HostConfig::default()
    })
}

/// A mode that must be one of the known ones; empty is the default.
fn mode(typed: &Typed, flag: &str, what: &str, known: &[&str]) -> Result<String, Failure> {
    let mode = typed.text_or_empty(flag);
    if mode.is_empty() || known.contains(&mode.as_str()) {
        return Ok(mode);
    }
    Err(refuse(format!("--{flag}: invalid {what} mode")))
}

/// `host` or `container:NAME`.
fn namespace_mode(typed: &Typed, flag: &str, what: &str) -> Result<String, Failure> {
    let text = typed.text_or_empty(flag);
    match text.strip_prefix("container:") {
        Some(name) if !name.is_empty() => Ok(text),
        _ => mode(typed, flag, what, &["host"]),
    }
}

fn no_restart() -> RestartPolicy {
    RestartPolicy { name: "no".to_owned(), maximum_retry_count: 0 }
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

fn owned(list: &[&str]) -> Option<Vec<String>> {
    some(list.iter().map(|text| (*text).to_owned()).collect())
}

fn pairs(typed: &Typed, flag: &str) -> Result<docker_model::StringMap, Failure> {
    let texts = typed.list(flag);
    parse::key_values(&texts).map_err(|error| typed.invalid(flag, &texts.join(","), Box::new(error)).into())
}

/// Binds with absolute host paths; anonymous volumes go into the configuration, as Docker has them.
fn binds(typed: &Typed, config: &mut ContainerConfig) -> Result<Vec<String>, Failure> {
    let mut binds = Vec::new();
    for text in typed.list("volume") {
        match text.split_once(':') {
            Some((source, rest)) if is_path(source) && rest.starts_with('/') => {
                binds.push(format!("{}:{rest}", host_path(source)?));
            }
            Some(_) => binds.push(text.to_owned()),
            None => {
                config.volumes.get_or_insert_default().insert(text.to_owned(), Empty {});
            }
        }
    }
    Ok(binds)
}

/// `.`, `./x`, `../x` and `~/x` from where we are; an absolute path as it is.
fn host_path(source: &str) -> Result<String, Failure> {
    if source.starts_with('/') {
        return Ok(source.to_owned());
    }
    let path = match source.strip_prefix('~') {
        Some(rest) => {
            let home = std::env::var("HOME").map_err(|_| refuse(format!("{source}: HOME is not set")))?;
            format!("{home}{rest}")
        }
        None => source.to_owned(),
    };
    let absolute = std::path::absolute(&path).map_err(|error| refuse(format!("{path}: {error}")))?;
    absolute.to_str().map(str::to_owned).ok_or_else(|| refuse(format!("{path}: the path is not valid UTF-8")))
}

fn ports(typed: &Typed) -> Result<PortMap, Failure> {
    let mut all = PortMap::new();
    for text in typed.list("publish") {
        for (port, bindings) in parse::publish(text).map_err(|error| Failure::of(&error).with_code(125))? {
            all.entry(port).or_default().get_or_insert_default().extend(bindings.into_iter().flatten());
        }
    }
    Ok(all)
}

fn tmpfs(typed: &Typed) -> Result<Option<docker_model::StringMap>, Failure> {
    let all = typed.parsed_list("tmpfs", parse::tmpfs)?;
    Ok(Some(all.into_iter().collect()).filter(|all: &docker_model::StringMap| !all.is_empty()))
}

fn oom_score(typed: &Typed) -> Result<i64, Failure> {
    let score = typed.parsed("oom-score-adj", parse::integer)?.unwrap_or(0);
    if (-1000..=1000).contains(&score) {
        return Ok(score);
    }
    Err(refuse(format!("Invalid value {score}, range for oom score adj is [-1000, 1000]")))
}

/// The limits that the flags mean; of a verb that does not have one, it counts as not typed.
pub(crate) fn resources(typed: &Typed) -> Result<Resources, Failure> {
    let integer = |flag| Ok::<_, Failure>(typed.parsed(flag, parse::integer)?.unwrap_or(0));
    let swappiness = typed.parsed("memory-swappiness", parse::integer)?.unwrap_or(-1);
    if !(-1..=100).contains(&swappiness) {
        return Err(refuse(format!("invalid value: {swappiness}. Valid memory swappiness range is 0-100")));
    }
    let blkio_weight = typed.parsed("blkio-weight", str::parse::<u16>)?.unwrap_or(0);
    if blkio_weight != 0 && !(10..=1000).contains(&blkio_weight) {
        return Err(refuse("Range of blkio weight is from 10 to 1000"));
    }
    if typed.was_typed("cpus") && (typed.was_typed("cpu-period") || typed.was_typed("cpu-quota")) {
        return Err(refuse("Conflicting options: Nano CPUs and CPU Period or Quota cannot both be set"));
    }
    Ok(Resources {
        cgroup_parent: typed.text_or_empty("cgroup-parent"),
        device_cgroup_rules: some(typed.parsed_list("device-cgroup-rule", parse::device_rule)?),
        blkio_weight_device: some(typed.parsed_list("blkio-weight-device", parse::weight_device)?),
        blkio_device_read_bps: some(typed.parsed_list("device-read-bps", parse::bytes_of_device)?),
        blkio_device_write_bps: some(typed.parsed_list("device-write-bps", parse::bytes_of_device)?),
        blkio_device_read_iops: some(typed.parsed_list("device-read-iops", parse::operations_of_device)?),
        blkio_device_write_iops: some(typed.parsed_list("device-write-iops", parse::operations_of_device)?),
        cpu_realtime_period: integer("cpu-rt-period")?,
        cpu_realtime_runtime: integer("cpu-rt-runtime")?,
        cpu_shares: integer("cpu-shares")?,
        memory: typed.parsed("memory", parse::size)?.unwrap_or(0),
        nano_cpus: typed.parsed("cpus", parse::cpus)?.unwrap_or(0),
        blkio_weight,
        cpu_period: integer("cpu-period")?,
        cpu_quota: integer("cpu-quota")?,
        cpuset_cpus: typed.text_or_empty("cpuset-cpus"),
        cpuset_mems: typed.text_or_empty("cpuset-mems"),
        devices: some(typed.parsed_list("device", parse::device)?),
        memory_reservation: typed.parsed("memory-reservation", parse::size)?.unwrap_or(0),
        memory_swap: typed.parsed("memory-swap", parse::swap_size)?.unwrap_or(0),
        memory_swappiness: Some(swappiness),
        oom_kill_disable: typed.was_typed("oom-kill-disable").then(|| typed.is_on("oom-kill-disable")),
        pids_limit: typed.parsed("pids-limit", parse::integer)?.filter(|limit| *limit != 0),
        ulimits: some(ulimits(typed)?),
        ..Resources::default()
    })
}

/// By name, as Docker sends them; the last of one name counts.
fn ulimits(typed: &Typed) -> Result<Vec<Ulimit>, Failure> {
    let all = typed.parsed_list("ulimit", parse::ulimit)?;
    let by_name: BTreeMap<String, Ulimit> =
        all.into_iter().map(|limit| (limit.name.clone(), limit)).collect();
    Ok(by_name.into_values().collect())
}
