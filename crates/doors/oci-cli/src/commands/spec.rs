//! `spec`: an example `config.json` to start from.

use crate::error::CliError;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

const EXAMPLE: &str = include_str!("example.json");

pub(super) fn spec(bundle: &Path, rootless: bool) -> Result<(), CliError> {
    let text = if rootless { rootless_example()? } else { EXAMPLE.to_owned() };
    let path = bundle.join("config.json");
    // Never over an existing one.
    let file = std::fs::File::options().write(true).create_new(true).open(&path);
    let mut file = file.map_err(CliError::std_path("make", &path))?;
    file.write_all(text.as_bytes()).map_err(CliError::std_path("write", &path))
}

/// The example for a caller who is not root: a user namespace in which the caller is root, the host's network, and
/// nothing that needs a control group.
fn rootless_example() -> Result<String, CliError> {
    let wrong = |source| CliError::Document { path: "example.json".into(), source };
    let mut document: Value = serde_json::from_str(EXAMPLE).map_err(wrong)?;
    let map = |id: u32| json!([{ "containerID": 0, "hostID": id, "size": 1 }]);
    let linux = &mut document["linux"];
    if let Some(linux) = linux.as_object_mut() {
        linux.remove("resources");
        linux.insert("uidMappings".into(), map(rustix::process::geteuid().as_raw()));
        linux.insert("gidMappings".into(), map(rustix::process::getegid().as_raw()));
    }
    if let Some(namespaces) = linux["namespaces"].as_array_mut() {
        namespaces.retain(|namespace| namespace["type"] != "network");
        namespaces.push(json!({ "type": "user" }));
    }
    for mount in document["mounts"].as_array_mut().into_iter().flatten() {
        match mount["destination"].as_str() {
            // sysfs belongs to the network namespace, which is the host's.
            Some("/sys") => {
                *mount = json!({
                    "destination": "/sys", "type": "none", "source": "/sys",
                    "options": ["rbind", "nosuid", "noexec", "nodev", "ro"]
                });
            }
            _ => {
                if let Some(options) = mount.get_mut("options").and_then(Value::as_array_mut) {
                    options.retain(|word| !word.as_str().is_some_and(|word| word.starts_with("gid=")));
                }
            }
        }
    }
    serde_json::to_string_pretty(&document).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rootless_example_can_be_planned() {
        let spec: ::spec::runtime::Spec = serde_json::from_str(&rootless_example().unwrap()).unwrap();
        let plan = runtime::plan::create(&spec, runtime::plan::Situation::default()).unwrap();
        assert_eq!(plan.mappings.unwrap().uids[0].host_id, rustix::process::geteuid().as_raw());
    }

    #[test]
    fn the_example_is_a_whole_document_that_can_be_planned() {
        let spec: ::spec::runtime::Spec = serde_json::from_str(EXAMPLE).unwrap();
        assert_eq!(spec.oci_version, ::spec::runtime::VERSION);
        runtime::plan::create(&spec, runtime::plan::Situation::default()).unwrap();
        // Nothing in it is unknown to our types: written again it says the same.
        let again: serde_json::Value = serde_json::to_value(&spec).unwrap();
        let example: serde_json::Value = serde_json::from_str(EXAMPLE).unwrap();
        for (key, value) in example.as_object().unwrap() {
            assert_eq!(again.get(key).is_some(), !value.is_null(), "{key}");
        }
    }
}
