//! `--network`: a mode or name, or the long form `name=…,alias=…`.

use super::csv;

/// Not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidNetwork {
    /// Not comma-separated values.
    #[error("{0}")]
    Csv(String),
    /// No `=`. The words are Docker's.
    #[error("invalid field '{0}' must be a key=value pair")]
    Field(String),
    /// No such key. The words are Docker's.
    #[error("invalid field key {0}")]
    Key(String),
    /// A key that this version does not honour.
    #[error("'{0}' is not supported by this version of sampan")]
    NotSupported(String),
    /// Not a number. The words are Docker's.
    #[error("invalid gw-priority: {0}")]
    Priority(String),
    /// No name. The words are Docker's.
    #[error("network name is not specified")]
    NoName,
}

/// A parsed `--network`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NetworkFlag {
    /// `bridge`, `none`, `host`, `container:ID`, `default`, or a network's name.
    pub(crate) target: String,
    /// Further names on it.
    pub(crate) aliases: Vec<String>,
    /// IPv4 address.
    pub(crate) ip: Option<String>,
    /// Hardware address.
    pub(crate) mac_address: Option<String>,
    /// Which network has the default route: the highest.
    pub(crate) gateway_priority: i64,
    /// Other containers under other names, from `--link`.
    pub(crate) links: Vec<String>,
}

impl NetworkFlag {
    /// Whether it names a network that somebody made (moby, `NetworkMode.IsUserDefined`).
    pub(crate) fn is_user_defined(&self) -> bool {
        !matches!(self.target.as_str(), "default" | "bridge" | "host" | "none")
            && !self.target.starts_with("container:")
    }
}

/// Not a link. The words are Docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidLink {
    /// Nothing.
    #[error("empty string specified for links")]
    Empty,
    /// More than two parts.
    #[error("bad format for links: {0}")]
    Format(String),
}

/// Parses `--link container[:alias]`.
pub(crate) fn link(text: &str) -> Result<String, InvalidLink> {
    if text.is_empty() {
        return Err(InvalidLink::Empty);
    }
    if text.matches(':').count() > 1 {
        return Err(InvalidLink::Format(text.to_owned()));
    }
    Ok(text.to_owned())
}

/// Parses it.
pub(crate) fn network(text: &str) -> Result<NetworkFlag, InvalidNetwork> {
    if !text.contains('=') {
        if text.is_empty() {
            return Err(InvalidNetwork::NoName);
        }
        return Ok(NetworkFlag { target: text.to_owned(), ..NetworkFlag::default() });
    }
    let mut flag = NetworkFlag::default();
    for field in csv::fields(text).map_err(|error| InvalidNetwork::Csv(error.to_string()))? {
        let (key, value) = field.split_once('=').ok_or_else(|| InvalidNetwork::Field(field.clone()))?;
        let value = value.trim().to_owned();
        match key.trim().to_ascii_lowercase().as_str() {
            "name" => flag.target = value,
            "alias" => flag.aliases.push(value),
            "ip" => flag.ip = Some(value),
            "mac-address" => flag.mac_address = Some(value),
            "gw-priority" => {
                flag.gateway_priority = value.parse().map_err(|_| InvalidNetwork::Priority(value))?;
            }
            key @ ("ip6" | "link-local-ip" | "driver-opt") => {
                return Err(InvalidNetwork::NotSupported(key.to_owned()));
            }
            key => return Err(InvalidNetwork::Key(key.to_owned())),
        }
    }
    if flag.target.is_empty() { Err(InvalidNetwork::NoName) } else { Ok(flag) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms() {
        assert_eq!(network("container:web").unwrap().target, "container:web");
        let long = network("name=net,alias=a,alias=b,ip=10.0.0.2,mac-address=02:00:00:00:00:01").unwrap();
        assert_eq!((long.target.as_str(), long.aliases.len()), ("net", 2));
        assert_eq!(long.ip.as_deref(), Some("10.0.0.2"));
        assert_eq!(network("alias=a"), Err(InvalidNetwork::NoName));
        assert_eq!(network("name=x,foo=y"), Err(InvalidNetwork::Key("foo".into())));
        assert!(network("").is_err() && network("name=x,ip6=::1").is_err());
        assert_eq!(network("name=x,gw-priority=-3").unwrap().gateway_priority, -3);
        assert!(network("name=x,gw-priority=high").is_err());
        assert_eq!(link("db:mydb").as_deref(), Ok("db:mydb"));
        assert!(link("").is_err() && link("a:b:c").is_err());
    }
}
