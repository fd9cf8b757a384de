//! Where a command is to run: `-H`, `--context`, `DOCKER_HOST`, `DOCKER_CONTEXT`, the context in use, else here.

use crate::contexts::{ContextError, DEFAULT, Store};
use crate::failure::Failure;
use std::path::PathBuf;

/// What Docker calls this machine.
pub(crate) const LOCAL: &str = "unix:///var/run/docker.sock";

/// What was typed before the verb about the surroundings.
#[derive(Debug, Default, Clone)]
pub(crate) struct Asked {
    /// `--config`.
    pub(crate) config: Option<PathBuf>,
    /// `-H`.
    pub(crate) host: Option<String>,
    /// `--context`.
    pub(crate) context: Option<String>,
}

impl Asked {
    /// The name of the context, in Docker's order; `current` is what the user's settings say.
    pub(crate) fn context_name(&self, current: impl FnOnce() -> String) -> String {
        let typed = self.context.clone().filter(|name| !name.is_empty());
        if let Some(name) = typed {
            return name;
        }
        if self.host.is_some() || variable("DOCKER_HOST").is_some() {
            return DEFAULT.to_owned();
        }
        let chosen = variable("DOCKER_CONTEXT").unwrap_or_else(current);
        if chosen.is_empty() { DEFAULT.to_owned() } else { chosen }
    }

    /// The endpoint of the default context.
    pub(crate) fn default_host(&self) -> String {
        let typed = self.host.clone().filter(|host| !host.is_empty());
        typed.or_else(|| variable("DOCKER_HOST")).unwrap_or_else(|| LOCAL.to_owned())
    }

    /// Where the context of that name leads.
    pub(crate) fn target(&self, name: String, store: Option<&Store>) -> Result<Target, ContextError> {
        if name == DEFAULT {
            let by = if self.host.is_some() { ChosenBy::Flag } else { ChosenBy::Variable };
            return Ok(Target { host: self.default_host(), context: name, by });
        }
        let meta = match store {
            Some(store) => store.read(&name)?,
            None => return Err(ContextError::NotFound { name, path: PathBuf::from("meta.json") }),
        };
        Ok(Target { host: meta.docker().host, context: name, by: ChosenBy::Context })
    }
}

/// A variable of the environment; an empty one counts as not set.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What chose a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChosenBy {
    Flag,
    Variable,
    Context,
}

/// A place to run commands at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The context's name.
    pub(crate) context: String,
    /// Its endpoint.
    pub(crate) host: String,
    by: ChosenBy,
}

impl Target {
    /// Whether that is this machine.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.host.as_str(), "" | "local" | LOCAL | "unix:///run/docker.sock")
    }

    /// A server that was asked for must not silently become this machine.
    pub(crate) fn require_local(&self) -> Result<(), Failure> {
        if self.is_local() {
            return Ok(());
        }
        let (host, name) = (&self.host, &self.context);
        let text = match self.by {
            ChosenBy::Flag => format!(
                "--host is not supported by this version of sampan: it works on this machine without a server ({host} was asked for)"
            ),
            ChosenBy::Variable => format!(
                "DOCKER_HOST={host} is not supported by this version of sampan: it works on this machine without a server; unset DOCKER_HOST"
            ),
            ChosenBy::Context => format!(
                "context {name:?} leads to {host}, which is not supported by this version of sampan: it works on this machine without a server; say --context default, or 'sampan context use default'"
            ),
        };
        Err(Failure::new(text).with_code(125))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_comes_first() {
        let asked = |host: Option<&str>, context: Option<&str>| Asked {
            config: None,
            host: host.map(str::to_owned),
            context: context.map(str::to_owned),
        };
        let current = || "mine".to_owned();
        assert_eq!(asked(None, Some("far")).context_name(current), "far");
        assert_eq!(asked(Some("tcp://a:1"), None).context_name(current), "default");
        let target = asked(Some("tcp://a:1"), None).target("default".into(), None).unwrap();
        assert!(target.require_local().unwrap_err().message.contains("--host"));
        let target = asked(Some("unix:///run/docker.sock"), None).target("default".into(), None).unwrap();
        assert!(target.require_local().is_ok());
    }
}
