//! `--device`: `/dev/host[:/dev/inside][:rwm]`.

use docker_model::DeviceMapping;

/// Not a device. The words are Docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidDevice {
    /// Too many parts, or none.
    #[error("invalid device specification: {0}")]
    Format(String),
    /// Permissions that are none.
    #[error("bad mode specified: {0}")]
    Mode(String),
    /// A relative path.
    #[error("'{0}' is not an absolute path")]
    Relative(String),
}

fn is_mode(text: &str) -> bool {
    let once = |letter| text.matches(letter).count() <= 1;
    !text.is_empty()
        && text.chars().all(|letter| "rwm".contains(letter))
        && ['r', 'w', 'm'].into_iter().all(once)
}

/// Paths and permissions; the path inside is the host's unless another is given.
pub(crate) fn device(text: &str) -> Result<DeviceMapping, InvalidDevice> {
    let parts: Vec<&str> = text.split(':').collect();
    let (host, inside, mode) = match parts[..] {
        [host] => (host, host, "rwm"),
        [host, mode] if is_mode(mode) => (host, host, mode),
        [host, inside] => (host, inside, "rwm"),
        [host, inside, mode] if is_mode(mode) => (host, inside, mode),
        [_, _, mode] => return Err(InvalidDevice::Mode(mode.to_owned())),
        _ => return Err(InvalidDevice::Format(text.to_owned())),
    };
    if host.is_empty() {
        return Err(InvalidDevice::Format(text.to_owned()));
    }
    for path in [host, inside] {
        if !path.starts_with('/') {
            return Err(InvalidDevice::Relative(path.to_owned()));
        }
    }
    Ok(DeviceMapping {
        path_on_host: host.to_owned(),
        path_in_container: inside.to_owned(),
        cgroup_permissions: mode.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices() {
        let mapping = |host: &str, inside: &str, mode: &str| {
            Ok(DeviceMapping {
                path_on_host: host.into(),
                path_in_container: inside.into(),
                cgroup_permissions: mode.into(),
            })
        };
        assert_eq!(device("/dev/fuse"), mapping("/dev/fuse", "/dev/fuse", "rwm"));
        assert_eq!(device("/dev/fuse:r"), mapping("/dev/fuse", "/dev/fuse", "r"));
        assert_eq!(device("/dev/a:/dev/b"), mapping("/dev/a", "/dev/b", "rwm"));
        assert_eq!(device("/dev/a:/dev/b:rw"), mapping("/dev/a", "/dev/b", "rw"));
        assert_eq!(device("x"), Err(InvalidDevice::Relative("x".into())));
        assert_eq!(device("/dev/a:/dev/b:rx"), Err(InvalidDevice::Mode("rx".into())));
        assert!(device("").is_err() && device("/a:/b:r:w").is_err() && device("/a:rr").is_err());
    }
}
