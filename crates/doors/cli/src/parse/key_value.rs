//! `key=value` pairs: labels, options, annotations.

use docker_model::StringMap;

/// Not a pair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyValueError {
    /// Nothing before the `=`.
    #[error("invalid key=value pair '{0}': empty key")]
    EmptyKey(String),
    /// No `=` where the flag wants one.
    #[error("invalid key=value pair '{0}'")]
    NoValue(String),
}

/// `key=value`, or `key` alone for an empty value.
pub(crate) fn key_value(text: &str) -> Result<(String, String), KeyValueError> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    if key.trim().is_empty() {
        return Err(KeyValueError::EmptyKey(text.to_owned()));
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// Pairs that all have a value.
pub(crate) fn key_values(texts: &[&str]) -> Result<StringMap, KeyValueError> {
    texts
        .iter()
        .map(|text| {
            if text.contains('=') { key_value(text) } else { Err(KeyValueError::NoValue((*text).to_owned())) }
        })
        .collect()
}
