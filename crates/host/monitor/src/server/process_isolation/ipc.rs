//! IPC namespaces and `/dev/shm` that containers share.

use super::{ProcessIsolation, errno_failure};
use crate::desired::{Desired, IpcPlan};
use crate::server::isolation::Failure;
use crate::shm;
use kernel::namespace::{Kind, Kinds};

impl ProcessIsolation {
    /// Joins another container's namespace instead of making one, if that is planned.
    pub(super) fn join_ipc(&mut self, desired: &Desired, make: &mut Kinds) -> Result<(), Failure> {
        let IpcPlan::Container { id, shm } = &desired.ipc else { return Ok(()) };
        let joined = self.namespace_of(id, "ipc", "IPC namespace")?;
        if !shm::is_mounted(shm) {
            return Err(Failure::state(format!(
                "cannot join the IPC namespace of container {}: its /dev/shm is not mounted at {}; start both from one mount namespace",
                id.short(),
                shm.display()
            )));
        }
        *make = make.without(Kind::Ipc);
        self.namespaces.push((Kind::Ipc, joined));
        Ok(())
    }

    /// Mounts the file system that others may share.
    pub(super) fn make_shm(&mut self, desired: &Desired) -> Result<(), Failure> {
        let IpcPlan::Shareable { shm_size } = desired.ipc else { return Ok(()) };
        self.adopt_shm(desired);
        let Some(directory) = &self.shared else { return Ok(()) };
        shm::make(directory, shm_size)
            .map_err(|errno| errno_failure("mount the container's shared memory", errno))
    }

    /// Takes over what another monitor mounted.
    pub(super) fn adopt_shm(&mut self, desired: &Desired) {
        if matches!(desired.ipc, IpcPlan::Shareable { .. }) {
            self.shared = Some(self.siblings.join(desired.id.as_str()));
        }
    }

    /// Takes it away; what failed.
    pub(super) fn release_shm(&mut self) -> Option<String> {
        let released = self.shared.take().map(|directory| shm::release(&directory));
        let errno = released?.err()?;
        Some(errno_failure("unmount the container's shared memory", errno).message)
    }
}
