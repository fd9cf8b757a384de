//! From the flags of `run` and `create` to Docker's request: the second step, what was meant.

mod config;
mod flags;
mod health;
mod host;
mod network;
mod refused;
mod security;

pub(crate) use flags::{define, define_run};
pub(crate) use refused::{CREATE_REFUSED, RUN_REFUSED};

use crate::args::Typed;
use crate::failure::Failure;
use docker_model::ContainerCreateRequest;

/// The request that the flags and arguments mean.
pub(crate) fn create_request(typed: &Typed) -> Result<ContainerCreateRequest, Failure> {
    let (network_mode, networking_config) = network::networks(typed)?;
    let mut config = config::container(typed)?;
    let host_config = host::host(typed, network_mode, &mut config)?;
    Ok(ContainerCreateRequest { config, host_config, networking_config })
}

/// A complaint of Docker's that is not about one flag's value: exit code 125.
pub(crate) fn refuse(message: impl Into<String>) -> Failure {
    Failure::new(message).with_code(125)
}
