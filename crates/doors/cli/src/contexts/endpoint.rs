//! `--docker host=...,ca=...`: where the containers of a context run.

use super::store::bytes_of;
use super::{Certificates, ContextError, DOCKER};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// The endpoint as it is kept.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DockerEndpoint {
    /// The URL of a server; empty for this machine.
    pub(crate) host: String,
    /// Whether its certificate needs nobody to vouch for it.
    #[serde(rename = "SkipTLSVerify")]
    pub(crate) skip_tls_verify: bool,
    /// What newer programs know.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// The endpoint as it is typed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct EndpointSpec(BTreeMap<String, String>);

/// Keys, and the file that each certificate is kept in.
const FILES: [(&str, &str); 3] = [("ca", "ca.pem"), ("cert", "cert.pem"), ("key", "key.pem")];

impl DockerEndpoint {
    /// At a URL.
    pub(crate) fn at(host: String) -> Self {
        Self { host, ..Self::default() }
    }
}

impl EndpointSpec {
    /// Of pairs; the last of a key wins.
    pub(crate) fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// Whether nothing was typed.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The context whose endpoint is to be copied.
    pub(crate) fn from(&self) -> Option<&str> {
        self.0.get("from").map(String::as_str)
    }

    /// What is described, with its certificates.
    pub(crate) fn read(&self) -> Result<(DockerEndpoint, Certificates), ContextError> {
        let wrong = ContextError::Endpoint;
        let known = ["from", "host", "skip-tls-verify"];
        if let Some(key) = self
            .0
            .keys()
            .find(|key| !known.contains(&key.as_str()) && !FILES.iter().any(|(name, _)| name == key))
        {
            return Err(wrong(format!("unrecognized config key: {key}")));
        }
        let host = self.0.get("host").cloned().unwrap_or_default();
        if !host.is_empty() && !host.contains("://") {
            return Err(wrong(format!(
                "unable to apply docker endpoint options: unable to parse docker host `{host}`"
            )));
        }
        let skip = match self.0.get("skip-tls-verify").map(String::as_str) {
            None | Some("") => false,
            Some(text) => crate::parse::boolean(text)
                .map_err(|_| wrong(format!("skip-tls-verify: parsing {text:?}: invalid syntax")))?,
        };
        let endpoint = DockerEndpoint { host, skip_tls_verify: skip, ..DockerEndpoint::default() };
        let mut files = BTreeMap::new();
        for (key, file) in FILES {
            if let Some(path) = self.0.get(key).filter(|path| !path.is_empty()) {
                files.insert(file.to_owned(), pem(path).map_err(wrong)?);
            }
        }
        if files.contains_key("cert.pem") != files.contains_key("key.pem") {
            return Err(wrong("a certificate and its key go together: give cert and key, or neither".into()));
        }
        let mut certificates = Certificates::new();
        if !files.is_empty() {
            certificates.insert(DOCKER.to_owned(), files);
        }
        Ok((endpoint, certificates))
    }
}

/// A file of certificates or keys (RFC 7468).
fn pem(path: &str) -> Result<Vec<u8>, String> {
    let bytes = bytes_of(Path::new(path)).map_err(|error| format!("open {path}: {error}"))?;
    let is_pem = bytes.windows(11).any(|window| window == b"-----BEGIN ");
    if is_pem {
        Ok(bytes)
    } else {
        Err(format!(
            "invalid docker endpoint options: failed to retrieve context tls info: {path} seems invalid"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<DockerEndpoint, String> {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        EndpointSpec::new(pairs).read().map(|(endpoint, _)| endpoint).map_err(|error| error.to_string())
    }

    #[test]
    fn an_endpoint_is_described_by_pairs() {
        let endpoint = read(&[("host", "tcp://a:1"), ("skip-tls-verify", "true")]).unwrap();
        assert_eq!((endpoint.host.as_str(), endpoint.skip_tls_verify), ("tcp://a:1", true));
        for (pairs, told) in [
            ([("foo", "bar")], "unrecognized config key: foo"),
            ([("host", "bogus")], "unable to parse docker host `bogus`"),
            ([("skip-tls-verify", "x")], "parsing \"x\": invalid syntax"),
            ([("ca", "/nonexistent")], "open /nonexistent: No such file"),
            ([("cert", "/dev/null")], "/dev/null seems invalid"),
        ] {
            let error = read(&pairs).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
