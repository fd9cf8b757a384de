//! Helper programs, `docker-credential-<name>` (docker-credential-helpers' protocol): a verb as the argument, the
//! question on standard input, the answer on standard output.

use super::{Credentials, READ_MAX, TOKEN_USER};
use crate::answer::printable;
use crate::error::CredentialError;
use serde::Deserialize;
use serde_json::json;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// The name of a helper's program.
pub(super) fn name_of(name: &str) -> Result<String, CredentialError> {
    // A slash would make it a path.
    if name.is_empty()
        || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    {
        return Err(CredentialError::HelperName { name: name.into() });
    }
    Ok(format!("docker-credential-{name}"))
}

/// What it keeps for a registry.
pub(super) fn get(name: &str, key: &str) -> Result<Option<Credentials>, CredentialError> {
    let Some(text) = run(name, "get", key.as_bytes())? else { return Ok(None) };
    // Not even its beginning is shown: there may be a secret in it.
    let answer: Answer = serde_json::from_str(&text).map_err(|_| CredentialError::HelperFailed {
        program: format!("docker-credential-{name}"),
        message: "its answer is no JSON".into(),
    })?;
    Ok(match (answer.username, answer.secret) {
        (user, _) if user.is_empty() => None,
        (user, token) if user == TOKEN_USER => {
            Some(Credentials::IdentityToken { user: String::new(), token })
        }
        (user, password) => Some(Credentials::Password { user, password }),
    })
}

/// Has it keep something.
pub(super) fn store(name: &str, key: &str, credentials: &Credentials) -> Result<(), CredentialError> {
    let (user, secret) = match credentials {
        Credentials::Password { user, password } => (user.as_str(), password),
        Credentials::IdentityToken { token, .. } | Credentials::RegistryToken(token) => (TOKEN_USER, token),
    };
    let question = json!({ "ServerURL": key, "Username": user, "Secret": secret });
    run(name, "store", question.to_string().as_bytes()).map(drop)
}

/// Has it forget something; whether it had it.
pub(super) fn erase(name: &str, key: &str) -> Result<bool, CredentialError> {
    let had = run(name, "get", key.as_bytes())?.is_some();
    Ok(run(name, "erase", key.as_bytes())?.is_some() && had)
}

/// Its answer; `None` when it does not know the registry.
fn run(name: &str, verb: &str, input: &[u8]) -> Result<Option<String>, CredentialError> {
    let program = name_of(name)?;
    let failed = |source| CredentialError::Helper { program: program.clone(), source };
    let mut child = Command::new(&program)
        .arg(verb)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its input says why on its output.
        let _ = stdin.write_all(input);
    }
    let mut text = String::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(READ_MAX).read_to_string(&mut text).map_err(failed)?;
    }
    if child.wait().map_err(failed)?.success() {
        return Ok(Some(text));
    }
    // "credentials not found in native keychain" is no failure.
    if text.contains("not found") {
        return Ok(None);
    }
    Err(CredentialError::HelperFailed { program, message: printable(&text) })
}
