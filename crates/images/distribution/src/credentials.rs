//! Credentials from Docker's client configuration (`config.json`) and its helpers.

use crate::error::CredentialError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ids::DEFAULT_REGISTRY;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// What `docker login` stores the hub's credentials under.
const HUB_KEY: &str = "https://index.docker.io/v1/";
/// What helpers and `docker login` put for a user when the secret is an identity token.
const TOKEN_USER: &str = "<token>";
/// How much of a configuration or of a helper's answer is read.
const READ_MAX: u64 = 1 << 20;

/// What we can say about ourselves.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// User and password.
    Password { user: String, password: String },
    /// A token that the token server exchanges.
    IdentityToken(String),
    /// A token that the registry takes as it is.
    RegistryToken(String),
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DockerConfig {
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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperAnswer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// The credentials for a registry, as in references; `None` when there are none.
pub(crate) fn find(path: &Path, registry: &str) -> Result<Option<Credentials>, CredentialError> {
    let text = match std::fs::File::open(path) {
        Ok(file) => io::read_to_string(file.take(READ_MAX)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => Err(error),
    }
    .map_err(|source| CredentialError::File { path: path.to_owned(), source })?;
    let config: DockerConfig = serde_json::from_str(&text)
        .map_err(|source| CredentialError::Syntax { path: path.to_owned(), source })?;
    let key = if registry == DEFAULT_REGISTRY { HUB_KEY } else { registry };
    let helper = config.cred_helpers.get(registry).or_else(|| config.cred_helpers.get(key));
    if let Some(helper) = helper.or(Some(&config.creds_store)).filter(|helper| !helper.is_empty())
        && let Some(found) = ask_helper(helper, key)?
    {
        return Ok(Some(found));
    }
    let fits = |name: &&String| *name == key || bare(name) == bare(key);
    let name =
        config.auths.get_key_value(key).map(|(name, _)| name).or_else(|| config.auths.keys().find(fits));
    match name.and_then(|name| config.auths.get(name)) {
        Some(auth) => decode(auth, path),
        None => Ok(None),
    }
}

/// A key without scheme and path: older clients stored URLs.
fn bare(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    key.split('/').next().unwrap_or_default()
}

fn decode(auth: &Auth, path: &Path) -> Result<Option<Credentials>, CredentialError> {
    if !auth.registrytoken.is_empty() {
        return Ok(Some(Credentials::RegistryToken(auth.registrytoken.clone())));
    }
    if !auth.identitytoken.is_empty() {
        return Ok(Some(Credentials::IdentityToken(auth.identitytoken.clone())));
    }
    if auth.auth.is_empty() {
        let (user, password) = (auth.username.clone(), auth.password.clone());
        return Ok((!user.is_empty()).then_some(Credentials::Password { user, password }));
    }
    let bad = || CredentialError::Auth { path: path.to_owned() };
    let bytes = STANDARD.decode(auth.auth.trim()).map_err(|_| bad())?;
    let text = String::from_utf8(bytes).map_err(|_| bad())?;
    let (user, password) = text.split_once(':').ok_or_else(bad)?;
    Ok(Some(Credentials::Password { user: user.into(), password: password.trim_end_matches('\0').into() }))
}

/// Asks `docker-credential-<name> get` (docker-credential-helpers' protocol).
fn ask_helper(name: &str, key: &str) -> Result<Option<Credentials>, CredentialError> {
    // The name becomes part of a program's name; a slash would make it a path.
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        return Err(CredentialError::HelperName { name: name.into() });
    }
    let program = format!("docker-credential-{name}");
    let failed = |source| CredentialError::Helper { program: program.clone(), source };
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its input says why on its output.
        let _ = stdin.write_all(key.as_bytes());
    }
    let mut text = String::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(READ_MAX).read_to_string(&mut text).map_err(failed)?;
    }
    let status = child.wait().map_err(failed)?;
    let message = || crate::answer::printable(&text);
    if !status.success() {
        // "credentials not found in native keychain" is no failure.
        if text.contains("not found") {
            return Ok(None);
        }
        return Err(CredentialError::HelperFailed { program, message: message() });
    }
    let answer: HelperAnswer = serde_json::from_str(&text)
        .map_err(|_| CredentialError::HelperFailed { program, message: "its answer is no JSON".into() })?;
    Ok(match (answer.username.as_str(), answer.secret) {
        ("", _) => None,
        (TOKEN_USER, token) => Some(Credentials::IdentityToken(token)),
        (user, password) => Some(Credentials::Password { user: user.into(), password }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(user: &str, password: &str) -> Option<Credentials> {
        Some(Credentials::Password { user: user.into(), password: password.into() })
    }

    fn find_in(json: &str, registry: &str) -> Result<Option<Credentials>, CredentialError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), json).unwrap();
        find(file.path(), registry)
    }

    #[test]
    fn every_form_of_auths_is_found() {
        let json = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpwOnE="},"https://reg.example:5000/v2/":{"username":"a","password":"b"},
            "token.example":{"identitytoken":"t"},"raw.example":{"registrytoken":"r"},"empty.example":{}}}"#;
        assert!(find_in(json, "docker.io").unwrap() == password("u", "p:q"));
        assert!(find_in(json, "reg.example:5000").unwrap() == password("a", "b"));
        assert!(find_in(json, "token.example").unwrap() == Some(Credentials::IdentityToken("t".into())));
        assert!(find_in(json, "raw.example").unwrap() == Some(Credentials::RegistryToken("r".into())));
        for registry in ["empty.example", "reg.example", "index.docker.io.evil.example"] {
            assert!(find_in(json, registry).unwrap().is_none(), "{registry}");
        }
        assert!(find(Path::new("/nonexistent/config.json"), "x").unwrap().is_none());
    }

    #[test]
    fn damaged_configurations_are_errors() {
        assert!(find_in("{", "x").is_err());
        assert!(find_in(r#"{"auths":{"x":{"auth":"!"}}}"#, "x").is_err());
        assert!(find_in(r#"{"credsStore":"../evil"}"#, "x").is_err());
        assert!(find_in(r#"{"credHelpers":{"x":"no-such-helper-here"}}"#, "x").is_err());
    }
}
