//! Binds, anonymous volumes, long mounts and tmpfs of a request in the engine's words.

use crate::parse::{self, Bind, InvalidBind, TmpfsText};
use docker_model::{ContainerCreateRequest, Mount};
use engine::model::{MountConfig, MountSource};
use ids::{InvalidId, VolumeName};

/// Why a mount makes no sense.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MountError {
    /// The short form.
    #[error(transparent)]
    Bind(#[from] InvalidBind),
    /// The name of a volume.
    #[error(transparent)]
    Name(#[from] InvalidId),
    /// Options of a tmpfs.
    #[error("invalid options of the tmpfs at {path}: {options}")]
    Tmpfs {
        /// Where.
        path: String,
        /// As given.
        options: String,
    },
    /// Two at one place. The words are Docker's.
    #[error("Duplicate mount point: {0}")]
    Duplicate(String),
    /// A size or mode below zero.
    #[error("size and mode of the tmpfs at {0} must not be negative")]
    Negative(String),
    /// A kind that we do not have.
    #[error("unsupported mount type '{0}'")]
    Kind(String),
}

/// All mounts of a request.
pub(super) fn mounts(request: &ContainerCreateRequest) -> Result<Vec<MountConfig>, MountError> {
    let host = &request.host_config;
    let mut mounts = Vec::new();
    for text in host.binds.iter().flatten() {
        mounts.push(from_bind(parse::bind(text)?)?);
    }
    for path in request.config.volumes.iter().flat_map(|volumes| volumes.keys()) {
        // `-v /path:options` of an anonymous volume travels in the same place.
        mounts.push(from_bind(parse::bind(path)?)?);
    }
    for mount in host.mounts.iter().flatten() {
        mounts.push(from_long(mount)?);
    }
    for (path, options) in host.tmpfs.iter().flatten() {
        let parsed = TmpfsText::parse(options)
            .map_err(|_| MountError::Tmpfs { path: path.clone(), options: options.clone() })?;
        let source = MountSource::Tmpfs { size: parsed.size, mode: parsed.mode, options: parsed.options };
        mounts.push(MountConfig { target: path.clone(), source, read_only: parsed.read_only });
    }
    let mut targets = std::collections::HashSet::new();
    for mount in &mounts {
        if !targets.insert(mount.target.trim_end_matches('/')) {
            return Err(MountError::Duplicate(mount.target.clone()));
        }
    }
    Ok(mounts)
}

fn from_bind(bind: Bind) -> Result<MountConfig, MountError> {
    let source = if bind.source.starts_with('/') {
        MountSource::Bind {
            path: bind.source,
            create: true,
            propagation: bind.propagation,
            non_recursive: false,
        }
    } else {
        let name = if bind.source.is_empty() { None } else { Some(VolumeName::parse(&bind.source)?) };
        MountSource::Volume {
            name,
            no_copy: bind.no_copy,
            options: Default::default(),
            labels: Default::default(),
        }
    };
    Ok(MountConfig { target: bind.target, source, read_only: bind.read_only })
}

fn from_long(mount: &Mount) -> Result<MountConfig, MountError> {
    let source = match mount.kind.as_str() {
        "bind" => {
            let options = mount.bind_options.clone().unwrap_or_default();
            MountSource::Bind {
                path: mount.source.clone(),
                create: options.create_mountpoint,
                propagation: Some(options.propagation).filter(|text| !text.is_empty()),
                non_recursive: options.non_recursive,
            }
        }
        "volume" => {
            let options = mount.volume_options.clone().unwrap_or_default();
            let name = if mount.source.is_empty() { None } else { Some(VolumeName::parse(&mount.source)?) };
            MountSource::Volume {
                name,
                no_copy: options.no_copy,
                options: options.driver_config.and_then(|driver| driver.options).unwrap_or_default(),
                labels: options.labels.unwrap_or_default(),
            }
        }
        "tmpfs" => tmpfs(mount)?,
        other => return Err(MountError::Kind(other.to_owned())),
    };
    Ok(MountConfig { target: mount.target.clone(), source, read_only: mount.read_only })
}

fn tmpfs(mount: &Mount) -> Result<MountSource, MountError> {
    let options = mount.tmpfs_options.clone().unwrap_or_default();
    let negative = || MountError::Negative(mount.target.clone());
    let size = u64::try_from(options.size_bytes).map_err(|_| negative())?;
    let mode = u32::try_from(options.mode).map_err(|_| negative())?;
    Ok(MountSource::Tmpfs {
        size: Some(size).filter(|size| *size > 0),
        mode: Some(mode).filter(|mode| *mode > 0),
        options: options.options.unwrap_or_default().into_iter().map(|pair| pair.join("=")).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use docker_model::HostConfig;

    fn translated(host_config: HostConfig) -> Result<Vec<MountConfig>, MountError> {
        mounts(&ContainerCreateRequest { host_config, ..Default::default() })
    }

    #[test]
    fn every_form() {
        let host = HostConfig {
            binds: Some(vec!["/a:/b:ro".into(), "data:/d".into()]),
            tmpfs: Some([("/run".to_owned(), "size=64k,noexec".to_owned())].into()),
            mounts: Some(vec![parse::mount("type=bind,src=/x,dst=/y").unwrap()]),
            ..HostConfig::default()
        };
        let mounts = translated(host).unwrap();
        assert!(matches!(&mounts[0].source, MountSource::Bind { path, create: true, .. } if path == "/a"));
        assert!(mounts[0].read_only);
        assert!(
            matches!(&mounts[1].source, MountSource::Volume { name: Some(name), .. } if name.as_str() == "data")
        );
        assert!(matches!(&mounts[2].source, MountSource::Bind { create: false, .. }));
        assert!(matches!(&mounts[3].source, MountSource::Tmpfs { size: Some(65_536), .. }));
    }

    #[test]
    fn one_mount_per_place() {
        let host = HostConfig { binds: Some(vec!["/a:/b".into(), "/c:/b/".into()]), ..HostConfig::default() };
        assert!(matches!(translated(host), Err(MountError::Duplicate(_))));
    }
}
