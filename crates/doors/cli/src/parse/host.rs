//! `--add-host`, `--dns`, `--dns-search`, `--ip`.

use std::net::IpAddr;

/// Not an address or name. The words are Docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidHost {
    /// Not `name:address`.
    #[error("bad format for add-host: {0:?}")]
    ExtraHost(String),
    /// Its address is none.
    #[error("invalid IP address in add-host: {0:?}")]
    ExtraHostAddress(String),
    /// Not an address.
    #[error("IP address is not correctly formatted: {0}")]
    Address(String),
    /// Not a domain.
    #[error("invalid domain: {0}")]
    Domain(String),
}

/// `name:address` or `name=address`; the address may be `host-gateway` or stand in brackets. The answer has a colon.
pub(crate) fn extra_host(text: &str) -> Result<String, InvalidHost> {
    let bad = || InvalidHost::ExtraHost(text.to_owned());
    // An IPv6 address has colons of its own: the first separator counts.
    let (name, address) = text.split_once(['=', ':']).filter(|(name, _)| !name.is_empty()).ok_or_else(bad)?;
    if address == "host-gateway" {
        return Ok(format!("{name}:{address}"));
    }
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    let valid: IpAddr = bare.parse().map_err(|_| InvalidHost::ExtraHostAddress(address.to_owned()))?;
    Ok(format!("{name}:{valid}"))
}

/// An IP address.
pub(crate) fn address(text: &str) -> Result<IpAddr, InvalidHost> {
    text.trim().parse().map_err(|_| InvalidHost::Address(text.to_owned()))
}

/// A domain; `.` alone means no search.
pub(crate) fn search_domain(text: &str) -> Result<String, InvalidHost> {
    let text = text.trim();
    if text == "." {
        return Ok(text.to_owned());
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.len() <= 255 && name.split('.').all(label) {
        Ok(text.to_owned())
    } else {
        Err(InvalidHost::Domain(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_hosts() {
        for (text, host) in [
            ("db:10.0.0.1", "db:10.0.0.1"),
            ("db=10.0.0.1", "db:10.0.0.1"),
            ("six:::1", "six:::1"),
            ("six=[::1]", "six:::1"),
            ("host.docker.internal:host-gateway", "host.docker.internal:host-gateway"),
        ] {
            assert_eq!(extra_host(text).unwrap(), host);
        }
        for text in ["", "foo", ":1.2.3.4", "db:1.2.3", "db:"] {
            assert!(extra_host(text).is_err(), "{text}");
        }
    }

    #[test]
    fn domains() {
        assert!(search_domain("example.com").is_ok() && search_domain(".").is_ok());
        assert!(
            search_domain("-a.b").is_err() && search_domain("a..b").is_err() && search_domain("a b").is_err()
        );
    }
}
