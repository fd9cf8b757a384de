//! Image references, normalised as Docker does (distribution/reference grammar).

use crate::{Digest, InvalidId, text_traits};
use serde::{Deserialize, Serialize};

/// The registry that a reference without a host means.
pub const DEFAULT_REGISTRY: &str = "docker.io";
/// The tag that a reference with neither tag nor digest means.
pub const DEFAULT_TAG: &str = "latest";
/// The longest repository name that registries accept (distribution/reference, `NameTotalLengthMax`).
const NAME_MAX: usize = 255;

/// Why a text is no image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Breaks the grammar.
    #[error("invalid reference format: {text:?}: {rule}")]
    Format {
        /// The text as it came.
        text: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// Has an upper-case letter in the repository.
    #[error("invalid reference format: repository name ({0}) must be lowercase")]
    Uppercase(String),
    /// Its digest is malformed.
    #[error(transparent)]
    Digest(#[from] InvalidId),
}

/// `registry/repository[:tag][@digest]`, always with a registry, and with a tag unless there is a digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference {
    full: String,
    registry_len: usize,
    name_len: usize,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// Parses what a person types: `nginx`, `nginx:1.25`, `ghcr.io/a/b@sha256:…`, `localhost:5000/x`.
    ///
    /// # Errors
    /// When the text breaks the grammar; the message says which rule.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let format = |rule| ReferenceError::Format { text: text.chars().take(300).collect(), rule };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(Digest::parse(digest)?)),
            None => (text, None),
        };
        // A colon after the last slash starts the tag; one before it belongs to the registry's port.
        let slash = rest.rfind('/').map_or(0, |at| at + 1);
        let (name, tag) = match rest[slash..].split_once(':') {
            Some((last, tag)) => (&rest[..slash + last.len()], Some(tag)),
            None => (rest, None),
        };
        if let Some(tag) = tag {
            check_tag(tag).map_err(format)?;
        }
        let (registry, repository) = match name.split_once('/') {
            Some((host, path)) if is_registry(host) => (host, path.to_owned()),
            Some(_) => (DEFAULT_REGISTRY, name.to_owned()),
            None => (DEFAULT_REGISTRY, name.to_owned()),
        };
        let registry = if registry == "index.docker.io" { DEFAULT_REGISTRY } else { registry };
        let repository =
            if registry == DEFAULT_REGISTRY && !repository.contains('/') && !repository.is_empty() {
                format!("library/{repository}")
            } else {
                repository
            };
        check_registry(registry).map_err(format)?;
        if repository.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(ReferenceError::Uppercase(repository));
        }
        check_repository(&repository).map_err(format)?;
        let tag = match (tag, &digest) {
            (Some(tag), _) => Some(tag.to_owned()),
            (None, None) => Some(DEFAULT_TAG.to_owned()),
            (None, Some(_)) => None,
        };
        let mut full = format!("{registry}/{repository}");
        let (registry_len, name_len) = (registry.len(), full.len());
        if let Some(tag) = &tag {
            full = format!("{full}:{tag}");
        }
        if let Some(digest) = &digest {
            full = format!("{full}@{digest}");
        }
        Ok(Self { full, registry_len, name_len, tag, digest })
    }

    /// The registry's host, with a port if there is one.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.full[..self.registry_len]
    }

    /// The repository below the registry (`library/nginx`).
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.full[self.registry_len + 1..self.name_len]
    }

    /// Registry and repository, without tag and digest.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.full[..self.name_len]
    }

    /// The tag, if one was given or implied.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one was given.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The whole normalised text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.full
    }

    /// The repository as `docker images` shows it: without `docker.io/` and `library/`.
    #[must_use]
    pub fn familiar_name(&self) -> &str {
        let name = self.name().strip_prefix("docker.io/").unwrap_or(self.name());
        match (self.registry(), name.strip_prefix("library/")) {
            (DEFAULT_REGISTRY, Some(short)) if !short.contains('/') => short,
            _ => name,
        }
    }

    /// The whole reference as Docker shows it to people.
    #[must_use]
    pub fn familiar(&self) -> String {
        format!("{}{}", self.familiar_name(), &self.full[self.name_len..])
    }
}
text_traits!(Reference, ReferenceError);

/// Whether the part before the first slash names a registry and not a repository's first component.
fn is_registry(host: &str) -> bool {
    host.contains(['.', ':']) || host == "localhost" || host.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn check_registry(host: &str) -> Result<(), &'static str> {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((v6, rest)) => {
            v6.parse::<std::net::Ipv6Addr>().map_err(|_| "the registry's address is no IPv6 address")?;
            ("v6", rest.strip_prefix(':').or(if rest.is_empty() { None } else { Some("x") }))
        }
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err() || port.starts_with('+')) {
        return Err("the registry's port must be a number up to 65535");
    }
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if name.split('.').all(label) { Ok(()) } else { Err("the registry must be a host name") }
}

fn check_repository(path: &str) -> Result<(), &'static str> {
    if path.len() > NAME_MAX {
        return Err("the repository name must not be longer than 255 characters");
    }
    if path.split('/').all(is_path_component) {
        Ok(())
    } else {
        Err("a repository is lower-case letters and digits, with single '.', '_', '__' or '-' between them")
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(text: &str) -> bool {
    let bytes = text.as_bytes();
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !bytes.first().is_some_and(alphanumeric) || !bytes.last().is_some_and(alphanumeric) {
        return false;
    }
    bytes.split(alphanumeric).all(|separator| {
        matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|byte| *byte == b'-')
    })
}

/// `[\w][\w.-]{0,127}`
fn check_tag(tag: &str) -> Result<(), &'static str> {
    let mut bytes = tag.bytes();
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let fits = tag.len() <= 128
        && bytes.next().is_some_and(word)
        && bytes.all(|b| word(b) || matches!(b, b'.' | b'-'));
    if fits {
        Ok(())
    } else {
        Err("a tag is up to 128 letters, digits, '_', '.' and '-', not starting with '.' or '-'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_as_docker_does() {
        let hex = "a".repeat(64);
        for (typed, full, familiar) in [
            ("nginx", "docker.io/library/nginx:latest", "nginx:latest"),
            ("nginx:1.25", "docker.io/library/nginx:1.25", "nginx:1.25"),
            ("bitnami/redis", "docker.io/bitnami/redis:latest", "bitnami/redis:latest"),
            ("index.docker.io/nginx", "docker.io/library/nginx:latest", "nginx:latest"),
            ("localhost/x", "localhost/x:latest", "localhost/x:latest"),
            ("localhost:5000/x:1", "localhost:5000/x:1", "localhost:5000/x:1"),
            ("ghcr.io/a/b-c__d.e", "ghcr.io/a/b-c__d.e:latest", "ghcr.io/a/b-c__d.e:latest"),
            ("[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest"),
        ] {
            let reference = Reference::parse(typed).unwrap();
            assert_eq!((reference.as_str(), reference.familiar().as_str()), (full, familiar));
            assert_eq!(Reference::parse(reference.as_str()), Ok(reference));
        }
        let pinned = Reference::parse(&format!("nginx@sha256:{hex}")).unwrap();
        assert_eq!((pinned.tag(), pinned.registry()), (None, "docker.io"));
    }

    #[test]
    fn refuses_what_docker_refuses() {
        for text in [
            "",
            ":",
            "a:",
            "/a",
            "a//b",
            "a/../b",
            "-a",
            "a-",
            "A",
            "a:b:c",
            "a@sha256:12",
            "a b",
            "a___b",
            "a..b",
            "x.y:99999/a",
        ] {
            assert!(Reference::parse(text).is_err(), "{text:?}");
        }
    }
}
