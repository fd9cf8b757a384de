//! The few URLs that registries use: `http` and `https`, no user, no fragment.

use crate::error::RegistryError;
use std::fmt;

/// The longest URL that is taken from an answer; signed redirects have two or three kilobytes.
const LENGTH_MAX: usize = 16 << 10;

/// A place to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) secure: bool,
    /// Host name or address, an IPv6 address in brackets, in lower case.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Begins with a slash; with the query.
    pub(crate) path: String,
}

impl Url {
    /// Parses an absolute URL.
    pub(crate) fn parse(text: &str) -> Result<Self, RegistryError> {
        let bad = |problem| RegistryError::Url { url: text.chars().take(200).collect(), problem };
        if text.len() > LENGTH_MAX {
            return Err(bad("it is too long"));
        }
        let uri: http::Uri = text.parse().map_err(|_| bad("it is not valid"))?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(bad("it is neither http nor https")),
        };
        let authority = uri.authority().ok_or_else(|| bad("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("it has a user name in it"));
        }
        if authority.host().is_empty() {
            return Err(bad("it has no host"));
        }
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { secure, host: authority.host().to_ascii_lowercase(), port, path })
    }

    /// Resolves what a `Location` header says against the URL it came from (RFC 3986 section 5.2, without dot
    /// segments, which servers resolve themselves).
    pub(crate) fn join(&self, location: &str) -> Result<Self, RegistryError> {
        let location = location.split('#').next().unwrap_or_default();
        if location.contains("://") && !location.starts_with('/') {
            return Self::parse(location);
        }
        let scheme = if self.secure { "https" } else { "http" };
        if location.starts_with("//") {
            return Self::parse(&format!("{scheme}:{location}"));
        }
        let path = if location.starts_with('/') {
            location.to_owned()
        } else {
            let without_query = self.path.split('?').next().unwrap_or_default();
            let directory = without_query.rsplit_once('/').map_or("", |(directory, _)| directory);
            format!("{directory}/{location}")
        };
        Self::parse(&format!("{scheme}://{}{path}", self.authority()))
    }

    /// `host:port`, the port left out if it is the scheme's own: for the `Host` header.
    pub(crate) fn authority(&self) -> String {
        match (self.secure, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// `host:port` always: the key of connections and addresses.
    pub(crate) fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether what may be told to the one may be told to the other.
    pub(crate) fn same_origin(&self, other: &Self) -> bool {
        (self.secure, &self.host, self.port) == (other.secure, &other.host, other.port)
    }
}

impl fmt::Display for Url {
    /// Without the query, which may hold a signature.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split('?').next().unwrap_or_default();
        write!(f, "{}://{}{path}", if self.secure { "https" } else { "http" }, self.authority())
    }
}

/// Encodes a value of a query (RFC 3986 section 2.3: only unreserved characters stay).
pub(crate) fn encode(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_resolved_against_where_they_came_from() {
        let base = Url::parse("https://Registry.example:5000/v2/a/blobs/x?q=1").unwrap();
        for (location, full) in [
            ("https://cdn.example/y?sig=1#frag", "https://cdn.example/y"),
            ("//cdn.example:8443/y", "https://cdn.example:8443/y"),
            ("/other", "https://registry.example:5000/other"),
            ("beside", "https://registry.example:5000/v2/a/blobs/beside"),
            ("http://plain.example", "http://plain.example/"),
            ("https://[::1]:444/a", "https://[::1]:444/a"),
        ] {
            assert_eq!(base.join(location).unwrap().to_string(), full);
        }
        assert!(base.same_origin(&base.join("/other").unwrap()));
        assert!(!base.same_origin(&base.join("https://registry.example/x").unwrap()));
        assert!(!base.same_origin(&base.join("http://registry.example:5000/x").unwrap()));
    }

    #[test]
    fn what_is_no_place_to_ask_is_refused() {
        for text in ["ftp://x/y", "https://", "https://a@b/c", "file:///etc/passwd", "x", "https://a b/"] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
        let base = Url::parse("https://a/b").unwrap();
        assert!(base.join("javascript://x").is_err());
        assert!(base.join(&format!("/{}", "x".repeat(20_000))).is_err());
    }

    proptest::proptest! {
        #[test]
        fn a_location_never_smuggles_a_user_or_another_scheme(location in "[a-z:/@?#.%\\[\\]]{0,40}") {
            let base = Url::parse("https://registry.example/v2/x").unwrap();
            if let Ok(joined) = base.join(&location) {
                proptest::prop_assert!(!joined.host.is_empty() && !joined.host.contains('@'));
                proptest::prop_assert!(joined.path.starts_with('/'));
                proptest::prop_assert_eq!(Url::parse(&joined.to_string()).map(|url| url.host).ok(), Some(joined.host));
            }
        }
    }

    #[test]
    fn queries_are_encoded() {
        assert_eq!(encode("repository:a/b:pull c"), "repository%3Aa%2Fb%3Apull%20c");
    }
}
