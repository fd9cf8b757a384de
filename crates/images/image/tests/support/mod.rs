//! A store of images in a temporary directory, with names in memory, and archives made by hand.
#![allow(dead_code, reason = "each test program uses a part")]

pub(crate) mod server;

use content::{Change, Digester, ImageRecord, NameRecord, ReferenceStore, ReferenceStoreError};
use ids::{Digest, Reference};
use image::Images;
use snapshot::Flavour;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Tables {
    names: BTreeMap<(String, Reference), NameRecord>,
    images: BTreeMap<(String, Digest), ImageRecord>,
}

impl Tables {
    fn apply(&mut self, changes: &[Change]) {
        for change in changes.iter().cloned() {
            match change {
                Change::PutImage(one) => {
                    self.images.insert((one.namespace.clone(), one.id.clone()), one);
                }
                Change::PutName(one) => {
                    self.names.insert((one.namespace.clone(), one.reference.clone()), one);
                }
                Change::RemoveImage { namespace, id } => {
                    self.images.remove(&(namespace, id));
                }
                Change::RemoveName { namespace, reference } => {
                    self.names.remove(&(namespace, reference));
                }
            }
        }
    }

    fn to_text(&self) -> String {
        let images = self
            .images
            .values()
            .map(|one| format!("{} {} {} {}", one.namespace, one.id, one.target, one.added));
        let names = self
            .names
            .values()
            .map(|one| format!("{} {} {} {} -", one.namespace, one.reference, one.id, one.target));
        images.chain(names).collect::<Vec<_>>().join("\n")
    }

    fn from_text(text: &str) -> Self {
        let mut tables = Self::default();
        let parse = |digest: &str| Digest::parse(digest).expect("a digest");
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let namespace = words[0].to_owned();
            tables.apply(&[match words.len() {
                4 => Change::PutImage(ImageRecord {
                    namespace,
                    id: parse(words[1]),
                    target: parse(words[2]),
                    added: words[3].parse().expect("a time"),
                }),
                _ => Change::PutName(NameRecord {
                    namespace,
                    reference: reference(words[1]),
                    id: parse(words[2]),
                    target: parse(words[3]),
                }),
            }]);
        }
        tables
    }
}

/// The index of names in memory, and in a file if a killed process must not take it along.
#[derive(Default)]
pub(crate) struct MemoryNames {
    tables: Mutex<Tables>,
    file: Option<PathBuf>,
}

impl MemoryNames {
    pub(crate) fn in_file(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        Self { tables: Mutex::new(Tables::from_text(&text)), file: Some(path) }
    }
}

impl ReferenceStore for MemoryNames {
    fn name(
        &self,
        namespace: &str,
        reference: &Reference,
    ) -> Result<Option<NameRecord>, ReferenceStoreError> {
        let tables = self.tables.lock().expect("no poison");
        Ok(tables.names.get(&(namespace.to_owned(), reference.clone())).cloned())
    }
    fn names_of(&self, namespace: &str, id: &Digest) -> Result<Vec<NameRecord>, ReferenceStoreError> {
        Ok(self.names(Some(namespace))?.into_iter().filter(|name| &name.id == id).collect())
    }
    fn image(&self, namespace: &str, id: &Digest) -> Result<Option<ImageRecord>, ReferenceStoreError> {
        let tables = self.tables.lock().expect("no poison");
        Ok(tables.images.get(&(namespace.to_owned(), id.clone())).cloned())
    }
    fn names(&self, namespace: Option<&str>) -> Result<Vec<NameRecord>, ReferenceStoreError> {
        let tables = self.tables.lock().expect("no poison");
        let fits = |name: &&NameRecord| namespace.is_none_or(|wanted| wanted == name.namespace);
        Ok(tables.names.values().filter(fits).cloned().collect())
    }
    fn images(&self, namespace: Option<&str>) -> Result<Vec<ImageRecord>, ReferenceStoreError> {
        let tables = self.tables.lock().expect("no poison");
        let fits = |image: &&ImageRecord| namespace.is_none_or(|wanted| wanted == image.namespace);
        let mut images: Vec<ImageRecord> = tables.images.values().filter(fits).cloned().collect();
        images.sort_by_key(|image| std::cmp::Reverse(image.added));
        Ok(images)
    }
    fn apply(&self, changes: &[Change]) -> Result<(), ReferenceStoreError> {
        let mut tables = self.tables.lock().expect("no poison");
        tables.apply(changes);
        if let Some(path) = &self.file {
            let fresh = path.with_extension("new");
            std::fs::write(&fresh, tables.to_text()).expect("a written file");
            std::fs::rename(fresh, path).expect("a renamed file");
        }
        Ok(())
    }
}

/// A store in a temporary directory.
pub(crate) struct Store {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) images: Images,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self::upon(tempfile::tempdir().expect("a temporary directory"), MemoryNames::default())
    }

    pub(crate) fn upon(dir: tempfile::TempDir, names: MemoryNames) -> Self {
        let images = Images::open(dir.path(), Flavour::Trusted, Arc::new(names), "default");
        Self { dir, images }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// How many entries a directory of the store has.
    pub(crate) fn count(&self, below: &str) -> usize {
        std::fs::read_dir(self.path(below)).map_or(0, Iterator::count)
    }

    /// Nothing unfinished, nothing unreferenced, nothing lost.
    pub(crate) fn assert_clean(&self) {
        let report = self.images.check(true).expect("a check");
        assert_eq!(report, image::CheckReport::default());
        for below in ["content/ingest", "content/leases", "snapshots/ingest", "snapshots/trash"] {
            assert_eq!(self.count(below), 0, "{below}");
        }
    }

    /// The text of a file as a container upon the image would see it, by mounting it read-only.
    pub(crate) fn read_in(&self, image: &image::Image, path: &str) -> String {
        let spec::rootfs::Rootfs::Overlay { lowers, .. } = self.images.view(image).expect("a view") else {
            unreachable!("an overlay")
        };
        lowers
            .iter()
            .find_map(|lower| std::fs::read_to_string(lower.join(path)).ok())
            .expect("a layer that has the file")
    }
}

/// What an entry of a test archive is.
pub(crate) enum Kind<'a> {
    Dir,
    File(&'a [u8]),
    Link(&'a str),
    Symlink(&'a str),
}

/// A tar archive of entries, owned by root, mode 0755 or as given.
pub(crate) fn tar(entries: &[(&str, Kind<'_>)]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (path, kind) in entries {
        add(&mut tar, path, 0o755, kind);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

pub(crate) fn add(tar: &mut Vec<u8>, path: &str, mode: u32, kind: &Kind<'_>) {
    let mut header = [0u8; 512];
    let (flag, content, target): (u8, &[u8], &str) = match kind {
        Kind::Dir => (b'5', b"", ""),
        Kind::File(content) => (b'0', content, ""),
        Kind::Link(target) => (b'1', b"", target),
        Kind::Symlink(target) => (b'2', b"", target),
    };
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, path.as_bytes());
    put(100, format!("{mode:07o}\0{:07o}\0{:07o}\0{:011o}\0{:011o}\0", 0, 0, content.len(), 0).as_bytes());
    put(148, b"        ");
    put(156, &[flag]);
    put(157, target.as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar.extend_from_slice(&header);
    tar.extend_from_slice(content);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

pub(crate) fn reference(text: &str) -> Reference {
    Reference::parse(text).expect("a reference")
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digester::of(bytes)
}

/// Runs a program and gives its standard output; panics with everything it said when it fails.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(program).args(arguments).output().expect("a program that starts");
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether a program is installed; says so when it is not.
pub(crate) fn installed(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir: PathBuf| dir.join(program).is_file()));
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// Writes a file and gives its path.
pub(crate) fn file(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, bytes).expect("a written file");
    path
}
