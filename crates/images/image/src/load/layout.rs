//! An OCI layout as a directory: only what `index.json` leads to is read.

use super::LoadError;
use super::collect::{Collected, DOCUMENT_MAX};
use crate::document::{Document, manifest_or_index};
use crate::images::Images;
use crate::ingest::Ingest;
use rustix::fs::{Mode, OFlags};
use spec::image::{Descriptor, Index};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// How many blobs a layout may lead to.
const BLOBS_MAX: u64 = 40_000;

/// Opens a regular file below the directory; links may not lead out of it.
fn open(dir: &OwnedFd, path: &str) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = File::from(kernel::path::open_beneath(dir.as_fd(), Path::new(path), flags, Mode::empty())?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

/// Reads the layout in `dir`, whose path is for messages.
pub(super) fn read(
    dir: &OwnedFd,
    path: &Path,
    ingest: &Ingest,
    images: &Images,
) -> Result<Collected, LoadError> {
    let mut collected = Collected::default();
    let mut index = Vec::new();
    match open(dir, "index.json") {
        Ok(file) => {
            let failed = |source| LoadError::Source { path: path.join("index.json"), source };
            file.take(DOCUMENT_MAX + 1).read_to_end(&mut index).map_err(failed)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(LoadError::NotAnImage),
        Err(source) => return Err(LoadError::Source { path: path.join("index.json"), source }),
    }
    if index.len() as u64 > DOCUMENT_MAX {
        return Err(LoadError::TooMany { what: "bytes in index.json", limit: DOCUMENT_MAX });
    }
    let table: Index = serde_json::from_slice(&index)
        .map_err(|source| LoadError::Syntax { member: "index.json", source })?;
    collected.documents.insert("index.json".into(), index);
    let mut open_ends: Vec<Descriptor> = table.manifests;
    let mut seen = std::collections::HashSet::new();
    while let Some(entry) = open_ends.pop() {
        if !seen.insert(entry.digest.clone()) {
            continue;
        }
        if seen.len() as u64 > BLOBS_MAX {
            return Err(LoadError::TooMany { what: "blobs", limit: BLOBS_MAX });
        }
        let name = format!("blobs/{}/{}", entry.digest.algorithm().as_str(), entry.digest.hex());
        if !ingest.claim(&entry.digest, entry.size)? {
            let mut file = match open(dir, &name) {
                Ok(file) => file,
                // Other platforms of an index may be left out; what is needed is asked for later.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(LoadError::Source { path: path.join(&name), source }),
            };
            let stored =
                ingest.copy(&mut file, Some((&entry.digest, entry.size)), images.limits.blob_bytes)?;
            collected.add_blob(name, stored);
        }
        if is_document_type(&entry.media_type) {
            let bytes = images.content.read(&entry.digest, DOCUMENT_MAX)?;
            match manifest_or_index(&entry.digest, &bytes) {
                Ok(Document::Index(index)) => open_ends.extend(index.manifests),
                Ok(Document::Manifest(manifest)) => {
                    open_ends.extend(manifest.layers.into_iter().chain([manifest.config]));
                }
                // Artifacts beside the images are none of ours.
                Err(_) => {}
            }
        }
    }
    Ok(collected)
}

fn is_document_type(media_type: &str) -> bool {
    use spec::image::media_type as known;
    matches!(media_type, known::OCI_INDEX | known::OCI_MANIFEST | known::DOCKER_LIST | known::DOCKER_MANIFEST)
}
