//! The merge of request and image: what runs.

use super::{PlanError, environment, health, ports};
use crate::model::{ContainerConfig, EffectiveConfig};
use spec::image::ExecutionConfig;

/// The longest host name (`HOST_NAME_MAX`).
const HOSTNAME_MAX: usize = 64;

/// Merges the request with the image's configuration, by Docker's rules. `default_hostname` is used when none was
/// asked for.
///
/// # Errors
/// When there is nothing to run, or a value is out of its range.
pub fn effective(
    config: &ContainerConfig,
    image: &ExecutionConfig,
    default_hostname: &str,
) -> Result<EffectiveConfig, PlanError> {
    let (entrypoint, command) = arguments(config, image);
    if entrypoint.is_empty() && command.is_empty() {
        return Err(PlanError::NoCommand);
    }
    check_environment(&config.env)?;
    let working_dir = config.working_dir.clone().unwrap_or_else(|| image.working_dir.clone());
    if !working_dir.is_empty() && !working_dir.starts_with('/') {
        return Err(PlanError::WorkingDirectory { path: working_dir });
    }
    let mut labels = image.labels.clone();
    labels.extend(config.labels.clone());
    Ok(EffectiveConfig {
        entrypoint,
        command,
        env: environment::of_container(&image.env, &config.env),
        labels,
        working_dir,
        user: config.user.clone().filter(|user| !user.is_empty()).unwrap_or_else(|| image.user.clone()),
        hostname: hostname(config, default_hostname)?,
        stop_signal: config.stop_signal.clone().or_else(|| image.stop_signal.clone()),
        healthcheck: health::merged(&config.health, image.healthcheck.as_ref()),
        exposed_ports: ports::exposed(&config.exposed_ports, &config.publish, image)?,
    })
}

/// An entry point of the request discards the image's command; a command of the request replaces the image's.
fn arguments(config: &ContainerConfig, image: &ExecutionConfig) -> (Vec<String>, Vec<String>) {
    match &config.entrypoint {
        Some(entrypoint) => {
            let cleared = entrypoint.is_empty() || entrypoint == &[String::new()];
            (if cleared { Vec::new() } else { entrypoint.clone() }, config.command.clone())
        }
        None if config.command.is_empty() => (image.entrypoint.clone(), image.cmd.clone()),
        None => (image.entrypoint.clone(), config.command.clone()),
    }
}

fn check_environment(env: &[String]) -> Result<(), PlanError> {
    match env.iter().find(|text| text.is_empty() || text.starts_with('=') || text.contains('\0')) {
        Some(text) => Err(PlanError::Environment { text: text.clone() }),
        None => Ok(()),
    }
}

fn hostname(config: &ContainerConfig, default: &str) -> Result<String, PlanError> {
    let Some(name) = config.hostname.as_ref().filter(|name| !name.is_empty()) else {
        return Ok(default.to_owned());
    };
    let fits = name.len() <= HOSTNAME_MAX
        && !name.starts_with(['-', '.'])
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    if fits { Ok(name.clone()) } else { Err(PlanError::Hostname { name: name.clone() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> ExecutionConfig {
        ExecutionConfig {
            entrypoint: vec!["/entry".into()],
            cmd: vec!["serve".into()],
            env: vec!["PATH=/bin".into(), "A=1".into()],
            user: "app".into(),
            working_dir: "/srv".into(),
            ..ExecutionConfig::default()
        }
    }

    fn args(config: &ContainerConfig) -> Vec<String> {
        let merged = effective(config, &image(), "host").unwrap();
        merged.entrypoint.into_iter().chain(merged.command).collect()
    }

    #[test]
    fn what_runs() {
        let mut config = ContainerConfig::default();
        assert_eq!(args(&config), ["/entry", "serve"]);
        config.command = vec!["x".into()];
        assert_eq!(args(&config), ["/entry", "x"]);
        config.entrypoint = Some(vec!["/other".into()]);
        assert_eq!(args(&config), ["/other", "x"]);
        config.command = Vec::new();
        assert_eq!(args(&config), ["/other"]);
        config.entrypoint = Some(Vec::new());
        assert_eq!(effective(&config, &image(), "h"), Err(PlanError::NoCommand));
    }

    #[test]
    fn values_of_the_request_win() {
        let config = ContainerConfig {
            env: vec!["A=2".into(), "B=3".into()],
            user: Some("1000:5".into()),
            hostname: Some("web".into()),
            ..ContainerConfig::default()
        };
        let merged = effective(&config, &image(), "default").unwrap();
        assert_eq!(merged.env, ["A=2", "B=3", "PATH=/bin"]);
        assert_eq!((merged.user.as_str(), merged.hostname.as_str()), ("1000:5", "web"));
        assert_eq!(merged.working_dir, "/srv");
    }

    #[test]
    fn bad_values() {
        for config in [
            ContainerConfig { working_dir: Some("x".into()), ..ContainerConfig::default() },
            ContainerConfig { hostname: Some("a b".into()), ..ContainerConfig::default() },
            ContainerConfig { env: vec!["=x".into()], ..ContainerConfig::default() },
        ] {
            assert!(effective(&config, &image(), "h").is_err());
        }
    }
}
