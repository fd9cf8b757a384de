//! `--ipc`: with whom a container shares memory and queues.

use super::CreateError;
use crate::Engine;
use crate::documents;
use crate::model::{ContainerConfig, IpcChoice};
use crate::plan::PlanError;
use ids::ContainerId;
use monitor::desired::IpcPlan;
use monitor::layout::exec;
use std::path::PathBuf;

/// Namespace and `/dev/shm`.
#[derive(Debug, Default)]
pub(super) struct Ipc {
    pub(super) plan: IpcPlan,
    /// Where its `/dev/shm` is on the host, when it is not its own alone.
    pub(super) shm: Option<PathBuf>,
}

impl Engine {
    pub(super) fn plan_ipc(&self, id: &ContainerId, config: &ContainerConfig) -> Result<Ipc, CreateError> {
        match &config.ipc {
            IpcChoice::Private | IpcChoice::None => Ok(Ipc::default()),
            IpcChoice::Host => Ok(Ipc { shm: Some(PathBuf::from(HOST_SHM)), ..Ipc::default() }),
            IpcChoice::Shareable => {
                let shm_size = config.shm_size.unwrap_or(self.context().config.default_shm_size);
                Ok(Ipc { plan: IpcPlan::Shareable { shm_size }, shm: Some(self.shm_of(id)) })
            }
            IpcChoice::Container(donor) => self.join_ipc(donor),
        }
    }

    fn join_ipc(&self, donor: &str) -> Result<Ipc, CreateError> {
        let id = self.find(donor)?;
        let shm = match self.read_container(donor)?.record.config.ipc {
            IpcChoice::Private | IpcChoice::None => None,
            IpcChoice::Host => Some(PathBuf::from(HOST_SHM)),
            IpcChoice::Shareable => Some(self.shm_of(&id)),
            // What somebody has joined can be joined there, too.
            IpcChoice::Container(_) => {
                match documents::read_desired(&self.directories(&id))?.map(|desired| desired.ipc) {
                    Some(IpcPlan::Container { shm, .. }) => Some(shm),
                    _ => None,
                }
            }
        };
        let shm = shm.ok_or_else(|| PlanError::NotShareable { container: donor.to_owned() })?;
        Ok(Ipc { plan: IpcPlan::Container { id, shm: shm.clone() }, shm: Some(shm) })
    }

    fn shm_of(&self, id: &ContainerId) -> PathBuf {
        self.directories(id).exec.join(exec::SHM)
    }
}

const HOST_SHM: &str = "/dev/shm";
