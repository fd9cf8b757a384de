//! `create` and `run`.

use super::{required, take_id, usage};
use crate::error::CliError;
use crate::id::BundleId;
use lexopt::prelude::{Long, Short, Value, ValueExt};
use std::path::PathBuf;

/// `create`, and `run` as well.
#[derive(Debug)]
pub(crate) struct CreateOptions {
    pub(crate) id: BundleId,
    pub(crate) bundle: PathBuf,
    /// Below the bundle unless absolute.
    pub(crate) config: PathBuf,
    pub(crate) console_socket: Option<PathBuf>,
    pub(crate) pidfd_socket: Option<PathBuf>,
    pub(crate) pid_file: Option<PathBuf>,
    pub(crate) preserve_fds: u32,
    pub(crate) keep_keyring: bool,
    /// The root is changed by chroot(2): pivot_root(2) cannot leave an initramfs.
    pub(crate) no_pivot: bool,
}

/// What only `run` has.
#[derive(Debug, Default)]
pub(crate) struct RunOptions {
    pub(crate) detach: bool,
    pub(crate) keep: bool,
}

pub(super) fn parse(
    parser: &mut lexopt::Parser,
    is_run: bool,
) -> Result<(CreateOptions, RunOptions), CliError> {
    let mut id = None;
    let mut run = RunOptions::default();
    let mut options = CreateOptions {
        id: BundleId::parse("-")?,
        bundle: PathBuf::from("."),
        config: PathBuf::from("config.json"),
        console_socket: None,
        pidfd_socket: None,
        pid_file: None,
        preserve_fds: 0,
        keep_keyring: false,
        no_pivot: false,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("bundle") | Short('b') => options.bundle = parser.value()?.into(),
            Long("config") | Short('f') => options.config = parser.value()?.into(),
            Long("console-socket") => options.console_socket = Some(parser.value()?.into()),
            Long("pidfd-socket") => options.pidfd_socket = Some(parser.value()?.into()),
            Long("pid-file") => options.pid_file = Some(parser.value()?.into()),
            Long("preserve-fds") => options.preserve_fds = preserved(&parser.value()?.string()?)?,
            Long("no-new-keyring") => options.keep_keyring = true,
            Long("no-pivot") => options.no_pivot = true,
            // Nobody but a container's own first process adopts its orphans.
            Long("no-subreaper") if is_run => {}
            Long("detach") | Short('d') if is_run => run.detach = true,
            Long("keep") if is_run => run.keep = true,
            Value(word) => take_id(&mut id, word)?,
            other => return Err(other.unexpected().into()),
        }
    }
    options.id = required(id)?;
    Ok((options, run))
}

/// How many descriptors are passed on; no process has more.
pub(super) fn preserved(text: &str) -> Result<u32, CliError> {
    let number = text.parse().ok().filter(|number| *number <= 1 << 20);
    number.ok_or_else(|| usage(format!("{text:?} is no number of descriptors")))
}
