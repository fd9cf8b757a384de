//! Health probes: merge with the image's, and Docker's defaults filled in.

use super::PlanError;
use crate::model::HealthConfig;
use monitor::desired::HealthPlan;
use spec::image::Healthcheck;

const SECOND: u64 = 1_000_000_000;
/// Docker's defaults (moby, `daemon/health.go`).
const INTERVAL: u64 = 30 * SECOND;
const TIMEOUT: u64 = 30 * SECOND;
const START_INTERVAL: u64 = 5 * SECOND;
const RETRIES: u32 = 3;
/// The shortest duration that Docker takes.
const SHORTEST: u64 = 1_000_000;

/// The check in force, for `inspect`; an inherited one keeps the image's values where the request has none.
pub(super) fn merged(asked: &HealthConfig, image: Option<&Healthcheck>) -> Option<Healthcheck> {
    match asked {
        HealthConfig::Inherit => image.cloned(),
        HealthConfig::Disabled => Some(Healthcheck { test: vec!["NONE".into()], ..Healthcheck::default() }),
        HealthConfig::Custom(custom) => {
            let base = image.cloned().unwrap_or_default();
            let or = |mine: u64, other: u64| if mine == 0 { other } else { mine };
            Some(Healthcheck {
                test: if custom.test.is_empty() { base.test } else { custom.test.clone() },
                interval: or(custom.interval, base.interval),
                timeout: or(custom.timeout, base.timeout),
                start_period: or(custom.start_period, base.start_period),
                start_interval: or(custom.start_interval, base.start_interval),
                retries: or(custom.retries, base.retries),
            })
        }
    }
}

/// The plan of the probes; `None` when there are none. `shell` is the image's for the shell form.
///
/// # Errors
/// [`PlanError::Health`] for a form that is not known, or a duration below a millisecond.
pub fn plan(check: Option<&Healthcheck>, shell: &[String]) -> Result<Option<HealthPlan>, PlanError> {
    let Some(check) = check else { return Ok(None) };
    let args = match check.test.split_first() {
        None => return Ok(None),
        Some((form, _)) if form == "NONE" => return Ok(None),
        Some((form, rest)) if form == "CMD" && !rest.is_empty() => rest.to_vec(),
        Some((form, [text, ..])) if form == "CMD-SHELL" => {
            let mut args =
                if shell.is_empty() { vec!["/bin/sh".to_owned(), "-c".to_owned()] } else { shell.to_vec() };
            args.push(text.clone());
            args
        }
        Some(_) => {
            return Err(PlanError::Health("a health check must be NONE, CMD or CMD-SHELL with a command"));
        }
    };
    for (value, message) in [
        (check.interval, "Interval in Healthcheck cannot be less than 1ms"),
        (check.timeout, "Timeout in Healthcheck cannot be less than 1ms"),
        (check.start_period, "StartPeriod in Healthcheck cannot be less than 1ms"),
        (check.start_interval, "StartInterval in Healthcheck cannot be less than 1ms"),
    ] {
        if value != 0 && value < SHORTEST {
            return Err(PlanError::Health(message));
        }
    }
    let or = |value: u64, default: u64| if value == 0 { default } else { value };
    Ok(Some(HealthPlan {
        args,
        interval_ns: or(check.interval, INTERVAL),
        timeout_ns: or(check.timeout, TIMEOUT),
        start_period_ns: check.start_period,
        start_interval_ns: or(check.start_interval, START_INTERVAL),
        retries: u32::try_from(check.retries).ok().filter(|count| *count > 0).unwrap_or(RETRIES),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_and_defaults() {
        let shell = Healthcheck { test: vec!["CMD-SHELL".into(), "true".into()], ..Healthcheck::default() };
        let planned = plan(Some(&shell), &[]).unwrap().unwrap();
        assert_eq!(planned.args, ["/bin/sh", "-c", "true"]);
        assert_eq!((planned.interval_ns, planned.retries), (30 * SECOND, 3));
        let none = merged(&HealthConfig::Disabled, Some(&shell)).unwrap();
        assert_eq!(plan(Some(&none), &[]), Ok(None));
        let wrong = Healthcheck { test: vec!["EXEC".into()], ..Healthcheck::default() };
        assert!(plan(Some(&wrong), &[]).is_err());
    }

    #[test]
    fn a_custom_interval_keeps_the_images_test() {
        let image =
            Healthcheck { test: vec!["CMD".into(), "/check".into()], retries: 9, ..Healthcheck::default() };
        let custom = HealthConfig::Custom(Healthcheck { interval: SECOND, ..Healthcheck::default() });
        let check = merged(&custom, Some(&image)).unwrap();
        let planned = plan(Some(&check), &[]).unwrap().unwrap();
        assert_eq!(
            (planned.args.as_slice(), planned.interval_ns, planned.retries),
            (&["/check".to_owned()][..], SECOND, 9)
        );
    }
}
