//! The files of contexts.

use super::{ContextError, DEFAULT, DOCKER, DockerEndpoint};
use crate::settings::replace;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// How much of a file is read; Docker's bound.
pub(super) const FILE_MAX: u64 = 10 << 20;

/// `meta.json`.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Meta {
    /// What people call it.
    pub(crate) name: String,
    /// `Description`, and whatever else somebody put there.
    pub(crate) metadata: Map<String, Value>,
    /// By kind; ours is `docker`.
    pub(crate) endpoints: BTreeMap<String, Value>,
}

impl Meta {
    /// What it is for.
    pub(crate) fn description(&self) -> &str {
        self.metadata.get("Description").and_then(Value::as_str).unwrap_or_default()
    }

    /// The same with another description; an empty one is left out.
    pub(crate) fn set_description(&mut self, text: &str) {
        if text.is_empty() {
            self.metadata.remove("Description");
        } else {
            self.metadata.insert("Description".to_owned(), text.into());
        }
    }

    /// Where its containers run.
    pub(crate) fn docker(&self) -> DockerEndpoint {
        let found = self.endpoints.get(DOCKER).cloned();
        found.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
    }

    /// The same somewhere else.
    pub(crate) fn set_docker(&mut self, endpoint: &DockerEndpoint) {
        // Plain data always becomes a value.
        self.endpoints.insert(DOCKER.to_owned(), serde_json::to_value(endpoint).unwrap_or_default());
    }
}

/// The certificates of a context: contents by endpoint and file name.
pub(crate) type Certificates = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

/// All contexts of a user.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    root: PathBuf,
}

impl Store {
    /// Below the user's directory.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { root: directory.join("contexts") }
    }

    /// The directory of a context's `meta.json`.
    pub(crate) fn meta_directory(&self, name: &str) -> PathBuf {
        self.root.join("meta").join(key_of(name))
    }

    /// The directory of its certificates.
    pub(crate) fn tls_directory(&self, name: &str) -> PathBuf {
        self.root.join("tls").join(key_of(name))
    }

    fn meta_file(&self, name: &str) -> PathBuf {
        self.meta_directory(name).join("meta.json")
    }

    /// Whether there is one of that name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.meta_file(name).exists()
    }

    /// Reads one.
    pub(crate) fn read(&self, name: &str) -> Result<Meta, ContextError> {
        let path = self.meta_file(name);
        match read_meta(&path) {
            Err(ContextError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Err(ContextError::NotFound { name: name.to_owned(), path })
            }
            read => read,
        }
    }

    /// All of them by name.
    pub(crate) fn all(&self) -> Result<Vec<Meta>, ContextError> {
        let directory = self.root.join("meta");
        let mut found = Vec::new();
        for name in names_in(&directory)? {
            match read_meta(&directory.join(&name).join("meta.json")) {
                Ok(meta) => found.push(meta),
                // Half made, or just removed by somebody else.
                Err(ContextError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    /// Writes one, with these certificates and no others. The certificates come first: a context that can be seen is
    /// whole.
    pub(crate) fn write(&self, meta: &Meta, certificates: &Certificates) -> Result<(), ContextError> {
        self.write_certificates(&meta.name, certificates)?;
        let path = self.meta_file(&meta.name);
        let bytes =
            serde_json::to_vec(meta).map_err(|source| ContextError::Syntax { path: path.clone(), source })?;
        replace(&path, &bytes).map_err(failed("write", &path))
    }

    fn write_certificates(&self, name: &str, certificates: &Certificates) -> Result<(), ContextError> {
        let directory = self.tls_directory(name);
        remove(&directory)?;
        for (endpoint, files) in certificates {
            let below = directory.join(endpoint);
            DirBuilder::new().recursive(true).mode(0o700).create(&below).map_err(failed("create", &below))?;
            for (file, bytes) in files {
                let path = below.join(file);
                replace(&path, bytes).map_err(failed("write", &path))?;
            }
        }
        Ok(())
    }

    /// The certificates of one.
    pub(crate) fn certificates(&self, name: &str) -> Result<Certificates, ContextError> {
        let directory = self.tls_directory(name);
        let mut found = Certificates::new();
        if name == DEFAULT {
            return Ok(found);
        }
        for endpoint in names_in(&directory)? {
            let below = directory.join(&endpoint);
            let mut files = BTreeMap::new();
            for file in names_in(&below)? {
                let path = below.join(&file);
                files.insert(file, bytes_of(&path).map_err(failed("read", &path))?);
            }
            found.insert(endpoint, files);
        }
        Ok(found)
    }

    /// Removes one with its certificates.
    pub(crate) fn remove(&self, name: &str) -> Result<(), ContextError> {
        remove(&self.meta_directory(name))?;
        remove(&self.tls_directory(name))
    }
}

/// The directory of a context: any name is a file name then.
fn key_of(name: &str) -> String {
    ids::Digest::from_sha256(Sha256::digest(name.as_bytes()).into()).hex().to_owned()
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ContextError {
    let path = path.to_owned();
    move |source| ContextError::File { action, path, source }
}

fn read_meta(path: &Path) -> Result<Meta, ContextError> {
    let bytes = bytes_of(path).map_err(failed("read", path))?;
    serde_json::from_slice(&bytes).map_err(|source| ContextError::Syntax { path: path.to_owned(), source })
}

/// The content of a file of bounded size.
pub(super) fn bytes_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Names in a directory, none when it is not there; those that begin with a dot are being written.
fn names_in(directory: &Path) -> Result<Vec<String>, ContextError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("read", directory)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed("read", directory))?.file_name();
        names.extend(name.into_string().ok().filter(|name| !name.starts_with('.')));
    }
    names.sort();
    Ok(names)
}

fn remove(directory: &Path) -> Result<(), ContextError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("remove", directory)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_dockers() {
        let store = Store::new(Path::new("/home/you/.docker"));
        // sha256("cc"), as Docker's own command line names it.
        let key = "355b1bbfc96725cdce8f4a2708fda310a80e6d13315aec4e5eed2a75fe8032ce";
        assert_eq!(store.meta_directory("cc"), Path::new("/home/you/.docker/contexts/meta").join(key));
    }

    #[test]
    fn what_others_put_there_is_kept() {
        let text = r#"{"Name":"x","Metadata":{"Description":"d","Stack":"k"},"Endpoints":{"docker":{"Host":"tcp://a:1","SkipTLSVerify":true,"New":1},"other":{"b":2}}}"#;
        let mut meta: Meta = serde_json::from_str(text).unwrap();
        assert_eq!((meta.description(), meta.docker().host.as_str()), ("d", "tcp://a:1"));
        meta.set_docker(&meta.docker());
        let (again, before): (Value, Value) =
            (serde_json::to_value(&meta).unwrap(), serde_json::from_str(text).unwrap());
        assert_eq!(again, before);
        meta.set_description("");
        assert_eq!(meta.description(), "");
    }
}
