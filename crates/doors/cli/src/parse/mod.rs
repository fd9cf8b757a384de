//! Values of flags: pure parsers with Docker's grammar and Docker's words in their errors.
//!
//! Each file is one grammar. None of them panics, whatever it is given (property tests).

mod bind;
mod boolean;
mod bytes;
mod cpus;
mod csv;
mod device;
mod device_limit;
mod duration;
mod endpoint_pairs;
mod env;
mod host;
mod key_value;
mod mount;
mod network;
mod ports;
mod restart;
mod tmpfs;
mod ulimit;

pub(crate) use bind::{Bind, InvalidBind, bind, is_path};
pub(crate) use boolean::boolean;
pub(crate) use bytes::{size, swap_size};
pub(crate) use cpus::cpus;
pub(crate) use device::device;
pub(crate) use device_limit::{bytes_of_device, device_rule, operations_of_device, weight_device};
pub(crate) use duration::duration;
pub(crate) use endpoint_pairs::endpoint_pairs;
pub(crate) use env::{env_entry, env_file};
pub(crate) use host::{address, extra_host, search_domain};
pub(crate) use key_value::{key_value, key_values};
pub(crate) use mount::mount;
pub(crate) use network::{NetworkFlag, link, network};
pub(crate) use ports::{InvalidPort, expose, publish};
pub(crate) use restart::restart_policy;
pub(crate) use tmpfs::{TmpfsText, tmpfs};
pub(crate) use ulimit::ulimit;

/// A number that is not one. The words are those of Go's strconv.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("strconv.ParseInt: parsing {text:?}: invalid syntax")]
pub(crate) struct InvalidInteger {
    /// As typed.
    pub(crate) text: String,
}

/// A decimal integer.
pub(crate) fn integer(text: &str) -> Result<i64, InvalidInteger> {
    text.parse().map_err(|_| InvalidInteger { text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_panics(text in "[-a-z0-9:/=,.\\[\\]\"' \u{e4}]{0,40}") {
            let _ = super::bind(&text);
            let _ = super::boolean(&text);
            let _ = super::size(&text);
            let _ = super::swap_size(&text);
            let _ = super::cpus(&text);
            let _ = super::device(&text);
            let _ = super::duration(&text);
            let _ = super::endpoint_pairs(&text);
            let _ = super::env_entry(&text);
            let _ = super::address(&text);
            let _ = super::extra_host(&text);
            let _ = super::search_domain(&text);
            let _ = super::key_value(&text);
            let _ = super::mount(&text);
            let _ = super::network(&text);
            let _ = super::publish(&text);
            let _ = super::expose(&text);
            let _ = super::restart_policy(&text);
            let _ = super::tmpfs(&text);
            let _ = super::ulimit(&text);
            let _ = super::integer(&text);
        }
    }
}
