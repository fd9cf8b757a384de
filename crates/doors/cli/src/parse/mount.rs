//! `--mount`: comma-separated `key=value` pairs.

use super::{boolean, bytes, csv, is_path};
use docker_model::{BindOptions, DriverConfig, Mount, StringMap, TmpfsOptions, VolumeOptions};

/// Not a mount. The words are Docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidMount {
    /// Not comma-separated values.
    #[error("{0}")]
    Csv(String),
    /// No `=`.
    #[error("invalid field '{0}' must be a key=value pair")]
    Field(String),
    /// No such key.
    #[error("unexpected key '{key}' in '{field}'")]
    Key {
        /// The key.
        key: String,
        /// With its value.
        field: String,
    },
    /// A key that this version does not honour.
    #[error("'{key}' is not supported by this version of sampan")]
    NotSupported {
        /// The key.
        key: String,
    },
    /// A value that does not fit its key.
    #[error("invalid value for {key}: {value}")]
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// No such type.
    #[error("unsupported mount type '{0}': one of bind, volume, tmpfs is needed")]
    Type(String),
    /// No target.
    #[error("target is required")]
    NoTarget,
    /// Relative target.
    #[error("invalid mount path: '{0}' mount path must be absolute")]
    Target(String),
    /// A bind without source.
    #[error("source is required when specifying mount type bind")]
    NoSource,
    /// Relative source of a bind.
    #[error("invalid mount path: '{0}' must be absolute")]
    Source(String),
    /// A tmpfs with a source.
    #[error("source must not be specified for mount type tmpfs")]
    TmpfsSource,
    /// Options of another type.
    #[error("cannot mix '{options}' options with mount type '{kind}'")]
    Mixed {
        /// The options.
        options: &'static str,
        /// The type.
        kind: String,
    },
}

/// Parses one mount.
pub(crate) fn mount(text: &str) -> Result<Mount, InvalidMount> {
    let mut mount = Mount { kind: "volume".to_owned(), ..Mount::default() };
    for field in csv::fields(text.trim()).map_err(|error| InvalidMount::Csv(error.to_string()))? {
        let (key, value) = split(&field)?;
        set(&mut mount, &key, value, &field)?;
    }
    check(&mount)?;
    Ok(mount)
}

/// Some keys stand alone.
fn split(field: &str) -> Result<(String, &str), InvalidMount> {
    match field.split_once('=') {
        Some((key, value)) => Ok((key.trim().to_ascii_lowercase(), value)),
        None => match field.to_ascii_lowercase().as_str() {
            key @ ("readonly" | "ro" | "volume-nocopy" | "bind-nonrecursive") => Ok((key.to_owned(), "true")),
            _ => Err(InvalidMount::Field(field.to_owned())),
        },
    }
}

fn set(mount: &mut Mount, key: &str, value: &str, field: &str) -> Result<(), InvalidMount> {
    let invalid = || InvalidMount::Value { key: key.to_owned(), value: value.to_owned() };
    let truth = || boolean(value).map_err(|_| invalid());
    match key {
        "type" => mount.kind = value.to_ascii_lowercase(),
        "source" | "src" => {
            mount.source = value.to_owned();
            if value == "." || value.starts_with("./") || value.starts_with("../") || value == ".." {
                mount.source = absolute(value).ok_or_else(invalid)?;
            }
        }
        "target" | "dst" | "destination" => mount.target = value.to_owned(),
        "readonly" | "ro" => mount.read_only = truth()?,
        "consistency" => mount.consistency = value.to_ascii_lowercase(),
        _ if key.starts_with("bind-") => set_bind(bind_options(mount), key, value)?,
        _ if key.starts_with("volume-") => set_volume(volume_options(mount), key, value)?,
        _ if key.starts_with("tmpfs-") => set_tmpfs(mount.tmpfs_options.get_or_insert_default(), key, value)?,
        _ => return Err(InvalidMount::Key { key: key.to_owned(), field: field.to_owned() }),
    }
    Ok(())
}

fn absolute(path: &str) -> Option<String> {
    std::path::absolute(path).ok()?.to_str().map(str::to_owned)
}

fn bind_options(mount: &mut Mount) -> &mut BindOptions {
    mount.bind_options.get_or_insert_default()
}

fn volume_options(mount: &mut Mount) -> &mut VolumeOptions {
    mount.volume_options.get_or_insert_default()
}

fn unexpected(key: &str, value: &str) -> InvalidMount {
    InvalidMount::Key { key: key.to_owned(), field: format!("{key}={value}") }
}

fn set_bind(options: &mut BindOptions, key: &str, value: &str) -> Result<(), InvalidMount> {
    let invalid = || InvalidMount::Value { key: key.to_owned(), value: value.to_owned() };
    match key {
        "bind-propagation" => {
            let lower = value.to_ascii_lowercase();
            if !matches!(lower.as_str(), "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave") {
                return Err(invalid());
            }
            options.propagation = lower;
        }
        "bind-nonrecursive" => options.non_recursive = boolean(value).map_err(|_| invalid())?,
        "bind-recursive" => match value {
            "enabled" => {}
            "disabled" => options.non_recursive = true,
            "writable" | "readonly" => {
                return Err(InvalidMount::NotSupported { key: format!("{key}={value}") });
            }
            _ => return Err(invalid()),
        },
        _ => return Err(unexpected(key, value)),
    }
    Ok(())
}

fn set_volume(options: &mut VolumeOptions, key: &str, value: &str) -> Result<(), InvalidMount> {
    let invalid = || InvalidMount::Value { key: key.to_owned(), value: value.to_owned() };
    let pair = |map: &mut Option<StringMap>| {
        let (name, value) = value.split_once('=').unwrap_or((value, ""));
        map.get_or_insert_default().insert(name.to_owned(), value.to_owned());
    };
    match key {
        "volume-nocopy" => options.no_copy = boolean(value).map_err(|_| invalid())?,
        "volume-label" => pair(&mut options.labels),
        "volume-opt" => pair(&mut options.driver_config.get_or_insert_with(DriverConfig::default).options),
        "volume-driver" if matches!(value, "" | "local") => {
            options.driver_config.get_or_insert_with(DriverConfig::default).name = value.to_owned();
        }
        "volume-driver" | "volume-subpath" => {
            return Err(InvalidMount::NotSupported { key: format!("{key}={value}") });
        }
        _ => return Err(unexpected(key, value)),
    }
    Ok(())
}

fn set_tmpfs(options: &mut TmpfsOptions, key: &str, value: &str) -> Result<(), InvalidMount> {
    let invalid = || InvalidMount::Value { key: key.to_owned(), value: value.to_owned() };
    match key {
        "tmpfs-size" => options.size_bytes = bytes::size(value).map_err(|_| invalid())?,
        "tmpfs-mode" => {
            let mode = i64::from_str_radix(value, 8).ok().filter(|mode| (0..=0o7777).contains(mode));
            options.mode = mode.ok_or_else(invalid)?;
        }
        _ => return Err(unexpected(key, value)),
    }
    Ok(())
}

fn check(mount: &Mount) -> Result<(), InvalidMount> {
    if !matches!(mount.kind.as_str(), "bind" | "volume" | "tmpfs") {
        return Err(InvalidMount::Type(mount.kind.clone()));
    }
    if mount.target.is_empty() {
        return Err(InvalidMount::NoTarget);
    }
    if !mount.target.starts_with('/') {
        return Err(InvalidMount::Target(mount.target.clone()));
    }
    let mixed = |present: bool, options, kind: &str| {
        if present && mount.kind != kind {
            return Err(InvalidMount::Mixed { options, kind: mount.kind.clone() });
        }
        Ok(())
    };
    mixed(mount.volume_options.is_some(), "volume-*", "volume")?;
    mixed(mount.bind_options.is_some(), "bind-*", "bind")?;
    mixed(mount.tmpfs_options.is_some(), "tmpfs-*", "tmpfs")?;
    match mount.kind.as_str() {
        "bind" if mount.source.is_empty() => Err(InvalidMount::NoSource),
        "bind" if !mount.source.starts_with('/') => Err(InvalidMount::Source(mount.source.clone())),
        "tmpfs" if !mount.source.is_empty() => Err(InvalidMount::TmpfsSource),
        "volume" if is_path(&mount.source) => Err(InvalidMount::Value {
            key: "source (the name of a volume; type=bind mounts a directory)".to_owned(),
            value: mount.source.clone(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_grammar() {
        let mount_of = |text: &str| mount(text).unwrap();
        let volume = mount_of("source=data,target=/d,readonly,volume-label=a=b,volume-opt=type=tmpfs");
        assert_eq!(
            (volume.kind.as_str(), volume.source.as_str(), volume.read_only),
            ("volume", "data", true)
        );
        let options = volume.volume_options.unwrap();
        assert_eq!(options.labels.unwrap()["a"], "b");
        assert_eq!(options.driver_config.unwrap().options.unwrap()["type"], "tmpfs");
        let bind = mount_of("type=bind,src=/a,dst=/b,bind-propagation=rslave,ro=false");
        assert_eq!((bind.read_only, bind.bind_options.unwrap().propagation.as_str()), (false, "rslave"));
        let tmpfs = mount_of("type=tmpfs,destination=/t,tmpfs-size=1m,tmpfs-mode=700").tmpfs_options.unwrap();
        assert_eq!((tmpfs.size_bytes, tmpfs.mode), (1 << 20, 0o700));
        assert_eq!(mount_of("\"source=a\",target=/b").source, "a");
    }

    #[test]
    fn dockers_refusals() {
        for (text, message) in [
            ("foo", "invalid field 'foo' must be a key=value pair"),
            ("type=bind,src=/x", "target is required"),
            ("foo=bar", "unexpected key 'foo' in 'foo=bar'"),
            ("type=bind,dst=/x", "source is required when specifying mount type bind"),
            ("type=bind,src=x,dst=/x", "invalid mount path: 'x' must be absolute"),
            ("type=npipe,dst=/x", "unsupported mount type 'npipe': one of bind, volume, tmpfs is needed"),
            ("type=bind,src=/a,dst=/x,volume-nocopy", "cannot mix 'volume-*' options with mount type 'bind'"),
            ("dst=/x,ro=maybe", "invalid value for ro: maybe"),
            ("type=tmpfs,src=/a,dst=/x", "source must not be specified for mount type tmpfs"),
            ("dst=x", "invalid mount path: 'x' mount path must be absolute"),
        ] {
            assert_eq!(mount(text).unwrap_err().to_string(), message, "{text}");
        }
    }
}
