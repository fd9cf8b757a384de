//! The members of an archive: documents in memory, everything else in the content store.

use super::LoadError;
use crate::error::StoreError;
use crate::images::Limits;
use crate::ingest::{CopyError, Ingest};
use archive::{Kind, TarReader};
use content::{ContentError, Stored};
use ids::Digest;
use std::collections::{BTreeMap, HashMap};
use std::io::Read;

/// The largest document (`manifest.json`, `index.json`, `oci-layout`) in bytes.
pub(super) const DOCUMENT_MAX: u64 = 4 << 20;
/// How many members an archive may have: four thousand images of ten layers.
const MEMBERS_MAX: u64 = 40_000;
/// How many links from one member to another are followed.
const LINKS_MAX: usize = 8;

/// What was in an archive or layout.
#[derive(Debug, Default)]
pub(super) struct Collected {
    /// By name.
    pub(super) documents: BTreeMap<String, Vec<u8>>,
    /// By cleaned path.
    blobs: HashMap<String, Stored>,
    /// By cleaned path: the cleaned path it points at.
    links: HashMap<String, String>,
}

impl Collected {
    /// Reads an uncompressed archive to its end.
    pub(super) fn from_archive(
        source: impl Read,
        ingest: &Ingest,
        limits: &Limits,
    ) -> Result<Self, LoadError> {
        let mut collected = Self::default();
        let bounds = archive::Limits { entries: MEMBERS_MAX, ..archive::Limits::default() };
        let mut reader = TarReader::new(source, bounds);
        while let Some(entry) = reader.next_entry()? {
            let Some(path) = clean(&String::from_utf8_lossy(&entry.path)) else { continue };
            match &entry.kind {
                Kind::File if is_document(&path) => {
                    let mut bytes = Vec::new();
                    let mut content = reader.content().take(DOCUMENT_MAX + 1);
                    content.read_to_end(&mut bytes).map_err(read_failed)?;
                    if bytes.len() as u64 > DOCUMENT_MAX {
                        return Err(LoadError::TooMany {
                            what: "bytes in one of its documents",
                            limit: DOCUMENT_MAX,
                        });
                    }
                    // Readers disagree about which of two members of one name counts.
                    if collected.documents.insert(path, bytes).is_some() {
                        return Err(LoadError::TooMany { what: "document of one name", limit: 1 });
                    }
                }
                Kind::File if !is_ignored(&path) => {
                    let expected = digest_of_path(&path);
                    let claimed = expected.as_ref().map(|digest| (digest, entry.size));
                    let stored = match claimed {
                        Some((digest, size)) if ingest.claim(digest, size)? => {
                            Stored { digest: digest.clone(), size }
                        }
                        _ => ingest
                            .copy(&mut reader.content(), claimed, limits.blob_bytes)
                            .map_err(copy_failed)?,
                    };
                    collected.blobs.insert(path, stored);
                }
                Kind::Symlink(target) => collected.add_link(&path, target, parent(&path)),
                Kind::HardLink(target) => collected.add_link(&path, target, ""),
                _ => {}
            }
        }
        Ok(collected)
    }

    /// Adds a blob that was read some other way.
    pub(super) fn add_blob(&mut self, path: String, stored: Stored) {
        self.blobs.insert(path, stored);
    }

    fn add_link(&mut self, path: &str, target: &[u8], base: &str) {
        if let Some(target) = clean(&format!("{base}/{}", String::from_utf8_lossy(target))) {
            self.links.insert(path.to_owned(), target);
        }
    }

    /// The member of that path, links between members followed.
    pub(super) fn blob(&self, path: &str) -> Result<&Stored, LoadError> {
        let missing = || LoadError::MissingMember { member: path.chars().take(300).collect() };
        let mut at = clean(path).ok_or_else(missing)?;
        for _ in 0..LINKS_MAX {
            if let Some(stored) = self.blobs.get(&at) {
                return Ok(stored);
            }
            at = self.links.get(&at).ok_or_else(missing)?.clone();
        }
        Err(missing())
    }
}

fn read_failed(source: std::io::Error) -> LoadError {
    match source.downcast::<archive::ReadError>() {
        Ok(error) => LoadError::Archive(error),
        Err(source) => LoadError::Source { path: "the archive".into(), source },
    }
}

fn copy_failed(error: CopyError) -> LoadError {
    match error {
        CopyError::Source(source) => read_failed(source),
        CopyError::Content(error) => LoadError::Store(StoreError::Content(error)),
    }
}

impl From<CopyError> for LoadError {
    fn from(error: CopyError) -> Self {
        copy_failed(error)
    }
}

fn is_document(path: &str) -> bool {
    matches!(path, "manifest.json" | "index.json" | "oci-layout")
}

/// What older `docker save` writes beside and nobody needs.
fn is_ignored(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("VERSION" | "json" | "repositories"))
}

/// `blobs/<algorithm>/<hex>` promises a digest.
pub(super) fn digest_of_path(path: &str) -> Option<Digest> {
    let (algorithm, hex) = path.strip_prefix("blobs/")?.split_once('/')?;
    Digest::parse(&format!("{algorithm}:{hex}")).ok()
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// A path inside the archive without `.`, `..` and empty components; `None` for one that leads outside, or nowhere.
fn clean(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            other => parts.push(other),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// For messages: a blob that is promised but not in the store.
pub(super) fn missing_blob(error: StoreError) -> LoadError {
    match error {
        StoreError::Content(ContentError::Missing { digest }) => LoadError::MissingMember {
            member: format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex()),
        },
        other => LoadError::Store(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        assert_eq!(clean("./a//b/../c").as_deref(), Some("a/c"));
        assert_eq!(clean("/a").as_deref(), Some("a"));
        for path in ["..", "a/../..", "", "/", "a/.."] {
            assert_eq!(clean(path), None, "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_path_leads_outside(path in "[a./]{0,30}") {
            if let Some(cleaned) = clean(&path) {
                proptest::prop_assert!(cleaned.split('/').all(|part| !matches!(part, "" | "." | "..")));
                proptest::prop_assert_eq!(clean(&cleaned), Some(cleaned.clone()));
            }
        }
    }

    #[test]
    fn only_digests_are_promises() {
        let hex = "a".repeat(64);
        assert!(digest_of_path(&format!("blobs/sha256/{hex}")).is_some());
        assert!(digest_of_path(&format!("x/blobs/sha256/{hex}")).is_none());
        assert!(digest_of_path("blobs/sha256/../x").is_none());
    }
}
