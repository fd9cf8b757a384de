//! Limits, kernel parameters and other settings of the process and its namespaces.

use super::{Fault, Outcome};
use crate::guard;
use kernel::namespace::{self, Kind, Kinds};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::thread::{CpuSet, sched_setaffinity};
use spec::runtime::Rlimit;
use std::os::fd::{AsFd, BorrowedFd};

/// Sets `lo` up in a new network namespace.
pub(super) fn loopback_up() -> Outcome {
    Ok(kernel::namespace::loopback_up()?)
}

/// Makes a time namespace, sets its clocks, and only then enters it (time_namespaces(7)).
pub(super) fn make_time_namespace(proc: Option<BorrowedFd<'_>>, offsets: &str) -> Outcome {
    namespace::unshare(Kinds::NONE.with(Kind::Time))?;
    if !offsets.is_empty() {
        write_in_proc(proc, None, "self/timens_offsets", offsets)?;
    }
    let made = namespace::open_own_time_for_children()?;
    Ok(namespace::enter(made.as_fd(), Kind::Time)?)
}

/// Restricts the process to these cpus.
pub(super) fn affinity(cpus: &[usize]) -> Outcome {
    let mut set = CpuSet::new();
    cpus.iter().for_each(|cpu| set.set(*cpu));
    Ok(sched_setaffinity(None, &set)?)
}

/// Takes a new session keyring, so that the program does not see the caller's. Kernels without keys have nothing to
/// hide, and a quota that is used up is no reason to keep a container from running.
pub(super) fn keyring() -> Outcome {
    match kernel::settings::new_session_keyring() {
        Ok(()) | Err(Errno::NOSYS | Errno::DQUOT | Errno::PERM) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// Sets one limit; a lenient one as far as it goes.
pub(super) fn rlimit(resource: i32, limit: &Rlimit, lenient: bool) -> Outcome {
    let refusal = match kernel::settings::set_limit(resource, limit.soft, limit.hard) {
        Ok(_) => return Ok(()),
        Err(errno) => errno,
    };
    let (_, ceiling) = kernel::settings::limit(resource)?;
    if lenient {
        let (soft, hard) = (limit.soft.min(ceiling), limit.hard.min(ceiling));
        let _ = kernel::settings::set_limit(resource, soft, hard);
        return Ok(());
    }
    let detail = format!("the hard limit cannot be raised above {ceiling}");
    Err(Fault { errno: refusal, detail: if limit.hard > ceiling { detail } else { String::new() } })
}

fn write_in_proc(
    proc: Option<BorrowedFd<'_>>,
    root: Option<BorrowedFd<'_>>,
    path: &str,
    value: &str,
) -> rustix::io::Result<()> {
    let file = guard::open_setting(proc, root, path, OFlags::WRONLY)?;
    let written = rustix::io::write(file, value.as_bytes())?;
    if written == value.len() { Ok(()) } else { Err(Errno::IO) }
}

/// Writes a kernel parameter of the namespaces that the child is in.
pub(super) fn sysctl(
    proc: Option<BorrowedFd<'_>>,
    root: Option<BorrowedFd<'_>>,
    path: &str,
    value: &str,
) -> Outcome {
    Ok(write_in_proc(proc, root, &format!("sys/{path}"), value)?)
}

/// Sets the OOM score adjustment. A refusal to lower it is passed over where it already is what was asked for.
pub(super) fn oom_score(proc: Option<BorrowedFd<'_>>, score: i32) -> Outcome {
    let file = guard::open_setting(proc, None, "self/oom_score_adj", OFlags::RDWR)?;
    let value = score.to_string();
    match rustix::io::write(&file, value.as_bytes()) {
        Ok(_) => Ok(()),
        Err(refusal) => {
            let mut present = [0; 16];
            let length = rustix::io::pread(&file, &mut present, 0)?;
            if present[..length].trim_ascii() == value.as_bytes() {
                return Ok(());
            }
            let present = String::from_utf8_lossy(&present[..length]).trim_end().to_owned();
            Err(Fault { errno: refusal, detail: format!("it is {present} and cannot be lowered") })
        }
    }
}

/// Sets the label that execve(2) will take.
pub(super) fn label(
    proc: Option<BorrowedFd<'_>>,
    root: Option<BorrowedFd<'_>>,
    file: &str,
    value: &str,
) -> Outcome {
    write_in_proc(proc, root, &format!("self/attr/{file}"), value).map_err(|errno| {
        let detail = match errno {
            Errno::INVAL | Errno::NOENT | Errno::OPNOTSUPP => "no security module here takes it",
            _ => "",
        };
        Fault { errno, detail: detail.to_owned() }
    })
}
