//! Creating a container.
//!
//! One transaction claims name, record and address; then come the file system, the files and, last, the desired
//! document, whose rename is the moment from which the container exists. Killed before that, it is a record without
//! a document under a free operation lock, which whoever meets it removes.

mod document;
mod error;
mod ipc;
mod volumes_from;

pub(crate) use document::ACCOUNT_FILE_MAX;
pub use error::CreateError;

use super::files;
use super::host;
use super::mounts;
use super::names;
use super::operation::Operation;
use super::record::{self, Record};
use crate::Engine;
use crate::documents;
use crate::images::platform_warning;
use crate::model::{ContainerConfig, EffectiveConfig, NetworkChoice, PidChoice};
use crate::networks::Planned;
use crate::plan::{self, PlannedMount, RequestedPort};
use ids::{ContainerId, ContainerName};
use image::{Image, Progress};
use monitor::clock;
use monitor::desired::{Desired, NetworkPlan};
use monitor::facts::Durability;
use monitor::layout::ContainerDirectories;
use snapshot::SnapshotKey;
use state::{Inserted, NewContainer};

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

/// How many made-up names are tried.
const NAME_ATTEMPTS: u32 = 32;

/// A container that was just created, still in our hands.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(crate) created: Created,
    pub(crate) desired: Desired,
    pub(crate) record: Record,
    pub(crate) directories: ContainerDirectories,
    pub(crate) operation: Operation,
}

/// What the transaction gave.
struct Claimed {
    name: ContainerName,
    network: NetworkPlan,
    /// Volumes that are new.
    volumes: Vec<ids::VolumeName>,
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
    /// Of what was asked and dropped.
    warnings: Vec<String>,
    /// Whose processes it sees.
    pid_of: Option<ContainerId>,
    /// With whom it shares memory and queues.
    ipc: ipc::Ipc,
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

    fn draft(&self, mut config: ContainerConfig, options: CreateOptions<'_>) -> Result<Draft, CreateError> {
        let image = self.image_for(&config, &options)?;
        let execution = &image.config.config;
        let id = ContainerId::random();
        let default_hostname = match &config.network {
            _ if config.host_uts => files::host_name(),
            NetworkChoice::Host => files::host_name(),
            NetworkChoice::Container(other) => self.read_container(other)?.record.effective.hostname,
            _ => id.short().to_owned(),
        };
        let effective = plan::effective(&config, execution, &default_hostname)?;
        let mut mounts = plan::planned_mounts(&self.with_volumes_from(&config)?)?;
        plan::image_volumes(&mut mounts, execution);
        mounts::check(&mounts)?;
        mounts::name_volumes(&mut mounts, &self.context().roots.data);
        let network = self.plan_network(&config)?;
        let durability = if config.auto_remove { Durability::Process } else { Durability::Power };
        let warnings = plan::discard_unsupported(&mut config.resources, host::is_unified());
        let pid_of = match &config.pid {
            PidChoice::Container(other) => Some(self.find(other)?),
            PidChoice::Private | PidChoice::Host => None,
        };
        let ipc = self.plan_ipc(&id, &config)?;
        Ok(Draft {
            id,
            config,
            effective,
            image,
            mounts,
            network,
            durability,
            by_run: false,
            warnings,
            pid_of,
            ipc,
        })
    }

    /// Makes everything, in the order in which it can be undone.
    fn build(
        &self,
        draft: Draft,
        directories: &ContainerDirectories,
        made: &mut Made,
    ) -> Result<(Created, Desired, Record), CreateError> {
        let (ports, more) = self.requested_ports(&draft);
        let mut warnings = draft.warnings.clone();
        warnings.extend(more);
        let record = Record {
            version: record::VERSION,
            config: draft.config.clone(),
            effective: draft.effective.clone(),
            mounts: plan::mount_views(&draft.mounts),
            ports,
            by_run: draft.by_run,
            endpoints: draft.network.endpoint_ids(),
        };
        made.id = Some(draft.id.clone());
        made.endpoints.clone_from(&record.endpoints);
        let Claimed { name, network, volumes } = self.claim(&draft, &record)?;
        made.volumes = volumes;
        documents::make_directory(&directories.data)?;
        let key = snapshot_key(&draft.id);
        let durable = match draft.durability {
            Durability::Power => snapshot::Durability::Durable,
            Durability::Process => snapshot::Durability::Volatile,
        };
        let rootfs = self.images()?.prepare(&draft.image, &key, durable)?;
        self.fill_mounts(&draft.mounts, &rootfs)?;
        warnings.extend(draft.network.write_files(
            &network,
            &draft.effective,
            &draft.config,
            directories,
            draft.durability,
        )?);
        let (desired, more) = self.desired(&draft, &name, network, rootfs, directories)?;
        warnings.extend(more);
        warnings.extend(platform_warning(&draft.image, &draft.config));
        documents::write_desired(directories, &desired, draft.durability)?;
        Ok((Created { id: draft.id, name, warnings }, desired, record))
    }

    /// Ports to publish at each start, where the network has any; warnings.
    fn requested_ports(&self, draft: &Draft) -> (Vec<RequestedPort>, Vec<String>) {
        let (config, exposed) = (&draft.config, &draft.effective.exposed_ports);
        let host_ip = draft.network.host_binding().flatten().unwrap_or(self.context().config.ip);
        let ports = plan::requested(&config.publish, config.publish_all, exposed, host_ip);
        if draft.network.host_binding().is_some() || ports.is_empty() {
            return (ports, Vec::new());
        }
        let mode = match config.network {
            NetworkChoice::Host => "host",
            NetworkChoice::None => "none",
            _ => "internal",
        };
        let warning = format!("Published ports are discarded when using {mode} network mode");
        (Vec::new(), vec![warning])
    }

    /// The one transaction: record, name, address, volumes.
    fn claim(&self, draft: &Draft, record: &Record) -> Result<Claimed, CreateError> {
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
            let volumes = mounts::claim_volumes(writer, &draft.id, &draft.mounts, created)?;
            let network = draft.network.claim(writer)?;
            Ok(Claimed { name, network, volumes })
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
}

/// What has been made so far, for undoing.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) id: Option<ContainerId>,
    pub(crate) endpoints: Vec<ids::EndpointId>,
    pub(crate) volumes: Vec<ids::VolumeName>,
}

/// The key of a container's file system: its id.
pub(crate) fn snapshot_key(id: &ContainerId) -> SnapshotKey {
    SnapshotKey::parse(id.as_str()).expect("64 hexadecimal digits are a valid key")
}
