//! Everything about a container.

use super::host_config::host_config;
use super::network::network_settings;
use super::{mount_point, started_at};
use docker_model::{
    ContainerConfig, ContainerInspect, ContainerState, DriverData, Empty, Health, HealthcheckConfig,
    HealthcheckResult, ZERO_TIME,
};
use engine::model::{ContainerView, HealthConfig};
use engine::{HealthStatus, State, spec};
use std::collections::BTreeMap;

/// `GET /containers/{id}/json`.
pub(crate) fn inspect(view: &ContainerView) -> ContainerInspect {
    let mut words = view.effective.entrypoint.iter().chain(&view.effective.command).cloned();
    ContainerInspect {
        id: view.id.to_string(),
        created: view.created.clone(),
        path: words.next().unwrap_or_default(),
        args: words.collect(),
        state: state(view),
        image: view.image_id.to_string(),
        resolv_conf_path: view.paths.resolv_conf.clone(),
        hostname_path: view.paths.hostname.clone(),
        hosts_path: view.paths.hosts.clone(),
        log_path: view.paths.log.clone(),
        name: format!("/{}", view.name),
        restart_count: restart_count(view),
        driver: "overlay2".to_owned(),
        platform: "linux".to_owned(),
        host_config: host_config(&view.config),
        graph_driver: DriverData { name: "overlay2".to_owned(), data: None },
        mounts: view.mounts.iter().map(mount_point).collect(),
        config: config(view),
        network_settings: network_settings(view),
        ..ContainerInspect::default()
    }
}

fn restart_count(view: &ContainerView) -> i64 {
    let running = view.started.as_ref().map(|started| started.restart_count);
    let ended = view.exited.as_ref().map(|exited| exited.restart_count);
    running.max(ended).unwrap_or(0).into()
}

fn state(view: &ContainerView) -> ContainerState {
    let running = view.state.has_processes();
    let last = view.exited.as_ref().filter(|_| !running);
    ContainerState {
        status: view.state.as_str().to_owned(),
        running: running || view.state == State::Restarting,
        paused: view.state == State::Paused,
        restarting: view.state == State::Restarting,
        oom_killed: last.is_some_and(|exited| exited.oom_killed),
        dead: view.state == State::Dead,
        pid: view.started.as_ref().filter(|_| running).map_or(0, |started| started.pid.into()),
        exit_code: last.map_or(0, |exited| exited.exit_code.into()),
        error: last.map(|exited| exited.error.clone()).unwrap_or_default(),
        started_at: started_at(view),
        finished_at: view
            .exited
            .as_ref()
            .map_or_else(|| ZERO_TIME.to_owned(), |exited| exited.finished_at.clone()),
        health: view.health.as_ref().map(health),
    }
}

fn health(health: &engine::Health) -> Health {
    let status = match health.status {
        HealthStatus::Starting => "starting",
        HealthStatus::Healthy => "healthy",
        HealthStatus::Unhealthy => "unhealthy",
    };
    let probe = |probe: &engine::Probe| HealthcheckResult {
        start: probe.start.clone(),
        end: probe.end.clone(),
        exit_code: probe.exit_code.into(),
        output: probe.output.clone(),
    };
    Health {
        status: status.to_owned(),
        failing_streak: health.failing_streak.into(),
        log: health.log.iter().map(probe).collect(),
    }
}

fn config(view: &ContainerView) -> ContainerConfig {
    let (asked, merged) = (&view.config, &view.effective);
    let ports: BTreeMap<String, Empty> = merged
        .exposed_ports
        .iter()
        .map(|port| (format!("{}/{}", port.port, port.protocol), Empty {}))
        .collect();
    ContainerConfig {
        hostname: merged.hostname.clone(),
        domainname: asked.domainname.clone().unwrap_or_default(),
        user: merged.user.clone(),
        attach_stdin: asked.stdin_once,
        tty: asked.tty,
        open_stdin: asked.open_stdin,
        stdin_once: asked.stdin_once,
        exposed_ports: (!ports.is_empty()).then_some(ports),
        env: Some(merged.env.clone()),
        cmd: (!merged.command.is_empty()).then(|| merged.command.clone()),
        healthcheck: healthcheck(asked, merged.healthcheck.as_ref()),
        image: asked.image.clone(),
        working_dir: merged.working_dir.clone(),
        entrypoint: (!merged.entrypoint.is_empty()).then(|| merged.entrypoint.clone()),
        labels: Some(merged.labels.clone()),
        stop_signal: merged.stop_signal.clone().unwrap_or_default(),
        stop_timeout: asked.stop_timeout_seconds,
        ..ContainerConfig::default()
    }
}

fn healthcheck(
    asked: &engine::model::ContainerConfig,
    merged: Option<&spec::image::Healthcheck>,
) -> Option<HealthcheckConfig> {
    if asked.health == HealthConfig::Disabled {
        return Some(HealthcheckConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..HealthcheckConfig::default()
        });
    }
    let wire = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    merged.map(|check| HealthcheckConfig {
        test: (!check.test.is_empty()).then(|| check.test.clone()),
        interval: wire(check.interval),
        timeout: wire(check.timeout),
        start_period: wire(check.start_period),
        start_interval: wire(check.start_interval),
        retries: wire(check.retries),
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::view;
    use super::*;

    #[test]
    fn what_ended_has_no_process() {
        let document = inspect(&view(State::Exited));
        assert_eq!((document.state.pid, document.state.exit_code, document.state.running), (0, 3, false));
        assert_eq!((document.path.as_str(), document.args.len()), ("/entry", 2));
        let document = inspect(&view(State::Created));
        assert_eq!(document.state.started_at, ZERO_TIME);
    }
}
