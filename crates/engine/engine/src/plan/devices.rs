//! Device nodes and the rules of the devices controller.

use super::PlanError;
use spec::runtime::{Device, DeviceRule};
use std::path::PathBuf;

/// A device node of the host, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostDevice {
    /// Path inside.
    pub path: PathBuf,
    /// `c` or `b`.
    pub kind: char,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Of `r`, `w`, `m`.
    pub access: String,
}

/// Character devices that every container may use: null, zero, full, random, urandom, tty, console, ptmx
/// (config-linux.md, "Default Devices").
const ALLOWED: [(i64, i64); 8] = [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2)];
/// Unix98 pseudo-terminals.
const PTS_MAJOR: i64 = 136;

fn rule(kind: &str, major: Option<i64>, minor: Option<i64>, access: &str) -> DeviceRule {
    DeviceRule { allow: true, kind: kind.into(), major, minor, access: access.into() }
}

/// A rule as the user said it: `type major:minor access`, a star for any number.
pub(super) fn parse_rule(text: &str) -> Result<DeviceRule, PlanError> {
    let invalid = || PlanError::Limit(format!("invalid device cgroup rule format: '{text}'"));
    let parts: Vec<&str> = text.split(' ').collect();
    let [kind, numbers, access] = parts[..] else { return Err(invalid()) };
    let number = |text: &str| match text {
        "*" => Ok(None),
        digits => digits.parse::<u32>().map(|number| Some(i64::from(number))).map_err(|_| invalid()),
    };
    let (major, minor) = numbers.split_once(':').ok_or_else(invalid)?;
    let known = matches!(kind, "a" | "b" | "c") && (1..=3).contains(&access.len());
    if !known || !access.bytes().all(|letter| matches!(letter, b'r' | b'w' | b'm')) {
        return Err(invalid());
    }
    Ok(rule(kind, number(major)?, number(minor)?, access))
}

/// The nodes to make besides the runtime's defaults.
pub(super) fn nodes(devices: &[HostDevice]) -> Vec<Device> {
    devices
        .iter()
        .map(|device| Device {
            path: device.path.clone(),
            kind: device.kind.to_string(),
            major: i64::from(device.major),
            minor: i64::from(device.minor),
            file_mode: Some(device.mode),
            uid: Some(device.uid),
            gid: Some(device.gid),
        })
        .collect()
}

/// The rules, in order: nothing, then making nodes of any kind, then what every container may use, then what was
/// asked for. A privileged container may use everything.
pub(super) fn rules(privileged: bool, devices: &[HostDevice]) -> Vec<DeviceRule> {
    if privileged {
        return vec![rule("a", None, None, "rwm")];
    }
    let mut rules = vec![
        DeviceRule { allow: false, access: "rwm".into(), kind: "a".into(), ..DeviceRule::default() },
        rule("c", None, None, "m"),
        rule("b", None, None, "m"),
    ];
    rules.extend(ALLOWED.iter().map(|(major, minor)| rule("c", Some(*major), Some(*minor), "rwm")));
    rules.push(rule("c", Some(PTS_MAJOR), None, "rwm"));
    rules.extend(devices.iter().map(|device| {
        let (major, minor) = (i64::from(device.major), i64::from(device.minor));
        rule(&device.kind.to_string(), Some(major), Some(minor), &device.access)
    }));
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_the_user() {
        let parsed = parse_rule("c 189:* rm").unwrap();
        assert_eq!(
            (parsed.kind.as_str(), parsed.major, parsed.minor, parsed.access.as_str()),
            ("c", Some(189), None, "rm")
        );
        for text in
            ["", "c", "c 1:2", "x 1:2 r", "c 1 r", "c a:b r", "c 1:2 x", "c 1:2 rwmr", "c  1:2 r", "c -1:2 r"]
        {
            assert!(parse_rule(text).is_err(), "{text:?}");
        }
    }
}
