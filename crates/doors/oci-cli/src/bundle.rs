//! A bundle: a directory with `config.json` and, mostly, the root file system (bundle.md).

use crate::error::CliError;
use crate::store;
use spec::rootfs::Rootfs;
use spec::runtime::Spec;
use std::path::{Path, PathBuf};

/// A bundle, read.
#[derive(Debug)]
pub(crate) struct Bundle {
    /// Absolute.
    pub(crate) path: PathBuf,
    /// `config.json` as it is.
    pub(crate) bytes: Vec<u8>,
    pub(crate) spec: Spec,
    pub(crate) rootfs: Rootfs,
}

impl Bundle {
    /// The directory that is the root file system.
    pub(crate) fn rootfs_path(&self) -> Option<&Path> {
        match &self.rootfs {
            Rootfs::Dir { path } => Some(path),
            _ => None,
        }
    }

    /// Reads the bundle in `directory`, its document being `config` there.
    ///
    /// # Errors
    /// [`CliError::Path`], [`CliError::Document`] or [`CliError::Bundle`].
    pub(crate) fn read(directory: &Path, config: &Path) -> Result<Self, CliError> {
        let path = std::path::absolute(directory).map_err(CliError::std_path("find", directory))?;
        let document = path.join(config);
        let bytes = store::read(&document)?;
        let spec: Spec = store::parse(&document, &bytes)?;
        let missing = |problem| CliError::Bundle { path: document.clone(), problem };
        let root = spec.root.as_ref().ok_or_else(|| missing("root is missing"))?;
        if root.path.as_os_str().is_empty() {
            return Err(missing("root.path is missing"));
        }
        if !spec.oci_version.starts_with("1.") {
            return Err(missing("ociVersion is not 1.x"));
        }
        let rootfs = Rootfs::Dir { path: path.join(&root.path) };
        Ok(Bundle { path, bytes, spec, rootfs })
    }
}
