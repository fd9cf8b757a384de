//! Log drivers and their options.

use super::PlanError;
use monitor::desired::LogPlan;
use std::collections::BTreeMap;
use std::path::Path;

/// Where nobody says otherwise, a log is bounded: three segments of this many bytes.
const DEFAULT_SEGMENT: u64 = 64 << 20;
const DEFAULT_FILES: u32 = 3;

/// The plan of a container's log. `path` is where its first segment would be.
///
/// # Errors
/// For a driver, option or value that is not known.
pub fn plan(driver: &str, options: &BTreeMap<String, String>, path: &Path) -> Result<LogPlan, PlanError> {
    match driver {
        "none" => match options.keys().next() {
            Some(option) => Err(unknown(option, driver)),
            None => Ok(LogPlan::None),
        },
        "json-file" => json_file(options, path),
        _ => Err(PlanError::LogDriver { name: driver.to_owned() }),
    }
}

fn unknown(option: &str, driver: &str) -> PlanError {
    PlanError::LogOption { option: option.to_owned(), driver: driver.to_owned() }
}

fn json_file(options: &BTreeMap<String, String>, path: &Path) -> Result<LogPlan, PlanError> {
    let (mut max_size, mut max_files) = (None, None);
    for (option, value) in options {
        let invalid = || PlanError::LogValue { option: option.clone(), value: value.clone() };
        match option.as_str() {
            "max-size" => max_size = Some(bytes(value).ok_or_else(invalid)?),
            "max-file" => {
                let count = value.parse().ok().filter(|count| (1..=1000).contains(count));
                max_files = Some(count.ok_or_else(invalid)?);
            }
            _ => return Err(unknown(option, "json-file")),
        }
    }
    // `-1` is Docker's word for no bound.
    let (max_size, max_files) = match (max_size, max_files) {
        (None, None) => (Some(DEFAULT_SEGMENT), DEFAULT_FILES),
        (Some(size), files) => (size, files.unwrap_or(1)),
        (None, Some(files)) => (Some(DEFAULT_SEGMENT), files),
    };
    Ok(LogPlan::JsonFile { path: path.to_owned(), max_size, max_files })
}

/// `10m`, `1g`, `512k`, plain bytes; `-1` for no limit. Powers of two, as Docker reads them.
fn bytes(text: &str) -> Option<Option<u64>> {
    if text == "-1" {
        return Some(None);
    }
    let lower = text.to_ascii_lowercase();
    let bare = lower.strip_suffix("ib").or_else(|| lower.strip_suffix('b')).unwrap_or(&lower);
    let (digits, shift) = match bare.as_bytes().last()? {
        b'k' => (&bare[..bare.len() - 1], 10),
        b'm' => (&bare[..bare.len() - 1], 20),
        b'g' => (&bare[..bare.len() - 1], 30),
        _ => (bare, 0),
    };
    let value = digits.parse::<u64>().ok()?.checked_mul(1 << shift)?;
    (value > 0).then_some(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(driver: &str, options: &[(&str, &str)]) -> Result<LogPlan, PlanError> {
        let options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        plan(driver, &options, Path::new("/log"))
    }

    #[test]
    fn bounds() {
        let bound = |options: &[(&str, &str)]| match planned("json-file", options).unwrap() {
            LogPlan::JsonFile { max_size, max_files, .. } => (max_size, max_files),
            LogPlan::None => (None, 0),
        };
        assert_eq!(bound(&[]), (Some(64 << 20), 3));
        assert_eq!(bound(&[("max-size", "10m")]), (Some(10 << 20), 1));
        assert_eq!(bound(&[("max-size", "-1")]), (None, 1));
        assert_eq!(bound(&[("max-size", "1kb"), ("max-file", "4")]), (Some(1024), 4));
    }

    #[test]
    fn refusals() {
        assert_eq!(
            planned("syslog", &[]).unwrap_err().to_string(),
            "logger: no log driver named 'syslog' is registered"
        );
        assert!(planned("json-file", &[("labels-x", "1")]).is_err());
        assert!(planned("json-file", &[("max-file", "0")]).is_err());
        assert!(planned("json-file", &[("max-size", "lots")]).is_err());
        assert!(planned("none", &[("max-size", "1m")]).is_err());
    }
}
