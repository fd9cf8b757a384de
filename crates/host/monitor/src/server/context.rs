//! The launch context: whatever a caller's shell looks like, a monitor and the containers below it get what a daemon of
//! the system would have given them.
//!
//! Docker's containers inherit from dockerd and containerd, whose units take systemd's defaults and lift the bounds on
//! core files and processes; those are the values here. Without the right to raise a limit or a priority what can be
//! had is taken: a container that asks for more is refused by the runtime, which says so.

use kernel::settings::{self, SchedulerAttributes};
use kernel::{process, signal};
use rustix::io::Errno;
use rustix::process::Pid;
use std::os::fd::OwnedFd;

/// SIGCHLD of signal(7).
const CHILD_CHANGED: i32 = 17;
/// No limit (`RLIM64_INFINITY`).
const NONE: u64 = u64::MAX;

/// Numbers of asm-generic/resource.h with soft and hard values; what is missing (`RLIMIT_SIGPENDING`) the kernel sizes by
/// the machine's memory.
const LIMITS: [(i32, u64, u64); 15] = [
    (0, NONE, NONE),        // CPU
    (1, NONE, NONE),        // FSIZE
    (2, NONE, NONE),        // DATA
    (3, 8 << 20, NONE),     // STACK
    (4, NONE, NONE),        // CORE: LimitCORE=infinity of both units
    (5, NONE, NONE),        // RSS
    (6, NONE, NONE),        // NPROC: LimitNPROC=infinity of both units
    (7, 1024, 524_288),     // NOFILE: systemd's default, Docker's since 25
    (8, 8 << 20, 8 << 20),  // MEMLOCK: the kernel's since 5.16
    (9, NONE, NONE),        // AS
    (10, NONE, NONE),       // LOCKS
    (12, 819_200, 819_200), // MSGQUEUE
    (13, 0, 0),             // NICE
    (14, 0, 0),             // RTPRIO
    (15, NONE, NONE),       // RTTIME
];

/// Nothing of the caller's shell stays: session, directory, mask, signals, limits, priorities. Returns the descriptor on
/// which ended children are told.
///
/// # Errors
/// When the directory, the role of a subreaper or the signals cannot be had; the rest is best effort.
pub(super) fn normalise() -> rustix::io::Result<OwnedFd> {
    // Fails only for a process group leader, which a freshly spawned program is not.
    let _ = rustix::process::setsid();
    rustix::process::chdir("/")?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    process::become_subreaper()?;
    LIMITS.iter().for_each(|limit| set_limit(*limit));
    reset_scheduling();
    signal::set_mask(signal::Set::ALL)?;
    signal::open(signal::Set::NONE.with(CHILD_CHANGED))
}

fn set_limit((resource, soft, hard): (i32, u64, u64)) {
    if settings::set_limit(resource, soft, hard) != Err(Errno::PERM) {
        return;
    }
    if let Ok((_, ceiling)) = settings::limit(resource) {
        // The most that can be had without CAP_SYS_RESOURCE.
        let _ = settings::set_limit(resource, soft.min(ceiling), hard.min(ceiling));
    }
}

/// Policy, niceness, I/O priority, processors, execution domain and the memory killer's score. Each refusal is that of a
/// caller who was bounded by somebody with more rights, which is to stay so.
fn reset_scheduling() {
    let _ = settings::set_scheduler(SchedulerAttributes::default());
    let _ = settings::set_io_priority(0, 0);
    // The processors that the system gives its services (isolcpus, CPUAffinity= of systemd).
    if let Ok(processors) = rustix::thread::sched_getaffinity(Some(Pid::INIT)) {
        let _ = rustix::thread::sched_setaffinity(None, &processors);
    }
    let _ = settings::set_personality(0);
    let _ = std::fs::write("/proc/self/oom_score_adj", "0");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_cannot_be_raised_is_taken_as_far_as_it_goes() {
        // Core files: nobody minds in a test.
        const CORE: i32 = 4;
        let (soft, hard) = settings::limit(CORE).unwrap();
        set_limit((CORE, 0, hard));
        assert_eq!(settings::limit(CORE).unwrap(), (0, hard));
        set_limit((CORE, soft, hard));
        assert_eq!(settings::limit(CORE).unwrap(), (soft, hard));
    }
}
