//! What the user keeps in `~/.docker/config.json`: proxies, keys, formats, filters and the context in use.
//!
//! Credentials in the same file are read by the registry client. Keys that nobody knows are left alone; those that
//! only speak to a server (`HttpHeaders`) or to plugins mean nothing where there is none.

mod change;
mod proxies;

pub(crate) use change::{replace, set_current_context};
pub(crate) use proxies::Proxies;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How much of the file is read.
const READ_MAX: u64 = 1 << 20;

/// The settings that are honoured.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Settings {
    /// By the host that runs the containers; `default` for all others.
    #[serde(deserialize_with = "or_default")]
    pub(crate) proxies: BTreeMap<String, Proxies>,
    /// `--detach-keys` where none are typed.
    #[serde(deserialize_with = "or_default")]
    pub(crate) detach_keys: String,
    /// `--format` of `ps`.
    #[serde(deserialize_with = "or_default")]
    pub(crate) ps_format: String,
    /// `--format` of `images`.
    #[serde(deserialize_with = "or_default")]
    pub(crate) images_format: String,
    /// `--format` of `network ls`.
    #[serde(deserialize_with = "or_default")]
    pub(crate) networks_format: String,
    /// `--format` of `volume ls`.
    #[serde(deserialize_with = "or_default")]
    pub(crate) volumes_format: String,
    /// `--format` of `stats`.
    #[serde(deserialize_with = "or_default")]
    pub(crate) stats_format: String,
    /// `--filter` of every `prune`, besides those that are typed.
    #[serde(deserialize_with = "or_default")]
    pub(crate) prune_filters: Vec<String>,
    /// The context in use; empty for the default one.
    #[serde(deserialize_with = "or_default")]
    pub(crate) current_context: String,
}

/// Go reads `null` as nothing.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// The user's directory: `--config`, `DOCKER_CONFIG`, `~/.docker`.
pub(crate) fn directory(typed: Option<&Path>) -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    typed
        .filter(|path| !path.as_os_str().is_empty())
        .map(Path::to_owned)
        .or_else(|| variable("DOCKER_CONFIG"))
        .or_else(|| variable("HOME").map(|home| home.join(".docker")))
}

/// The file in that directory.
pub(crate) fn file_in(directory: &Path) -> PathBuf {
    directory.join("config.json")
}

impl Settings {
    /// Reads the file, with what Docker warns of when it is broken: what is understood counts, the rest does not.
    pub(crate) fn read(path: &Path) -> (Self, Option<String>) {
        match text_of(path) {
            Ok(text) => {
                let (settings, problem) = Self::parse(&text);
                let shown = path.display();
                (settings, problem.map(|problem| format!("Error parsing config file ({shown}): {problem}")))
            }
            Err(error) => {
                let reason = crate::failure::chain(&error);
                let warning = format!("Error loading config file: open {}: {reason}", path.display());
                (Self::default(), Some(warning))
            }
        }
    }

    fn parse(text: &str) -> (Self, Option<String>) {
        if text.trim().is_empty() {
            return (Self::default(), None);
        }
        let read = serde_json::from_str::<Map<String, Value>>(text).and_then(|_| serde_json::from_str(text));
        match read {
            Ok(settings) => (settings, None),
            Err(error) => (Self::parts(text), Some(error.to_string())),
        }
    }

    /// The keys that are good by themselves, so that a wrong one does not hide which context is in use.
    fn parts(text: &str) -> Self {
        let keys: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
        let good = keys.into_iter().filter(|(key, value)| {
            let alone = Map::from_iter([(key.clone(), value.clone())]);
            serde_json::from_value::<Self>(Value::Object(alone)).is_ok()
        });
        serde_json::from_value(Value::Object(good.collect())).unwrap_or_default()
    }
}

/// The text of a file; empty when there is none.
fn text_of(path: &Path) -> io::Result<String> {
    match File::open(path) {
        Ok(file) => io::read_to_string(file.take(READ_MAX)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(String::new())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_file_is_understood() {
        let (settings, warning) = Settings::parse(
            r#"{"auths":{},"proxies":{"default":{"httpProxy":"http://p:1"}},"detachKeys":"ctrl-x","psFormat":"{{.ID}}",
                "HttpHeaders":{"a":"b"},"pruneFilters":["label!=keep"],"currentContext":null,"imagesFormat":"table {{.ID}}"}"#,
        );
        assert_eq!(warning, None);
        assert_eq!(settings.proxies["default"].http_proxy, "http://p:1");
        assert_eq!((settings.detach_keys.as_str(), settings.ps_format.as_str()), ("ctrl-x", "{{.ID}}"));
        assert_eq!((settings.prune_filters.len(), settings.current_context.as_str()), (1, ""));
    }

    #[test]
    fn a_wrong_key_hides_no_other() {
        let (settings, warning) = Settings::parse("{\n  \"psFormat\": 3,\n  \"currentContext\": \"far\"\n}");
        assert_eq!(settings.current_context, "far");
        assert!(warning.is_some_and(|text| text.contains("line 2")));
        let (settings, warning) = Settings::parse("{\n \"psFormat\": \"x\",\n");
        assert_eq!(settings, Settings::default());
        assert!(warning.is_some_and(|text| text.contains("line 3")));
        assert_eq!(Settings::parse(" \n"), (Settings::default(), None));
        assert!(Settings::parse("[]").1.is_some());
    }
}
