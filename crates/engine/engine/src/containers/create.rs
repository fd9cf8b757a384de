//! Creating a container.
//!
//! One transaction claims name, record and address; then come the file system, the files and, last, the desired
//! document, whose rename is the moment from which the container exists. Killed before that, it is a record without
//! a document under a free operation lock, which whoever meets it removes.

use super::files::{self, FilesError};
use super::host::{self, DeviceError};
use super::layers::Layers;
use super::mounts::{self, MountError};
use super::names;
use super::operation::Operation;
use super::record::{self, Record};
use super::{LookupError, RemoveError};
use crate::Engine;
use crate::documents::{self, FileError};
use crate::images::{ImageError, platform_warning};
use crate::model::{ContainerConfig, EffectiveConfig, NetworkChoice};
use crate::networks::{NetworkError, Planned};
use crate::plan::{self, AccountFiles, PlanError, PlannedMount, RuntimeFiles, Security, SpecificationInput};
use ids::{ContainerId, ContainerName};
use image::{Image, Progress, UnpackError};
use monitor::clock;
use monitor::desired::{Desired, LogPlan, StdioPlan, StopPlan, VERSION};
use monitor::facts::Durability;
use monitor::layout::{ContainerDirectories, data};
use snapshot::SnapshotKey;
use spec::rootfs::Rootfs;
use state::{Inserted, NewContainer, StateError};

/// When an image is pulled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PullPolicy {
    /// When it is not there.
    #[default]
    Missing,
    /// Each time.
    Always,
    /// Never.
    Never,
}

/// How a container is created, besides what it shall be.
#[derive(Clone, Copy, Default)]
pub struct CreateOptions<'a> {
    /// When the image is pulled.
    pub pull: PullPolicy,
    /// Who is told how the pull goes; nobody when absent.
    pub progress: Option<&'a dyn Progress>,
}

impl std::fmt::Debug for CreateOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreateOptions").field("pull", &self.pull).finish_non_exhaustive()
    }
}

/// A new container.
#[derive(Debug, Clone)]
pub struct Created {
    /// Its id.
    pub id: ContainerId,
    /// Its name, made up if none was asked for.
    pub name: ContainerName,
    /// What a person should know, one line each.
    pub warnings: Vec<String>,
}

/// Why a container could not be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The request makes no sense.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Its image cannot be had.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// Its image cannot be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// A device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A mount.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// Its network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A setting of its files.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The name is taken. The words are Docker's.
    #[error(
        "Conflict. The container name \"/{name}\" is already in use by container \"{by}\". You have to remove (or rename) that container to be able to reuse that name."
    )]
    NameInUse {
        /// The name.
        name: ContainerName,
        /// Who has it.
        by: ContainerId,
    },
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file of the container.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its record.
    #[error("cannot write the record of the container")]
    Record(#[source] serde_json::Error),
    /// A container that it refers to.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Something in the way could not be removed.
    #[error(transparent)]
    Remove(Box<RemoveError>),
}

/// How many made-up names are tried.
const NAME_ATTEMPTS: u32 = 32;
/// Account files are read up to this many bytes.
pub(super) const ACCOUNT_FILE_MAX: u64 = 4 << 20;

/// A container that was just created, still in our hands.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(crate) created: Created,
    pub(crate) desired: Desired,
    pub(crate) record: Record,
    pub(crate) directories: ContainerDirectories,
    pub(crate) operation: Operation,
}

/// What was decided before anything was made.
struct Draft {
    id: ContainerId,
    config: ContainerConfig,
    effective: EffectiveConfig,
    image: Image,
    mounts: Vec<PlannedMount>,
    network: Planned,
    durability: Durability,
    by_run: bool,
}

impl Engine {
    /// Creates a container; on return it survives a loss of power, unless it is `auto_remove`.
    ///
    /// # Errors
    /// See [`CreateError`]; nothing is left then.
    pub fn create(
        &self,
        config: ContainerConfig,
        options: CreateOptions<'_>,
    ) -> Result<Created, CreateError> {
        self.create_fresh(config, options, false).map(|fresh| fresh.created)
    }

    /// The same, keeping the container in our hands; with `by_run`, the caller starts it at once.
    pub(crate) fn create_fresh(
        &self,
        config: ContainerConfig,
        options: CreateOptions<'_>,
        by_run: bool,
    ) -> Result<Fresh, CreateError> {
        let draft = Draft { by_run, ..self.draft(config, options)? };
        let directories = self.directories(&draft.id);
        let operation = Operation::begin(&directories)?;
        let mut made = Made::default();
        match self.build(draft, &directories, &mut made) {
            Ok((created, desired, record)) => {
                self.event_created(&created, &desired);
                Ok(Fresh { created, desired, record, directories, operation })
            }
            Err(error) => {
                // What cannot be undone now is found by `system check`; the first error is the one to tell.
                let _ = self.discard(&made, &directories);
                Err(error)
            }
        }
    }

    fn draft(&self, config: ContainerConfig, options: CreateOptions<'_>) -> Result<Draft, CreateError> {
        let image = self.image_for(&config, &options)?;
        let execution = &image.config.config;
        let id = ContainerId::random();
        let default_hostname = match config.network {
            NetworkChoice::Host => files::host_name(),
            _ => id.short().to_owned(),
        };
        let effective = plan::effective(&config, execution, &default_hostname)?;
        let mut mounts = plan::planned_mounts(&config.mounts)?;
        plan::image_volumes(&mut mounts, execution);
        mounts::name_volumes(&mut mounts, &self.context().roots.data);
        let network = self.plan_network(&config)?;
        let durability = if config.auto_remove { Durability::Process } else { Durability::Power };
        Ok(Draft { id, config, effective, image, mounts, network, durability, by_run: false })
    }

    /// Makes everything, in the order in which it can be undone.
    fn build(
        &self,
        draft: Draft,
        directories: &ContainerDirectories,
        made: &mut Made,
    ) -> Result<(Created, Desired, Record), CreateError> {
        let ports = plan::requested(
            &draft.config.publish,
            draft.config.publish_all,
            &draft.effective.exposed_ports,
            self.context().config.ip,
        );
        let mut record = Record {
            version: record::VERSION,
            config: draft.config.clone(),
            effective: draft.effective.clone(),
            mounts: plan::mount_views(&draft.mounts),
            ports,
            by_run: draft.by_run,
            endpoint: draft.network.endpoint_id(),
        };
        made.id = Some(draft.id.clone());
        let (name, network) = self.claim(&draft, &mut record)?;
        made.endpoint.clone_from(&record.endpoint);
        made.volumes = mounts::fresh_anonymous(&draft.mounts);
        documents::make_directory(&directories.data)?;
        let key = snapshot_key(&draft.id);
        let durable = match draft.durability {
            Durability::Power => snapshot::Durability::Durable,
            Durability::Process => snapshot::Durability::Volatile,
        };
        let rootfs = self.images()?.prepare(&draft.image, &key, durable)?;
        self.fill_mounts(&draft.mounts, &rootfs)?;
        let mut warnings = draft.network.write_files(
            &network,
            &draft.effective,
            &draft.config,
            directories,
            draft.durability,
        )?;
        let (desired, more) = self.desired(&draft, &name, network, rootfs, directories)?;
        warnings.extend(more);
        warnings.extend(platform_warning(&draft.image, &draft.config));
        documents::write_desired(directories, &desired, draft.durability)?;
        Ok((Created { id: draft.id, name, warnings }, desired, record))
    }

    /// The one transaction: record, name, address, volumes.
    fn claim(
        &self,
        draft: &Draft,
        record: &mut Record,
    ) -> Result<(ContainerName, monitor::desired::NetworkPlan), CreateError> {
        let durability = match draft.durability {
            Durability::Power => state::Durability::Power,
            Durability::Process => state::Durability::Process,
        };
        let bytes = serde_json::to_vec(record).map_err(CreateError::Record)?;
        let created = clock::now_ns();
        self.repair_name_holder(draft.config.name.as_ref())?;
        self.database()?.write(durability, |writer| {
            let mut attempt = 0;
            let name = loop {
                let name = draft.config.name.clone().unwrap_or_else(|| names::random(attempt));
                let inserted = writer.insert_container(&NewContainer {
                    id: &draft.id,
                    namespace: &self.context().namespace,
                    name: &name,
                    created,
                    image: &draft.image.id,
                    record: &bytes,
                })?;
                attempt += 1;
                match inserted {
                    Inserted::Done => break name,
                    Inserted::NameTaken(_) if draft.config.name.is_none() && attempt < NAME_ATTEMPTS => {}
                    Inserted::NameTaken(by) => return Err(CreateError::NameInUse { name, by }),
                }
            };
            mounts::claim_volumes(writer, &draft.id, &draft.mounts, created)?;
            let network = draft.network.claim(writer, &draft.config, &name)?;
            Ok((name, network))
        })
    }

    /// A half-made or half-removed container must not keep its name.
    fn repair_name_holder(&self, name: Option<&ContainerName>) -> Result<(), CreateError> {
        let Some(name) = name else { return Ok(()) };
        let namespace = &self.context().namespace;
        let Some(id) = self.database()?.read(|reader| reader.container_named(namespace, name.as_str()))?
        else {
            return Ok(());
        };
        self.finish_removal(&id).map_err(|error| CreateError::Remove(Box::new(error)))?;
        Ok(())
    }

    fn desired(
        &self,
        draft: &Draft,
        name: &ContainerName,
        network: monitor::desired::NetworkPlan,
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
        let (spec, warnings) = plan::specification(&SpecificationInput {
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
            facts: &host::facts(config),
        })?;
        let desired = Desired {
            version: VERSION,
            generation: 1,
            id: draft.id.clone(),
            sandbox: draft.id.clone().into(),
            name: name.to_string(),
            image: config.image.clone(),
            network,
            cgroup_path: format!("sampan-{}/{}", context.instance, draft.id),
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

/// What has been made so far, for undoing.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) id: Option<ContainerId>,
    pub(crate) endpoint: Option<ids::EndpointId>,
    pub(crate) volumes: Vec<ids::VolumeName>,
}

/// The key of a container's file system: its id.
pub(crate) fn snapshot_key(id: &ContainerId) -> SnapshotKey {
    SnapshotKey::parse(id.as_str()).expect("64 hexadecimal digits are a valid key")
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
