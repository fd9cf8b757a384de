//! `--ulimit`: `type=soft[:hard]`, -1 for no limit.

use docker_model::Ulimit;

/// Not a limit. The words are Docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidUlimit {
    /// No `=`.
    #[error("invalid ulimit argument: {0}")]
    Format(String),
    /// No such limit.
    #[error("invalid ulimit type: {0}")]
    Type(String),
    /// Not one or two numbers.
    #[error("invalid limit value in {0}: one number, or two with ':' between")]
    Value(String),
    /// Soft above hard.
    #[error("ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}")]
    Order {
        /// In force.
        soft: i64,
        /// Ceiling.
        hard: i64,
    },
}

/// Names of getrlimit(2) without `RLIMIT_`.
const TYPES: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// `nofile=1024:2048`.
pub(crate) fn ulimit(text: &str) -> Result<Ulimit, InvalidUlimit> {
    let (name, values) = text.split_once('=').ok_or_else(|| InvalidUlimit::Format(text.to_owned()))?;
    if !TYPES.contains(&name) {
        return Err(InvalidUlimit::Type(name.to_owned()));
    }
    let number = |value: &str| {
        value
            .parse::<i64>()
            .ok()
            .filter(|value| *value >= -1)
            .ok_or_else(|| InvalidUlimit::Value(text.to_owned()))
    };
    let (soft, hard) = match values.split_once(':') {
        Some((soft, hard)) => (number(soft)?, number(hard)?),
        None => (number(values)?, number(values)?),
    };
    if hard != -1 && (soft == -1 || soft > hard) {
        return Err(InvalidUlimit::Order { soft, hard });
    }
    Ok(Ulimit { name: name.to_owned(), hard, soft })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        let limit = |soft, hard| Ok(Ulimit { name: "nofile".into(), hard, soft });
        assert_eq!(ulimit("nofile=5"), limit(5, 5));
        assert_eq!(ulimit("nofile=5:-1"), limit(5, -1));
        assert_eq!(ulimit("nofile=-1"), limit(-1, -1));
        assert_eq!(ulimit("nofile"), Err(InvalidUlimit::Format("nofile".into())));
        assert_eq!(ulimit("files=5"), Err(InvalidUlimit::Type("files".into())));
        assert_eq!(ulimit("nofile=5:4"), Err(InvalidUlimit::Order { soft: 5, hard: 4 }));
        assert!(
            ulimit("nofile=5:6:7").is_err() && ulimit("nofile=").is_err() && ulimit("nofile=-2").is_err()
        );
    }
}
