//! Why a container could not be created.

use super::super::{DeviceError, FilesError, LookupError, MountError, RemoveError};
use crate::documents::FileError;
use crate::images::ImageError;
use crate::networks::NetworkError;
use crate::plan::PlanError;
use ids::{ContainerId, ContainerName};
use image::UnpackError;
use state::StateError;

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
