//! What the filters of a `prune` keep.

use crate::failure::Failure;
use crate::filters::Filters;

/// What filters keep.
pub(crate) struct Keep {
    filters: Filters,
    /// Nanoseconds since 1970.
    until: Option<i64>,
}

impl Keep {
    /// Takes what was typed, or set by the user.
    pub(crate) fn parse(typed: &[&str]) -> Result<Self, Failure> {
        let filters = Filters::parse(typed, &["label", "label!", "until"])?;
        let now = jiff::Timestamp::now();
        let until = match filters.values("until") {
            [] => None,
            [text] => Some(crate::moment::parse(text, now).map_err(|error| {
                Failure::new(format!("invalid value for the filter until: {text}: {error}"))
            })?),
            _ => return Err(Failure::new("more than one until filter specified")),
        };
        Ok(Self { filters, until })
    }

    /// Whether what is young stays.
    pub(crate) fn has_until(&self) -> bool {
        self.until.is_some()
    }

    /// Whether something created then, with these labels, stays.
    pub(crate) fn keeps(&self, created: Option<&str>, labels: &docker_model::StringMap) -> bool {
        let created_ns =
            created.and_then(|text| text.parse::<jiff::Timestamp>().ok()).map(jiff::Timestamp::as_nanosecond);
        let young = match (self.until, created_ns) {
            (Some(until), Some(created)) => created >= i128::from(until),
            // What has no date cannot be said to be old.
            (Some(_), None) => true,
            (None, _) => false,
        };
        young || self.filters.excludes(labels) || !self.filters.labels(labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_say_what_stays() {
        let labels = docker_model::StringMap::from([("a".to_owned(), "1".to_owned())]);
        let keep = |texts: &[&str], until| {
            let filters = Filters::parse(texts, &["label", "label!", "until"]).unwrap_or_default();
            Keep { filters, until }.keeps(Some("2026-01-01T00:00:00Z"), &labels)
        };
        assert!(!keep(&[], None));
        assert!(!keep(&["label=a"], None));
        assert!(keep(&["label=b"], None));
        assert!(keep(&["label!=a"], None));
        assert!(keep(&[], Some(0)));
        assert!(!keep(&[], Some(i64::MAX)));
    }
}
