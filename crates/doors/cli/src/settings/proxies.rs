//! Proxies that containers are told of.

use super::{Settings, or_default};
use serde::Deserialize;

/// The proxies for one host.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Proxies {
    #[serde(deserialize_with = "or_default")]
    pub(crate) http_proxy: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) https_proxy: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) no_proxy: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) ftp_proxy: String,
    #[serde(deserialize_with = "or_default")]
    pub(crate) all_proxy: String,
}

impl Settings {
    /// The variables (`NAME=value`) that a container on `host` gets besides `typed` (`NAME`, `NAME=value`), which
    /// keep their say: each in capitals and in small letters, as programs look for the one or the other.
    pub(crate) fn proxy_variables(&self, host: &str, typed: &[&str]) -> Vec<String> {
        let Some(proxies) = self.proxies.get(host).or_else(|| self.proxies.get("default")) else {
            return Vec::new();
        };
        let known = [
            ("HTTP_PROXY", &proxies.http_proxy),
            ("HTTPS_PROXY", &proxies.https_proxy),
            ("NO_PROXY", &proxies.no_proxy),
            ("FTP_PROXY", &proxies.ftp_proxy),
            ("ALL_PROXY", &proxies.all_proxy),
        ];
        let is_typed = |name: &str| typed.iter().any(|one| one.split('=').next() == Some(name));
        known
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .flat_map(|(name, value)| [(name.to_owned(), value), (name.to_lowercase(), value)])
            .filter(|(name, _)| !is_typed(name))
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_is_typed_wins_and_a_host_has_its_own() {
        let one = |http: &str| Proxies { http_proxy: http.into(), ..Proxies::default() };
        let proxies = BTreeMap::from([
            ("default".to_owned(), Proxies { no_proxy: "local".into(), ..one("http://a") }),
            ("tcp://far:1".to_owned(), one("http://b")),
        ]);
        let settings = Settings { proxies, ..Settings::default() };
        assert_eq!(
            settings.proxy_variables("unix:///var/run/docker.sock", &["HTTP_PROXY=", "no_proxy"]),
            ["http_proxy=http://a", "NO_PROXY=local"]
        );
        assert_eq!(
            settings.proxy_variables("tcp://far:1", &[]),
            ["HTTP_PROXY=http://b", "http_proxy=http://b"]
        );
        assert!(Settings::default().proxy_variables("", &[]).is_empty());
    }
}
