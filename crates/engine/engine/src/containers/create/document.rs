//! The desired document of a new container.

use super::super::layers::Layers;
use super::super::{files, host};
use super::{CreateError, Draft};
use crate::Engine;
use crate::documents::FileError;
use crate::model::{ContainerConfig, EffectiveConfig};
use crate::plan::{self, AccountFiles, PlanError, RuntimeFiles, Security, SpecificationInput};
use ids::{ContainerId, ContainerName};
use monitor::desired::{Desired, LogPlan, NetworkPlan, StdioPlan, StopPlan, VERSION};
use monitor::layout::{ContainerDirectories, data};
use spec::rootfs::Rootfs;

/// Account files are read up to this many bytes.
pub(crate) const ACCOUNT_FILE_MAX: u64 = 4 << 20;

impl Engine {
    /// The document, and warnings.
    pub(super) fn desired(
        &self,
        draft: &Draft,
        name: &ContainerName,
        network: NetworkPlan,
        rootfs: Rootfs,
        directories: &ContainerDirectories,
    ) -> Result<(Desired, Vec<String>), CreateError> {
        let (config, effective, context) = (&draft.config, &draft.effective, self.context());
        let account = lookup_account(&rootfs, &effective.user, &config.group_add)?;
        let capabilities = plan::capability_set(config.privileged, &config.cap_add, &config.cap_drop)?;
        let mut security = Security::parse(&config.security_opt, config.privileged, &capabilities)?;
        if security.apparmor.is_some() && !host::has_apparmor() {
            security.disregard_apparmor();
        }
        let devices = host::devices(config)?;
        let runtime_files = RuntimeFiles {
            resolv_conf: directories.data.join(files::RESOLV_CONF),
            hostname: directories.data.join(files::HOSTNAME),
            hosts: directories.data.join(files::HOSTS),
        };
        let init = (config.init || context.config.init).then(|| self.init_program()).transpose()?;
        let (mut spec, warnings) = plan::specification(&SpecificationInput {
            config,
            effective,
            account: &account,
            mounts: &draft.mounts,
            files: &runtime_files,
            devices: &devices,
            security: &security,
            init: init.as_deref(),
            default_ulimits: &context.config.ulimits(),
            default_shm_size: context.config.default_shm_size,
            shared_shm: draft.ipc.shm.as_deref(),
            facts: &host::facts(config),
        })?;
        if let Some(resources) = spec.linux.as_mut().and_then(|linux| linux.resources.as_mut()) {
            host::limit_devices(resources, &config.resources)?;
        }
        let desired = Desired {
            version: VERSION,
            generation: 1,
            id: draft.id.clone(),
            sandbox: draft.id.clone().into(),
            name: name.to_string(),
            image: config.image.clone(),
            network,
            pid_of: draft.pid_of.clone(),
            ipc: draft.ipc.plan.clone(),
            cgroup_path: cgroup_path(config, &context.instance, &draft.id)?,
            rootfs,
            spec,
            seccomp: security.seccomp,
            stdio: StdioPlan {
                terminal: config.tty,
                open_stdin: config.open_stdin,
                stdin_once: config.stdin_once,
            },
            log: self.log_plan(config, directories)?,
            restart: config.restart,
            health: plan::health_plan(effective.healthcheck.as_ref(), &draft.image.config.config.shell)?,
            stop: stop_plan(config, effective)?,
            auto_remove: config.auto_remove,
            reaper: self.reaper(&draft.id),
        };
        Ok((desired, warnings))
    }

    fn log_plan(
        &self,
        config: &ContainerConfig,
        directories: &ContainerDirectories,
    ) -> Result<LogPlan, PlanError> {
        let host = &self.context().config;
        let driver = config.log_driver.as_deref().unwrap_or(&host.log_driver);
        // Options of the host file belong to its driver.
        let mut options = if driver == host.log_driver { host.log_opts.clone() } else { Default::default() };
        options.extend(config.log_options.clone());
        plan::log_plan(driver, &options, &directories.data.join(data::LOG))
    }

    fn reaper(&self, id: &ContainerId) -> Vec<String> {
        let context = self.context();
        let path = |path: &std::path::Path| path.display().to_string();
        vec![
            path(&context.programs.sampan),
            "--data-root".into(),
            path(&context.roots.data),
            "--exec-root".into(),
            path(&context.roots.exec),
            "system".into(),
            "reap".into(),
            id.to_string(),
        ]
    }
}

/// Below the instance's group, or the one that was asked for.
fn cgroup_path(
    config: &ContainerConfig,
    instance: &ids::InstanceId,
    id: &ContainerId,
) -> Result<String, PlanError> {
    let Some(parent) = &config.cgroup_parent else { return Ok(format!("sampan-{instance}/{id}")) };
    let path = format!("{}/{id}", parent.trim_matches('/'));
    match cgroup::GroupPath::parse(&path) {
        Ok(path) => Ok(path.to_string()),
        Err(error) => Err(PlanError::Limit(format!("invalid cgroup-parent {parent:?}: {error}"))),
    }
}

fn stop_plan(config: &ContainerConfig, effective: &EffectiveConfig) -> Result<StopPlan, PlanError> {
    let signal = match effective.stop_signal.as_deref().filter(|text| !text.is_empty()) {
        None => plan::signals::TERM,
        Some(text) => {
            plan::signals::parse(text).ok_or_else(|| PlanError::Signal { text: text.to_owned() })?
        }
    };
    Ok(StopPlan { signal, timeout_seconds: config.stop_timeout_seconds.unwrap_or(STOP_TIMEOUT_SECONDS) })
}

/// Seconds until SIGKILL when nobody says (docker-stop(1)).
const STOP_TIMEOUT_SECONDS: i64 = 10;

/// Who the process runs as, by the image's own files.
fn lookup_account(rootfs: &Rootfs, user: &str, group_add: &[String]) -> Result<plan::Account, CreateError> {
    let failed = |source| FileError { action: "read the accounts of", path: "the image".into(), source };
    let mut files = AccountFiles::default();
    if let Some(layers) = Layers::open(rootfs).map_err(failed)? {
        let read = |path: &str| {
            let bytes = layers.read(path, ACCOUNT_FILE_MAX).map_err(failed)?;
            Ok::<_, FileError>(String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned())
        };
        files = AccountFiles { passwd: read("/etc/passwd")?, group: read("/etc/group")? };
    }
    Ok(plan::lookup_user(user, group_add, &files)?)
}
