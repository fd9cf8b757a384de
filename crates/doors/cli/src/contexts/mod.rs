//! Contexts: named places where containers run, kept as Docker keeps them (`~/.docker/contexts`).
//!
//! `meta/<sha256 of the name>/meta.json` holds the description and the endpoints, `tls/<the same>/<endpoint>/` the
//! certificates. What other programs put there (more endpoints, more keys) is kept.

mod endpoint;
mod error;
mod packed;
mod store;

pub(crate) use endpoint::{DockerEndpoint, EndpointSpec};
pub(crate) use error::ContextError;
pub(crate) use packed::{pack, unpack};
pub(crate) use store::{Certificates, Meta, Store};

/// The context that is always there: this machine, or what `DOCKER_HOST` says.
pub(crate) const DEFAULT: &str = "default";
/// Docker's text for it.
pub(crate) const DEFAULT_DESCRIPTION: &str = "Current DOCKER_HOST based configuration";
/// The endpoint that a context has for us.
pub(crate) const DOCKER: &str = "docker";

/// Whether a context may be called so.
pub(crate) fn check_name(name: &str) -> Result<(), ContextError> {
    if name == DEFAULT {
        return Err(ContextError::Reserved);
    }
    let mut letters = name.bytes();
    let first = letters.next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let rest = name.len() > 1 && letters.all(|byte| byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte));
    if first && rest { Ok(()) } else { Err(ContextError::Name { name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dockers() {
        for good in ["ab", "a1", "my-host_1.x+y"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "-a", "a b", "../x", "a/b", "default"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
