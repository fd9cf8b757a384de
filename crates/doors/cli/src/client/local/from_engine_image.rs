//! The engine's images in Docker's words.

use docker_model::{
    ContainerConfig, DriverData, Empty, HealthcheckConfig, ImageInspect, ImageMetadata, RootFs,
};
use engine::image::ImageInfo;
use engine::spec::image::{ExecutionConfig, Healthcheck};

/// `GET /images/{name}/json`.
pub(crate) fn inspect(info: &ImageInfo) -> ImageInspect {
    let document = &info.image.config;
    let last = document.history.last();
    ImageInspect {
        id: info.image.id.to_string(),
        repo_tags: info.tags.iter().map(ids::Reference::familiar).collect(),
        repo_digests: info.digests.iter().map(ids::Reference::familiar).collect(),
        comment: last.and_then(|step| step.comment.clone()).unwrap_or_default(),
        created: document.created.clone().unwrap_or_default(),
        author: document.author.clone().unwrap_or_default(),
        config: config(&document.config),
        architecture: document.architecture.clone(),
        variant: document.variant.clone().unwrap_or_default(),
        os: document.os.clone(),
        size: i64::try_from(info.size).unwrap_or(i64::MAX),
        graph_driver: DriverData { name: "overlay2".to_owned(), data: None },
        root_fs: RootFs {
            kind: "layers".to_owned(),
            layers: document.rootfs.diff_ids.iter().map(ToString::to_string).collect(),
        },
        metadata: ImageMetadata { last_tag_time: added(info) },
        ..ImageInspect::default()
    }
}

/// When it was stored, RFC 3339.
fn added(info: &ImageInfo) -> String {
    jiff::Timestamp::from_nanosecond(info.added.into()).map(|time| time.to_string()).unwrap_or_default()
}

/// When it was made, or stored where its document does not say; seconds since 1970.
pub(crate) fn created_seconds(info: &ImageInfo) -> i64 {
    let made = info.image.config.created.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    made.map_or(info.added / 1_000_000_000, jiff::Timestamp::as_second)
}

fn config(execution: &ExecutionConfig) -> ContainerConfig {
    let filled = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    let set = |keys: &std::collections::BTreeMap<String, engine::spec::image::Empty>| {
        (!keys.is_empty()).then(|| keys.keys().map(|key| (key.clone(), Empty {})).collect())
    };
    ContainerConfig {
        user: execution.user.clone(),
        exposed_ports: set(&execution.exposed_ports),
        env: filled(&execution.env),
        cmd: filled(&execution.cmd),
        healthcheck: execution.healthcheck.as_ref().map(healthcheck),
        volumes: set(&execution.volumes),
        working_dir: execution.working_dir.clone(),
        entrypoint: filled(&execution.entrypoint),
        on_build: filled(&execution.on_build),
        labels: (!execution.labels.is_empty()).then(|| execution.labels.clone()),
        stop_signal: execution.stop_signal.clone().unwrap_or_default(),
        shell: filled(&execution.shell),
        ..ContainerConfig::default()
    }
}

fn healthcheck(check: &Healthcheck) -> HealthcheckConfig {
    let wire = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    HealthcheckConfig {
        test: (!check.test.is_empty()).then(|| check.test.clone()),
        interval: wire(check.interval),
        timeout: wire(check.timeout),
        start_period: wire(check.start_period),
        start_interval: wire(check.start_interval),
        retries: wire(check.retries),
    }
}
