//! Making a child through a process in between, where user namespaces meet existing namespaces.
//!
//! New namespaces belong to the user namespace of their maker, so a container that joins a user namespace must have its
//! others made by somebody in there; and from a new user namespace nobody can enter what belongs to the host. The
//! process in between enters what exists, makes the child as its own sibling (`CLONE_PARENT`), tells its number, ends.

use crate::created::give_up;
use crate::error::{Cause, LaunchError, StepKind};
use kernel::namespace::{self, Kind};
use kernel::process::{self, Child, CloneOptions, clone_child};
use kernel::{seqpacket, signal};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd};

/// What the process in between says.
const MADE: u8 = b'm';
const REFUSED: u8 = b'e';

/// Enters `namespaces` and makes a child there; the caller is its parent.
///
/// # Errors
/// [`LaunchError::Host`] with the namespace that cannot be entered, or [`LaunchError::Clone`].
pub(crate) fn clone_through(
    namespaces: &[(Kind, BorrowedFd<'_>)],
    options: &CloneOptions<'_>,
    child: impl FnOnce() -> i32,
) -> Result<Child, LaunchError> {
    let fail = |errno| LaunchError::Clone { source: Cause(errno) };
    let (ours, theirs) = seqpacket::pair().map_err(fail)?;
    let mut kept = options.keep.to_vec();
    kept.extend(namespaces.iter().map(|(_, fd)| *fd));
    kept.extend(options.cgroup);
    kept.push(theirs.as_fd());
    let between = CloneOptions { keep: &kept, keep_first: options.keep_first, ..CloneOptions::default() };
    let mask = signal::set_mask(signal::Set::ALL).map_err(fail)?;
    let made = clone_child(&between, || {
        let message = match enter(namespaces) {
            Err((kind, errno)) => message(REFUSED, errno.raw_os_error(), kind.proc_name()),
            Ok(()) => match clone_child(&CloneOptions { sibling: true, ..*options }, child) {
                Ok(child) => message(MADE, child.pid, ""),
                Err(errno) => message(REFUSED, errno.raw_os_error(), ""),
            },
        };
        i32::from(seqpacket::send(theirs.as_fd(), &message, &[]).is_err())
    });
    let restored = signal::set_mask(mask);
    let between = made.map_err(fail)?;
    drop(theirs);
    let mut buffer = [0; 64];
    let heard = seqpacket::receive(ours.as_fd(), &mut buffer);
    // It has nothing more to do, and ends by itself.
    let _ = process::reap(between.pidfd.as_fd());
    let child = understand(&buffer[..heard.map_err(fail)?.0])?;
    match restored {
        Ok(_) => Ok(child),
        Err(errno) => {
            give_up(&child);
            Err(fail(errno))
        }
    }
}

fn message(tag: u8, number: i32, word: &str) -> Vec<u8> {
    [&[tag], &number.to_le_bytes()[..], word.as_bytes()].concat()
}

fn understand(bytes: &[u8]) -> Result<Child, LaunchError> {
    let fail = |errno| LaunchError::Clone { source: Cause(errno) };
    let (tag, rest) = bytes.split_first().ok_or_else(|| fail(Errno::CHILD))?;
    let (number, word) = rest.split_first_chunk::<4>().ok_or_else(|| fail(Errno::PROTO))?;
    let number = i32::from_le_bytes(*number);
    match (*tag, word) {
        // Our own child, which nobody has reaped: the number is still its own.
        (MADE, _) => process::pidfd_open(number).map(|pidfd| Child { pid: number, pidfd }).map_err(fail),
        (REFUSED, b"") => Err(fail(Errno::from_raw_os_error(number))),
        (REFUSED, kind) => Err(LaunchError::Host {
            step: StepKind::Namespaces,
            object: format!("({})", String::from_utf8_lossy(kind)),
            source: Cause(Errno::from_raw_os_error(number)),
        }),
        _ => Err(fail(Errno::PROTO)),
    }
}

/// Enters all of them: first with the rights of the caller, and what those do not reach with the rights inside the
/// user namespace.
fn enter(namespaces: &[(Kind, BorrowedFd<'_>)]) -> Result<(), (Kind, Errno)> {
    let mut refused = Vec::new();
    for (kind, fd) in namespaces.iter().filter(|(kind, _)| *kind != Kind::User) {
        match namespace::enter(*fd, *kind) {
            Ok(()) => {}
            Err(Errno::PERM) => refused.push((*kind, *fd)),
            Err(errno) => return Err((*kind, errno)),
        }
    }
    let user = namespaces.iter().find(|(kind, _)| *kind == Kind::User);
    for (kind, fd) in user.copied().into_iter().chain(refused) {
        namespace::enter(fd, kind).map_err(|errno| (kind, errno))?;
    }
    Ok(())
}
