//! `spec`: an example `config.json` to start from.

use crate::error::CliError;
use std::io::Write;
use std::path::Path;

const EXAMPLE: &str = include_str!("example.json");

pub(super) fn spec(bundle: &Path) -> Result<(), CliError> {
    let path = bundle.join("config.json");
    // Never over an existing one.
    let file = std::fs::File::options().write(true).create_new(true).open(&path);
    let mut file = file.map_err(CliError::std_path("make", &path))?;
    file.write_all(EXAMPLE.as_bytes()).map_err(CliError::std_path("write", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

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
