//! `--health-*` and `--no-healthcheck`.

use super::refuse;
use crate::args::Typed;
use crate::failure::Failure;
use crate::parse;
use docker_model::HealthcheckConfig;

const FLAGS: [&str; 6] = [
    "health-cmd",
    "health-interval",
    "health-retries",
    "health-start-interval",
    "health-start-period",
    "health-timeout",
];

pub(super) fn healthcheck(typed: &Typed) -> Result<Option<HealthcheckConfig>, Failure> {
    let asked = FLAGS.iter().any(|flag| typed.was_typed(flag));
    if typed.is_on("no-healthcheck") {
        if asked {
            return Err(refuse("--no-healthcheck conflicts with --health-* options"));
        }
        return Ok(Some(HealthcheckConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..HealthcheckConfig::default()
        }));
    }
    if !asked {
        return Ok(None);
    }
    let time = |flag: &str| match typed.parsed(flag, parse::duration)?.unwrap_or(0) {
        value if value < 0 => Err(refuse(format!("--{flag} cannot be negative"))),
        // moby: `containertypes.MinimumDuration`.
        value if value > 0 && value < 1_000_000 => Err(refuse(format!("--{flag} cannot be less than 1ms"))),
        value => Ok(value),
    };
    let retries = typed.parsed("health-retries", parse::integer)?.unwrap_or(0);
    if retries < 0 {
        return Err(refuse("--health-retries cannot be negative"));
    }
    let command = typed.text("health-cmd").filter(|text| !text.is_empty());
    Ok(Some(HealthcheckConfig {
        test: command.map(|text| vec!["CMD-SHELL".to_owned(), text.to_owned()]),
        interval: time("health-interval")?,
        timeout: time("health-timeout")?,
        start_period: time("health-start-period")?,
        start_interval: time("health-start-interval")?,
        retries,
    }))
}
