//! What an answer that means failure says (distribution-spec, "Error Codes").

use crate::error::{Purpose, RegistryError};
use crate::url::Url;
use http::StatusCode;
use serde::Deserialize;

/// How much of a failure's body is read, and how much of it is shown.
pub(crate) const FAILURE_MAX: u64 = 64 << 10;
const SHOWN_MAX: usize = 300;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Failure {
    errors: Vec<Detail>,
    /// Token servers and content networks have their own forms.
    message: String,
    details: String,
    error_description: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail {
    code: String,
    message: String,
}

/// Text from a stranger, fit for a terminal and a line.
pub(crate) fn printable(text: &str) -> String {
    let line: String =
        text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_MAX).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `MANIFEST_UNKNOWN` as people write it.
fn words(code: &str) -> String {
    code.to_lowercase().replace('_', " ")
}

/// The message of a failure.
pub(crate) fn message(status: StatusCode, body: &[u8]) -> String {
    let parsed: Failure = serde_json::from_slice(body).unwrap_or_default();
    let text = match parsed.errors.first() {
        Some(first) if first.code.is_empty() || first.message == words(&first.code) => first.message.clone(),
        Some(first) if !first.message.is_empty() => {
            format!("{}: {}", words(&first.code), first.message)
        }
        Some(first) => first.code.clone(),
        None => [parsed.message, parsed.details, parsed.error_description].concat(),
    };
    let text = printable(&text);
    if text.is_empty() { status.canonical_reason().unwrap_or("no reason given").to_lowercase() } else { text }
}

/// What was asked, for the words of an error.
pub(crate) struct Asked<'a> {
    pub(crate) url: &'a Url,
    /// Whether the registry itself was asked, or somebody it sent us to.
    pub(crate) ours: bool,
    /// What we came for.
    pub(crate) purpose: Purpose,
    /// As people call it.
    pub(crate) reference: &'a str,
    /// As people call it.
    pub(crate) repository: &'a str,
    pub(crate) registry: &'a str,
}

impl Asked<'_> {
    /// That it is not for us.
    pub(crate) fn denied(&self, message: impl Into<String>) -> RegistryError {
        let subject = if self.purpose == Purpose::Login { self.registry } else { self.repository };
        RegistryError::Denied { purpose: self.purpose, subject: subject.into(), message: message.into() }
    }
}

/// The error that a status and a body amount to.
pub(crate) fn failure(asked: &Asked<'_>, status: StatusCode, body: &[u8]) -> RegistryError {
    let message = message(status, body);
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if asked.ours => asked.denied(message),
        StatusCode::NOT_FOUND if asked.purpose == Purpose::Pull && asked.url.path.contains("/manifests/") => {
            RegistryError::NotFound { reference: asked.reference.into(), message }
        }
        StatusCode::TOO_MANY_REQUESTS => {
            RegistryError::TooManyRequests { registry: asked.registry.into(), message }
        }
        status => RegistryError::Status { url: asked.url.to_string(), status: status.as_u16(), message },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_the_registrys_own_and_harmless() {
        let of = |body: &str| message(StatusCode::NOT_FOUND, body.as_bytes());
        let body =
            r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"x"}}]}"#;
        assert_eq!(of(body), "manifest unknown");
        let denied = r#"{"errors":[{"code":"DENIED","message":"not for you"}]}"#;
        assert_eq!(of(denied), "denied: not for you");
        assert_eq!(of(r#"{"details":"incorrect username or password"}"#), "incorrect username or password");
        assert_eq!(of("<html>no</html>"), "not found");
        assert_eq!(of(r#"{"errors":[{"message":"\u001b[2J\nx"}]}"#), "[2J x");
        assert!(of(&format!(r#"{{"message":"{}"}}"#, "x".repeat(5000))).len() <= SHOWN_MAX);
    }
}
