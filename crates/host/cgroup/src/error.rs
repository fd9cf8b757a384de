//! What can go wrong with a control group.

use crate::Controller;
use rustix::io::Errno;
use std::path::PathBuf;

/// An operation on control groups failed.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// The kernel's list of mounts or of hierarchies could not be read.
    #[error("cannot read {file}")]
    Detect {
        /// `/proc/self/mountinfo` or `/proc/self/cgroup`.
        file: &'static str,
        /// Why.
        #[source]
        source: Errno,
    },
    /// Nothing to work with.
    #[error("no cgroup file system is mounted; mount cgroup2 at /sys/fs/cgroup")]
    NotMounted,
    /// A group's path breaks a rule.
    #[error("invalid cgroup path {path:?}: {rule}")]
    InvalidPath {
        /// As it came.
        path: String,
        /// In words.
        rule: &'static str,
    },
    /// A limit was asked for that needs a controller which this kernel does not offer here.
    #[error(
        "{setting} needs the {controller} cgroup controller, which is not mounted or not enabled; remove the limit \
         or enable the controller"
    )]
    MissingController {
        /// The controller.
        controller: Controller,
        /// What was asked for, by the runtime specification's name.
        setting: String,
    },
    /// A limit was asked for that needs a file which this kernel's controller does not have.
    #[error("{setting} is not supported by this kernel: {} does not exist", file.display())]
    MissingFile {
        /// What was asked for, by the runtime specification's name.
        setting: String,
        /// The file.
        file: PathBuf,
    },
    /// A limit makes no sense.
    #[error("invalid {setting} {value}: {rule}")]
    InvalidSetting {
        /// By the runtime specification's name.
        setting: &'static str,
        /// As it came.
        value: String,
        /// In words.
        rule: &'static str,
    },
    /// The directory could not be made.
    #[error("cannot create cgroup {}", path.display())]
    Create {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: Errno,
    },
    /// A group of that name has processes.
    #[error("cgroup {} is in use by {count} process(es), first pid {first}; end them or choose another name", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
        /// How many processes.
        count: usize,
        /// One of them.
        first: i32,
    },
    /// No hierarchy has a group of that name.
    #[error("no cgroup {path}")]
    NotFound {
        /// Relative to the hierarchies.
        path: String,
    },
    /// A directory or file could not be opened.
    #[error("cannot open {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Errno,
    },
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Errno,
    },
    /// A file has an unexpected content.
    #[error("unexpected content of {}: {text:?}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Its beginning.
        text: String,
    },
    /// The kernel refused a setting.
    #[error("cannot set {setting}: {value:?} refused by {}", path.display())]
    Write {
        /// By the runtime specification's name.
        setting: String,
        /// What was written.
        value: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Errno,
    },
    /// A process could not be moved in.
    #[error("cannot move process {pid} into cgroup {}{}", path.display(), attach_hint(*source))]
    Attach {
        /// The process.
        pid: i32,
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: Errno,
    },
    /// The device program was refused.
    #[error("cannot restrict devices of cgroup {}", path.display())]
    DeviceProgram {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: Errno,
    },
    /// Processes did not stop, continue or end in time.
    #[error("cgroup {} did not {what} within {milliseconds} ms", path.display())]
    TimedOut {
        /// The directory.
        path: PathBuf,
        /// `freeze`, `thaw`, `die`.
        what: &'static str,
        /// How long was waited.
        milliseconds: u64,
    },
    /// The directory could not be removed.
    #[error("cannot remove cgroup {}", path.display())]
    Remove {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: Errno,
    },
}

/// What the errno of an attach means, where it is not plain.
fn attach_hint(errno: Errno) -> &'static str {
    match errno {
        // sched_rt_can_attach: with RT_GROUP_SCHED a new v1 cpu group has no real-time budget.
        Errno::INVAL => ": a process under a real-time scheduling policy needs cpu.rt_runtime_us there",
        // cgroup_migrate_vet_dst: no processes in a v2 group whose children have controllers.
        Errno::BUSY => ": the group has children with controllers enabled",
        _ => "",
    }
}
