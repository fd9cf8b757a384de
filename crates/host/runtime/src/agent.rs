//! The seccomp agent: who decides about the calls that a filter asks about (config-linux.md, "Seccomp",
//! "The Container Process State").

use crate::error::{Cause, LaunchError, StepKind};
use crate::hooks::{HookState, StateDocument};
use crate::launch::{HookContext, Launch};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType,
};
use serde::Serialize;
use spec::runtime::Spec;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::path::Path;

/// Where the agent listens and what it is told.
#[derive(Clone, Copy)]
pub(crate) struct Agent<'a> {
    spec: &'a Spec,
    context: HookContext<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProcessState<'a> {
    oci_version: &'a str,
    fds: [&'a str; 1],
    pid: i32,
    #[serde(skip_serializing_if = "str::is_empty")]
    metadata: &'a str,
    state: StateDocument<'a>,
}

impl<'a> Agent<'a> {
    /// The agent of the spec's `linux.seccomp.listenerPath`.
    pub(crate) fn of(launch: &Launch<'a>) -> Self {
        let context = launch.hooks.unwrap_or(HookContext { id: "", bundle: Path::new("") });
        Agent { spec: launch.spec, context }
    }

    /// Sends the listener with the container's state.
    ///
    /// # Errors
    /// [`LaunchError::Host`] with the agent's path.
    pub(crate) fn hand_over(self, pid: i32, listener: BorrowedFd<'_>) -> Result<(), LaunchError> {
        let section = self.spec.linux.as_ref().and_then(|linux| linux.seccomp.as_ref());
        let path = section.and_then(|section| section.listener_path.as_deref()).unwrap_or(Path::new(""));
        let metadata = section.map_or("", |section| section.listener_metadata.as_str());
        let HookContext { id, bundle } = self.context;
        let state = HookState { id, bundle, pid, status: "creating", spec: self.spec };
        let document = ProcessState {
            oci_version: &self.spec.oci_version,
            fds: ["seccompFd"],
            pid,
            metadata,
            state: state.document(),
        };
        let bytes = serde_json::to_vec(&document).unwrap_or_default();
        send(path, &bytes, listener).map_err(|errno| LaunchError::Host {
            step: StepKind::Seccomp,
            object: format!("with the agent at {}", path.display()),
            source: Cause(errno),
        })
    }
}

fn send(path: &Path, bytes: &[u8], listener: BorrowedFd<'_>) -> rustix::io::Result<()> {
    let address = SocketAddrUnix::new(path)?;
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    rustix::net::connect(&socket, &address)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let fds = [listener];
    if !ancillary.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(Errno::NOBUFS);
    }
    let sent = rustix::net::sendmsg(&socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL)?;
    let mut rest = &bytes[sent..];
    while !rest.is_empty() {
        let sent = rustix::net::send(&socket, rest, SendFlags::NOSIGNAL)?;
        rest = &rest[sent..];
    }
    Ok(())
}
