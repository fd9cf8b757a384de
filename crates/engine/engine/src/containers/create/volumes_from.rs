//! `--volumes-from`: the binds and volumes of other containers.

use super::CreateError;
use crate::Engine;
use crate::model::{ContainerConfig, MountConfig, MountSource, MountView};
use crate::plan::PlanError;
use ids::VolumeName;

impl Engine {
    /// The mounts of the request, and those of the containers that it names; the request's own win, and of two containers
    /// the later one.
    pub(super) fn with_volumes_from(
        &self,
        config: &ContainerConfig,
    ) -> Result<Vec<MountConfig>, CreateError> {
        let mut mounts = config.mounts.clone();
        for from in config.volumes_from.iter().rev() {
            let (name, read_only) = parse(from)?;
            for view in self.read_container(name)?.record.mounts {
                let taken = mounts.iter().any(|mount| mount.target.trim_end_matches('/') == view.target);
                if let (false, Some(mount)) = (taken, mount_of(&view, read_only)) {
                    mounts.push(mount);
                }
            }
        }
        Ok(mounts)
    }
}

/// `container[:mode]`.
fn parse(text: &str) -> Result<(&str, bool), PlanError> {
    match text.split_once(':') {
        None => Ok((text, false)),
        Some((name, "ro")) => Ok((name, true)),
        // The labels of SELinux are those that the volumes have already.
        Some((name, "rw" | "z" | "Z")) => Ok((name, false)),
        Some((_, mode)) => Err(PlanError::Limit(format!("invalid mode for volumes-from: {mode}"))),
    }
}

/// The same mount for another container; memory is nobody else's.
fn mount_of(view: &MountView, read_only: bool) -> Option<MountConfig> {
    let source = match (view.kind.as_str(), &view.name) {
        ("bind", _) => MountSource::Bind {
            path: view.source.clone(),
            create: false,
            propagation: Some(view.propagation.clone()).filter(|text| !text.is_empty()),
            non_recursive: false,
        },
        ("volume", Some(name)) => MountSource::Volume {
            name: VolumeName::parse(name).ok(),
            no_copy: true,
            options: std::collections::BTreeMap::new(),
            labels: std::collections::BTreeMap::new(),
        },
        _ => return None,
    };
    Some(MountConfig { target: view.target.clone(), source, read_only: read_only || !view.writable })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes() {
        assert_eq!(parse("web").unwrap(), ("web", false));
        assert_eq!(parse("web:ro").unwrap(), ("web", true));
        assert_eq!(parse("web:rw").unwrap(), ("web", false));
        assert_eq!(parse("web:x").unwrap_err().to_string(), "invalid mode for volumes-from: x");
    }

    #[test]
    fn a_read_only_mount_stays_so() {
        let view = MountView {
            kind: "volume".into(),
            name: Some("data".into()),
            source: "/x".into(),
            target: "/data".into(),
            mode: "ro".into(),
            writable: false,
            propagation: String::new(),
        };
        assert!(mount_of(&view, false).unwrap().read_only);
        assert!(mount_of(&MountView { kind: "tmpfs".into(), name: None, ..view }, false).is_none());
    }
}
