//! The files of a container of the engine in this process.

use crate::client::Files;
use crate::failure::Failure;
use engine::image::decompressed;
use engine::{ContainerFiles, ExtractOptions, PathStat};
use std::io::{Read, Write};

impl Files for ContainerFiles<'_> {
    fn stat(&self, path: &str) -> Result<PathStat, Failure> {
        ContainerFiles::stat(self, path).map_err(|error| Failure::of(&error))
    }

    fn archive(&self, path: &str, name: Option<&[u8]>, out: &mut dyn Write) -> Result<PathStat, Failure> {
        ContainerFiles::archive(self, path, name, out).map_err(|error| Failure::of(&error))
    }

    fn extract(
        &self,
        directory: &str,
        owned_by_user: bool,
        content: &mut (dyn Read + Send),
    ) -> Result<(), Failure> {
        let mut content = decompressed(content)
            .map_err(|error| Failure::new(format!("cannot read the archive: {error}")))?;
        let options = ExtractOptions { owned_by_user, replace_kinds: false };
        ContainerFiles::extract(self, directory, options, &mut content).map_err(|error| Failure::of(&error))
    }
}
