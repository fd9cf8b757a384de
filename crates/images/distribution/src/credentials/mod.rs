//! Credentials: where they are kept, and how they get there.
//!
//! Two kinds of files are read, of the same form: Docker's client configuration (`config.json`), and what
//! `REGISTRY_AUTH_FILE` names (containers-auth.json(5)). A file may refer to helper programs that keep the secrets;
//! then they are asked. No secret is in an error, and none has a `Debug`.

mod file;
mod program;

use crate::config::Config;
use crate::error::CredentialError;
use file::AuthFile;
use ids::DEFAULT_REGISTRY;
use std::path::{Path, PathBuf};

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
    IdentityToken { user: String, token: String },
    /// A token that the registry takes as it is.
    RegistryToken(String),
}

/// Where credentials were put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// In a file, readable by its owner, not encrypted.
    File(PathBuf),
    /// By a helper program.
    Helper(String),
}

/// The key of a registry, as in references, in files and for helpers.
fn key_of(registry: &str) -> &str {
    if registry == DEFAULT_REGISTRY { HUB_KEY } else { registry }
}

/// The credentials for a repository of a registry, as in references; `None` when there are none.
pub(crate) fn find(
    config: &Config,
    registry: &str,
    repository: &str,
) -> Result<Option<Credentials>, CredentialError> {
    for path in config.auth_file.iter().chain(&config.docker_config) {
        if let Some(found) = find_in(path, registry, repository)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn find_in(path: &Path, registry: &str, repository: &str) -> Result<Option<Credentials>, CredentialError> {
    let Some(file) = AuthFile::read(path)? else { return Ok(None) };
    let key = key_of(registry);
    if let Some(helper) = file.helper(registry, key)
        && let Some(found) = program::get(helper, key)?
    {
        return Ok(Some(found));
    }
    file.find(registry, key, repository)
}

/// Keeps credentials where the configuration wants them.
pub(crate) fn keep(
    config: &Config,
    registry: &str,
    credentials: &Credentials,
) -> Result<Kept, CredentialError> {
    let path = written_to(config)?;
    let file = AuthFile::read(path)?.unwrap_or_default();
    let key = key_of(registry);
    match file.helper(registry, key) {
        Some(helper) => {
            program::store(helper, key, credentials)?;
            Ok(Kept::Helper(program::name_of(helper)?))
        }
        None => {
            file::change(path, |auths| file::put(auths, key, credentials))?;
            Ok(Kept::File(path.to_owned()))
        }
    }
}

/// Forgets the credentials for a registry; whether there were any.
pub(crate) fn forget(config: &Config, registry: &str) -> Result<bool, CredentialError> {
    let path = written_to(config)?;
    let Some(file) = AuthFile::read(path)? else { return Ok(false) };
    let key = key_of(registry);
    let mut forgotten = false;
    if let Some(helper) = file.helper(registry, key) {
        forgotten |= program::erase(helper, key)?;
    }
    if file.names_of(key).next().is_some() {
        forgotten = true;
        let names: Vec<String> = file.names_of(key).map(str::to_owned).collect();
        file::change(path, |auths| names.iter().for_each(|name| drop(auths.remove(name))))?;
    }
    Ok(forgotten)
}

fn written_to(config: &Config) -> Result<&Path, CredentialError> {
    let path = config.auth_file.as_ref().or(config.docker_config.as_ref());
    path.map(PathBuf::as_path).ok_or(CredentialError::Nowhere)
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
        super::find_in(file.path(), registry, "team/app/web")
    }

    fn token(found: Option<Credentials>) -> Option<String> {
        match found? {
            Credentials::IdentityToken { token, .. } => Some(token),
            _ => None,
        }
    }

    #[test]
    fn every_form_of_auths_is_found() {
        let json = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpwOnE="},"https://reg.example:5000/v2/":{"username":"a","password":"b"},
            "token.example":{"identitytoken":"t"},"raw.example":{"registrytoken":"r"},"empty.example":{}}}"#;
        assert!(find_in(json, "docker.io").unwrap() == password("u", "p:q"));
        assert!(find_in(json, "reg.example:5000").unwrap() == password("a", "b"));
        assert_eq!(token(find_in(json, "token.example").unwrap()).as_deref(), Some("t"));
        assert!(find_in(json, "raw.example").unwrap() == Some(Credentials::RegistryToken("r".into())));
        for registry in ["empty.example", "reg.example", "index.docker.io.evil.example"] {
            assert!(find_in(json, registry).unwrap().is_none(), "{registry}");
        }
        assert!(super::find_in(Path::new("/nonexistent/config.json"), "x", "").unwrap().is_none());
    }

    #[test]
    fn the_most_specific_key_wins() {
        let json = r#"{"auths":{"r.example":{"auth":"YTox"},"r.example/team":{"auth":"YToy"},"r.example/team/app":{"auth":"YToz"},
            "r.example/te":{"auth":"YTo0"}}}"#;
        assert!(find_in(json, "r.example").unwrap() == password("a", "3"));
        let json = r#"{"auths":{"r.example":{"auth":"YTox"},"r.example/other":{"auth":"YToy"}}}"#;
        assert!(find_in(json, "r.example").unwrap() == password("a", "1"));
    }

    #[test]
    fn damaged_configurations_are_errors() {
        assert!(find_in("{", "x").is_err());
        assert!(find_in(r#"{"auths":{"x":{"auth":"!"}}}"#, "x").is_err());
        assert!(find_in(r#"{"credsStore":"../evil"}"#, "x").is_err());
        assert!(find_in(r#"{"credHelpers":{"x":"no-such-helper-here"}}"#, "x").is_err());
    }

    #[test]
    fn what_is_kept_is_found_and_forgotten_and_the_rest_of_the_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("below/config.json");
        let config = Config { docker_config: Some(path.clone()), auth_file: None, ..Config::default() };
        for registry in ["docker.io", "r.example:5000"] {
            let mine = password("me", "p:w").unwrap();
            assert_eq!(keep(&config, registry, &mine).unwrap(), Kept::File(path.clone()));
            assert!(find(&config, registry, "x").unwrap() == Some(mine));
        }
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(HUB_KEY), "{text}");
        let text = text.replacen('{', r#"{"HttpHeaders":{"A":"b"},"#, 1);
        std::fs::write(&path, text).unwrap();
        assert!(forget(&config, "r.example:5000").unwrap());
        assert!(!forget(&config, "r.example:5000").unwrap());
        assert!(find(&config, "r.example:5000", "x").unwrap().is_none());
        assert!(find(&config, "docker.io", "x").unwrap().is_some());
        assert!(std::fs::read_to_string(&path).unwrap().contains(r#""A": "b""#));
        let link = dir.path().join("link.json");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let config = Config { docker_config: Some(link.clone()), ..config };
        keep(&config, "other.example", &password("a", "b").unwrap()).unwrap();
        assert!(std::fs::symlink_metadata(link).unwrap().is_symlink());
        assert!(std::fs::read_to_string(&path).unwrap().contains("other.example"));
    }

    #[test]
    fn an_auth_file_comes_first_and_is_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| Some(dir.path().join(name));
        let docker = Config { docker_config: path("config.json"), auth_file: None, ..Config::default() };
        keep(&docker, "r.example", &password("docker", "1").unwrap()).unwrap();
        let both = Config { auth_file: path("auth.json"), ..docker };
        assert!(find(&both, "r.example", "x").unwrap() == password("docker", "1"));
        keep(&both, "r.example", &password("auth", "2").unwrap()).unwrap();
        assert!(find(&both, "r.example", "x").unwrap() == password("auth", "2"));
        assert!(forget(&both, "r.example").unwrap());
        assert!(find(&both, "r.example", "x").unwrap() == password("docker", "1"));
    }
}
