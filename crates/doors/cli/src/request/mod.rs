//! From the flags of `run` and `create` to Docker's request: the second step, what was meant.

mod config;
mod flags;
mod health;
mod host;
mod network;
mod refused;
mod security;

pub(crate) use flags::{define, define_run, limits};
pub(crate) use host::resources;
pub(crate) use refused::{CREATE_REFUSED, RUN_REFUSED};

use crate::args::Typed;
use crate::context::Context;
use crate::failure::Failure;
use docker_model::ContainerCreateRequest;

/// The request that the flags and arguments mean.
pub(crate) fn create_request(typed: &Typed) -> Result<ContainerCreateRequest, Failure> {
    let (network_mode, networking_config) = network::networks(typed)?;
    let mut config = config::container(typed)?;
    let host_config = host::host(typed, network_mode, &mut config)?;
    Ok(ContainerCreateRequest { config, host_config, networking_config })
}

/// Adds the proxies of the user's settings to the environment.
pub(crate) fn add_proxies(
    context: &Context,
    typed: &Typed,
    request: &mut ContainerCreateRequest,
) -> Result<(), Failure> {
    let settings = context.settings();
    if settings.proxies.is_empty() {
        return Ok(());
    }
    let host = context.target()?.host;
    let variables = settings.proxy_variables(&host, &typed.list("env"));
    request.config.env.get_or_insert_default().extend(variables);
    Ok(())
}

/// A complaint of Docker's that is not about one flag's value: exit code 125.
pub(crate) fn refuse(message: impl Into<String>) -> Failure {
    Failure::new(message).with_code(125)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::parse_verb;
    use crate::verbs::create::CREATE;
    use serde_json::Value;
    use std::ffi::OsString;

    /// What Docker's command line 28.2.2 sends to `POST /containers/create`, or says instead, recorded with a server
    /// that only listens. One JSON document a line.
    const RECORDED: &str = include_str!("docker-28-create.jsonl");

    /// Go's decoder takes an absent value, `null` and the zero value alike.
    fn without_zeros(value: &Value) -> Option<Value> {
        let empty = match value {
            Value::Null | Value::Bool(false) => true,
            Value::Number(number) => number.as_i64() == Some(0),
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.iter().all(|item| without_zeros(item).is_none()),
            Value::Object(fields) => {
                let kept: serde_json::Map<_, _> = fields
                    .iter()
                    .filter_map(|(key, value)| match (key.contains('/'), without_zeros(value)) {
                        (_, Some(value)) => Some((key.clone(), value)),
                        // A set of ports or paths: the keys are what counts.
                        (true, None) => Some((key.clone(), Value::Null)),
                        (false, None) => None,
                    })
                    .collect();
                return (!kept.is_empty()).then(|| kept.into());
            }
            Value::Bool(true) => false,
        };
        (!empty).then(|| value.clone())
    }

    fn ours(args: &[OsString]) -> Result<Value, Failure> {
        let typed = parse_verb(&CREATE, "sampan create", args)?;
        let request = create_request(&typed)?;
        serde_json::to_value(request).map_err(|error| Failure::of(&error))
    }

    #[test]
    fn the_same_request_as_docker_or_the_same_complaint() {
        let mut wrong = Vec::new();
        for line in RECORDED.lines() {
            let recorded: Value = serde_json::from_str(line).unwrap();
            let words = recorded["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
            let args: Vec<OsString> = words.clone().map(OsString::from).collect();
            let shown = words.collect::<Vec<_>>().join(" ");
            match (ours(&args), recorded.get("error").and_then(Value::as_str)) {
                (Ok(body), None) if without_zeros(&body) == without_zeros(&recorded["body"]) => {}
                (Ok(body), None) => wrong.push(format!(
                    "{shown}\n  ours   {}\n  docker {}",
                    without_zeros(&body).unwrap_or_default(),
                    without_zeros(&recorded["body"]).unwrap_or_default()
                )),
                (Err(failure), Some(error)) => {
                    let error = error.trim_start_matches("docker: ");
                    if !failure.message.contains(error)
                        || i64::from(failure.code) != recorded["code"].as_i64().unwrap()
                    {
                        wrong.push(format!(
                            "{shown}\n  ours   {} {}\n  docker {error}",
                            failure.code, failure.message
                        ));
                    }
                }
                (Ok(_), Some(error)) => wrong.push(format!("{shown}: docker refuses: {error}")),
                (Err(failure), None) => wrong.push(format!("{shown}: we refuse: {}", failure.message)),
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
