//! A container view for tests.

use engine::model::{ContainerConfig, ContainerPaths, ContainerView, EffectiveConfig};
use engine::{Exited, Started, State};

pub(super) fn view(state: State) -> ContainerView {
    let started = Started {
        boot_id: "b".into(),
        pid: 42,
        start_time_ticks: 1,
        monitor_pid: 41,
        generation: 1,
        started_at: "2026-01-01T00:00:00.000000000Z".into(),
        restart_count: 0,
        paused: false,
    };
    let exited = Exited {
        boot_id: "b".into(),
        exit_code: 3,
        oom_killed: false,
        error: String::new(),
        started_at: started.started_at.clone(),
        finished_at: "2026-01-01T00:01:00.000000000Z".into(),
        restart_count: 0,
        restarting: false,
    };
    let ended = matches!(state, State::Exited | State::Restarting);
    ContainerView {
        id: ids::ContainerId::parse(&"ab".repeat(32)).unwrap(),
        name: ids::ContainerName::parse("web").unwrap(),
        created: "2025-12-31T23:59:00.000000000Z".into(),
        config: ContainerConfig { image: "nginx".into(), ..ContainerConfig::default() },
        image_id: ids::Digest::from_sha256([7; 32]),
        effective: EffectiveConfig {
            entrypoint: vec!["/entry".into()],
            command: vec!["a b".into(), "c".into()],
            ..EffectiveConfig::default()
        },
        state,
        started: (state != State::Created).then_some(started),
        exited: ended.then_some(exited),
        health: None,
        endpoints: Vec::new(),
        ports: Vec::new(),
        mounts: Vec::new(),
        paths: ContainerPaths::default(),
    }
}
