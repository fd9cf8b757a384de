//! Resource limits (getrlimit(2)) from `--ulimit` and the host file.

use super::PlanError;
use crate::model::Ulimit;
use spec::runtime::Rlimit;

/// Names without `RLIMIT_`.
const NAMES: [&str; 16] = [
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
    "as",
];

/// The limits: `defaults` where the request names none.
pub(super) fn limits(asked: &[Ulimit], defaults: &[Ulimit]) -> Result<Vec<Rlimit>, PlanError> {
    let inherited = defaults.iter().filter(|limit| !asked.iter().any(|own| own.name == limit.name));
    asked
        .iter()
        .chain(inherited)
        .map(|limit| {
            if !NAMES.contains(&limit.name.as_str()) {
                return Err(PlanError::UlimitType { name: limit.name.clone() });
            }
            if limit.soft > limit.hard {
                return Err(PlanError::UlimitOrder { soft: limit.soft, hard: limit.hard });
            }
            let kind = format!("RLIMIT_{}", limit.name.to_ascii_uppercase());
            Ok(Rlimit { kind, soft: limit.soft, hard: limit.hard })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(name: &str, soft: u64, hard: u64) -> Ulimit {
        Ulimit { name: name.into(), soft, hard }
    }

    #[test]
    fn the_request_wins_over_the_host_file() {
        let merged = limits(&[limit("nofile", 5, 6)], &[limit("nofile", 1, 1), limit("core", 0, 0)]).unwrap();
        assert_eq!(
            merged.iter().map(|one| (one.kind.as_str(), one.soft)).collect::<Vec<_>>(),
            [("RLIMIT_NOFILE", 5), ("RLIMIT_CORE", 0)]
        );
        assert!(limits(&[limit("files", 1, 1)], &[]).is_err());
        assert!(limits(&[limit("nofile", 2, 1)], &[]).is_err());
    }
}
