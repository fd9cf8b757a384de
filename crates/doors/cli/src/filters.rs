//! `--filter key=value`: values of one key are alternatives, different keys must all hold.

use crate::failure::Failure;
use std::collections::BTreeMap;

/// Filters by key.
#[derive(Debug, Default)]
pub(crate) struct Filters(BTreeMap<String, Vec<String>>);

impl Filters {
    /// Takes what was typed; `allowed` are the keys that the verb knows.
    pub(crate) fn parse(typed: &[&str], allowed: &[&str]) -> Result<Self, Failure> {
        let mut filters = BTreeMap::<String, Vec<String>>::new();
        for text in typed {
            let (key, value) = text.split_once('=').ok_or_else(|| {
                Failure::new(format!(
                    "invalid argument {text:?} for \"-f, --filter\" flag: bad format of filter (expected name=value)"
                ))
                .with_code(125)
            })?;
            let key = key.trim().to_lowercase();
            if !allowed.contains(&key.as_str()) {
                return Err(Failure::new(format!(
                    "invalid filter '{key}'; known here: {}",
                    allowed.join(", ")
                )));
            }
            filters.entry(key).or_default().push(value.trim().to_owned());
        }
        Ok(Self(filters))
    }

    /// The values of a key.
    pub(crate) fn values(&self, key: &str) -> &[String] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    /// Whether a key was given.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Whether no value was given for the key, or `matches` says yes to one of them.
    pub(crate) fn any(&self, key: &str, matches: impl Fn(&str) -> bool) -> bool {
        let values = self.values(key);
        values.is_empty() || values.iter().any(|value| matches(value))
    }

    /// Whether every `label=key` and `label=key=value` holds.
    pub(crate) fn labels(&self, labels: &BTreeMap<String, String>) -> bool {
        self.values("label").iter().all(|wanted| has_label(labels, wanted))
    }

    /// Whether a `label!=key` or `label!=key=value` keeps out what has these labels.
    pub(crate) fn excludes(&self, labels: &BTreeMap<String, String>) -> bool {
        self.values("label!").iter().any(|wanted| has_label(labels, wanted))
    }
}

fn has_label(labels: &BTreeMap<String, String>, wanted: &str) -> bool {
    match wanted.split_once('=') {
        Some((key, value)) => labels.get(key).is_some_and(|seen| seen == value),
        None => labels.contains_key(wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_joined_by_and_values_by_or() {
        let filters = Filters::parse(
            &["status=exited", "status=created", "label=a", "label=b=2"],
            &["status", "label"],
        );
        let filters = filters.unwrap_or_default();
        assert!(filters.any("status", |value| value == "created"));
        assert!(!filters.any("status", |value| value == "running"));
        assert!(filters.any("name", |_| false));
        let labels = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
        assert!(filters.labels(&labels));
        assert!(!filters.labels(&BTreeMap::new()));
    }

    #[test]
    fn unknown_keys_are_named() {
        assert!(
            Filters::parse(&["colour=red"], &["status"])
                .is_err_and(|failure| failure.message.contains("'colour'"))
        );
        assert!(Filters::parse(&["status"], &["status"]).is_err());
    }
}
