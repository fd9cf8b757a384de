//! `config.json`: reading what we need of it, and changing `auths` alone.

use super::{Credentials, READ_MAX};
use crate::error::CredentialError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// What we know of such a file.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AuthFile {
    auths: BTreeMap<String, Auth>,
    creds_store: String,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

impl AuthFile {
    /// `None` when there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, CredentialError> {
        let Some(text) = text_of(path)? else { return Ok(None) };
        let file = serde_json::from_str(&text).map_err(|source| syntax(path, source))?;
        Ok(Some(file))
    }

    /// The helper that keeps a registry's credentials.
    pub(super) fn helper(&self, registry: &str, key: &str) -> Option<&str> {
        let own = self.cred_helpers.get(registry).or_else(|| self.cred_helpers.get(key));
        Some(own.unwrap_or(&self.creds_store).as_str()).filter(|helper| !helper.is_empty())
    }

    /// The entry of the repository, of the name spaces above it, or of the registry.
    pub(super) fn find(
        &self,
        registry: &str,
        key: &str,
        repository: &str,
    ) -> Result<Option<Credentials>, CredentialError> {
        let mut name = format!("{registry}/{repository}");
        while name.len() > registry.len() {
            if let Some(auth) = self.auths.get(&name) {
                return decode(auth);
            }
            name.truncate(name.rfind('/').unwrap_or(0));
        }
        match self.names_of(key).next().and_then(|name| self.auths.get(name)) {
            Some(auth) => decode(auth),
            None => Ok(None),
        }
    }

    /// The entries of a registry, the exact one first.
    pub(super) fn names_of<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let exact = self.auths.get_key_value(key).map(|(name, _)| name.as_str());
        let others =
            self.auths.keys().map(String::as_str).filter(move |name| *name != key && bare(name) == bare(key));
        exact.into_iter().chain(others)
    }
}

/// A key without scheme and the path of a version: older clients stored URLs. The path of a repository stays, so that
/// it fits no registry.
fn bare(key: &str) -> &str {
    let without = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    match without {
        Some(rest) => rest.split('/').next().unwrap_or_default(),
        None => {
            key.strip_suffix("/v2/").or_else(|| key.strip_suffix("/v1/")).unwrap_or(key).trim_end_matches('/')
        }
    }
}

fn text_of(path: &Path) -> Result<Option<String>, CredentialError> {
    match File::open(path) {
        Ok(file) => io::read_to_string(file.take(READ_MAX)).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
    .map_err(|source| CredentialError::File { path: path.to_owned(), source })
}

fn syntax(path: &Path, source: serde_json::Error) -> CredentialError {
    CredentialError::Syntax { path: path.to_owned(), source }
}

fn decode(auth: &Auth) -> Result<Option<Credentials>, CredentialError> {
    if !auth.registrytoken.is_empty() {
        return Ok(Some(Credentials::RegistryToken(auth.registrytoken.clone())));
    }
    let (mut user, mut password) = (auth.username.clone(), auth.password.clone());
    if !auth.auth.is_empty() {
        let bytes = STANDARD.decode(auth.auth.trim()).map_err(|_| CredentialError::Auth)?;
        let text = String::from_utf8(bytes).map_err(|_| CredentialError::Auth)?;
        let (name, secret) = text.split_once(':').ok_or(CredentialError::Auth)?;
        (user, password) = (name.to_owned(), secret.trim_end_matches('\0').to_owned());
    }
    if !auth.identitytoken.is_empty() {
        return Ok(Some(Credentials::IdentityToken { user, token: auth.identitytoken.clone() }));
    }
    Ok((!user.is_empty()).then_some(Credentials::Password { user, password }))
}

/// An entry as `docker login` writes it.
pub(super) fn put(auths: &mut Map<String, Value>, key: &str, credentials: &Credentials) {
    let entry = match credentials {
        Credentials::Password { user, password } => {
            json!({ "auth": STANDARD.encode(format!("{user}:{password}")) })
        }
        Credentials::IdentityToken { user, token } => {
            json!({ "auth": STANDARD.encode(format!("{user}:")), "identitytoken": token })
        }
        Credentials::RegistryToken(token) => json!({ "registrytoken": token }),
    };
    auths.insert(key.to_owned(), entry);
}

/// Changes `auths` and leaves the rest of the file as it is: written whole beside, then renamed over it. A link stays
/// a link.
pub(super) fn change(
    path: &Path,
    change: impl FnOnce(&mut Map<String, Value>),
) -> Result<(), CredentialError> {
    let mut document: Map<String, Value> = match text_of(path)? {
        Some(text) => serde_json::from_str(&text).map_err(|source| syntax(path, source))?,
        None => Map::new(),
    };
    let auths = document.entry("auths").or_insert_with(|| Value::Object(Map::new()));
    if !auths.is_object() {
        *auths = Value::Object(Map::new());
    }
    if let Value::Object(auths) = auths {
        change(auths);
    }
    let text = serde_json::to_string_pretty(&document).map_err(|source| syntax(path, source))? + "\n";
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    replace(&target, text.as_bytes())
        .map_err(|source| CredentialError::Write { path: path.to_owned(), source })
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let beside = directory.join(format!(".{}.tmp", ids::ExecId::random()));
    let written = (|| {
        let mut file = File::options().create_new(true).write(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    })();
    if written.is_err() {
        // The failure is what matters.
        let _ = std::fs::remove_file(&beside);
    }
    written
}
