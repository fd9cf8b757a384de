//! Limits of single devices: `--blkio-weight-device`, `--device-read-bps` and the like, `--device-cgroup-rule`.

use super::size;
use docker_model::{ThrottleDevice, WeightDevice};

/// Not a limit of a device. The words are Docker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidDeviceLimit {
    /// Not two parts.
    #[error("bad format: {0}")]
    Format(String),
    /// Not below `/dev`.
    #[error("bad format for device path: {0}")]
    Path(String),
    /// Not 0, nor 10 to 1000.
    #[error("invalid weight for device: {0}")]
    Weight(String),
    /// Not a size.
    #[error(
        "invalid rate for device: {0}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb"
    )]
    Bytes(String),
    /// Not a number.
    #[error(
        "invalid rate for device: {0}. The correct format is <device-path>:<number>. Number must be a positive integer"
    )]
    Operations(String),
    /// Not `type major:minor access`.
    #[error("invalid device cgroup format '{0}'")]
    Rule(String),
}

fn split(text: &str) -> Result<(&str, &str), InvalidDeviceLimit> {
    let (path, value) = text
        .split_once(':')
        .filter(|(path, value)| !path.is_empty() && !value.contains(':'))
        .ok_or_else(|| InvalidDeviceLimit::Format(text.to_owned()))?;
    if path.starts_with("/dev/") { Ok((path, value)) } else { Err(InvalidDeviceLimit::Path(text.to_owned())) }
}

/// `/dev/x:weight`.
pub(crate) fn weight_device(text: &str) -> Result<WeightDevice, InvalidDeviceLimit> {
    let (path, value) = split(text)?;
    match value.parse::<u16>() {
        Ok(weight) if weight == 0 || (10..=1000).contains(&weight) => {
            Ok(WeightDevice { path: path.to_owned(), weight })
        }
        _ => Err(InvalidDeviceLimit::Weight(text.to_owned())),
    }
}

/// `/dev/x:size`.
pub(crate) fn bytes_of_device(text: &str) -> Result<ThrottleDevice, InvalidDeviceLimit> {
    let (path, value) = split(text)?;
    let rate = size(value).ok().and_then(|rate| u64::try_from(rate).ok());
    let rate = rate.ok_or_else(|| InvalidDeviceLimit::Bytes(text.to_owned()))?;
    Ok(ThrottleDevice { path: path.to_owned(), rate })
}

/// `/dev/x:number`.
pub(crate) fn operations_of_device(text: &str) -> Result<ThrottleDevice, InvalidDeviceLimit> {
    let (path, value) = split(text)?;
    let rate = value.parse().map_err(|_| InvalidDeviceLimit::Operations(text.to_owned()))?;
    Ok(ThrottleDevice { path: path.to_owned(), rate })
}

/// `type major:minor access`, checked and left as it is.
pub(crate) fn device_rule(text: &str) -> Result<String, InvalidDeviceLimit> {
    let parts: Vec<&str> = text.split(' ').collect();
    let is_number =
        |text: &str| text == "*" || (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    let fits = match parts[..] {
        [kind, numbers, access] => {
            matches!(kind, "a" | "b" | "c")
                && numbers.split_once(':').is_some_and(|(major, minor)| is_number(major) && is_number(minor))
                && (1..=3).contains(&access.len())
                && access.bytes().all(|letter| matches!(letter, b'r' | b'w' | b'm'))
        }
        _ => false,
    };
    if fits { Ok(text.to_owned()) } else { Err(InvalidDeviceLimit::Rule(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dockers_grammar() {
        assert_eq!(weight_device("/dev/sda:100").unwrap().weight, 100);
        assert_eq!(bytes_of_device("/dev/sda:1mb").unwrap().rate, 1 << 20);
        assert_eq!(operations_of_device("/dev/sda:50").unwrap().rate, 50);
        assert_eq!(device_rule("c 1:* rwm").unwrap(), "c 1:* rwm");
        for (error, told) in [
            (weight_device("/dev/sda:5").unwrap_err(), "invalid weight for device"),
            (weight_device("/dev/sda").unwrap_err(), "bad format"),
            (bytes_of_device("sda:1mb").unwrap_err(), "bad format for device path"),
            (bytes_of_device("/dev/sda:-1").unwrap_err(), "invalid rate for device"),
            (operations_of_device("/dev/sda:1mb").unwrap_err(), "Number must be a positive integer"),
            (device_rule("c 1:2").unwrap_err(), "invalid device cgroup format"),
        ] {
            assert!(error.to_string().contains(told), "{error}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_them_stumble(text in ".{0,40}") {
            let _ = (weight_device(&text), bytes_of_device(&text), operations_of_device(&text), device_rule(&text));
        }
    }
}
