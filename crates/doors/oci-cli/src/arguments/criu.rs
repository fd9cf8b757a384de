//! `checkpoint` and `restore`.

use super::{required, take_id};
use crate::error::CliError;
use crate::id::BundleId;
use lexopt::prelude::{Long, Short, Value};

/// Options of runc's with a value. They are known so that what refuses is the host, in criu's words, and not the
/// command line.
const WITH_VALUE: [&str; 12] = [
    "image-path",
    "work-path",
    "parent-path",
    "status-fd",
    "page-server",
    "manage-cgroups-mode",
    "empty-ns",
    "lsm-profile",
    "lsm-mount-context",
    "bundle",
    "console-socket",
    "pid-file",
];
const WITHOUT_VALUE: [&str; 14] = [
    "leave-running",
    "tcp-established",
    "tcp-skip-in-flight",
    "link-remap",
    "ext-unix-sk",
    "shell-job",
    "lazy-pages",
    "file-locks",
    "pre-dump",
    "auto-dedup",
    "detach",
    "no-pivot",
    "no-subreaper",
    "keep",
];

pub(super) fn parse(parser: &mut lexopt::Parser) -> Result<BundleId, CliError> {
    let mut id = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long(name) if WITH_VALUE.contains(&name) => drop(parser.value()?),
            Short('b') => drop(parser.value()?),
            Long(name) if WITHOUT_VALUE.contains(&name) => {}
            Short('d') => {}
            Value(word) => take_id(&mut id, word)?,
            other => return Err(other.unexpected().into()),
        }
    }
    required(id)
}
