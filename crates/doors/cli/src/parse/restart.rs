//! `--restart`.

use docker_model::RestartPolicy;

/// Not a restart policy. The words are Docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidRestart {
    /// Nothing before the colon.
    #[error("invalid restart policy format: no policy provided before colon")]
    NoPolicy,
    /// No number after it.
    #[error("invalid restart policy format: maximum retry count must be an integer")]
    Count,
    /// A negative number.
    #[error("invalid restart policy: maximum retry count cannot be negative")]
    Negative,
    /// A count that only `on-failure` has.
    #[error("invalid restart policy: maximum retry count can only be used with 'on-failure'")]
    CountNotAllowed,
    /// No such policy.
    #[error(
        "invalid restart policy: unknown policy '{0}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
    )]
    Unknown(String),
}

/// `no`, `always`, `unless-stopped`, `on-failure[:count]`.
pub(crate) fn restart_policy(text: &str) -> Result<RestartPolicy, InvalidRestart> {
    let (name, count) = match text.split_once(':') {
        Some(("", _)) => return Err(InvalidRestart::NoPolicy),
        Some((name, count)) => (name, Some(count.parse::<i64>().map_err(|_| InvalidRestart::Count)?)),
        None => (text, None),
    };
    if !matches!(name, "" | "no" | "always" | "unless-stopped" | "on-failure") {
        return Err(InvalidRestart::Unknown(name.to_owned()));
    }
    match count {
        Some(count) if count < 0 => return Err(InvalidRestart::Negative),
        Some(count) if count > 0 && name != "on-failure" => return Err(InvalidRestart::CountNotAllowed),
        _ => {}
    }
    Ok(RestartPolicy { name: name.to_owned(), maximum_retry_count: count.unwrap_or(0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies() {
        let policy =
            |name: &str, maximum_retry_count| Ok(RestartPolicy { name: name.into(), maximum_retry_count });
        assert_eq!(restart_policy("no"), policy("no", 0));
        assert_eq!(restart_policy("on-failure:3"), policy("on-failure", 3));
        assert_eq!(restart_policy("unless-stopped"), policy("unless-stopped", 0));
        assert_eq!(restart_policy(":3"), Err(InvalidRestart::NoPolicy));
        assert_eq!(restart_policy("on-failure:x"), Err(InvalidRestart::Count));
        assert_eq!(restart_policy("on-failure:-1"), Err(InvalidRestart::Negative));
        assert_eq!(restart_policy("always:3"), Err(InvalidRestart::CountNotAllowed));
        assert_eq!(restart_policy("never"), Err(InvalidRestart::Unknown("never".into())));
    }
}
