//! Access to device nodes: Docker's default list, and device rules on a group in either version.
//!
//! The runtime specification lists rules in order and the last one that matches decides. v1 keeps such a list in the
//! kernel; for v2 the list becomes a BPF program. An empty list leaves the access as inherited, so the caller says
//! what a container gets, normally with [`default_device_rules`].

mod program;

use crate::directory::{Directory, write_once};
use crate::hierarchy::Version;
use crate::{CgroupError, Controller};
use rustix::fs::OFlags;
use spec::runtime::DeviceRule;
use std::os::fd::AsFd;

/// More rules than any container has; the v2 program stays far below the verifier's bounds.
const RULES_MAX: usize = 2048;

/// What Docker and runc give every container: nothing but making nodes, the harmless pseudo devices, and terminals.
#[must_use]
pub fn default_device_rules() -> Vec<DeviceRule> {
    let rule = |kind: &str, major, minor, access: &str| DeviceRule {
        allow: true,
        kind: kind.to_owned(),
        major,
        minor,
        access: access.to_owned(),
    };
    let character = |major, minor| rule("c", Some(major), minor, "rwm");
    vec![
        DeviceRule { allow: false, kind: "a".to_owned(), major: None, minor: None, access: "rwm".to_owned() },
        rule("c", None, None, "m"),
        rule("b", None, None, "m"),
        // null, zero, full, random, urandom, tty.
        character(1, Some(3)),
        character(1, Some(5)),
        character(1, Some(7)),
        character(1, Some(8)),
        character(1, Some(9)),
        character(5, Some(0)),
        // console, ptmx and the terminals of devpts.
        character(5, Some(1)),
        character(5, Some(2)),
        character(136, None),
    ]
}

/// Block, character or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Any,
    Block,
    Character,
}

/// Of `r`, `w` and `m`, with the kernel's bits `BPF_DEVCG_ACC_…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Access(u8);

impl Access {
    const MKNOD: u8 = 1;
    const READ: u8 = 2;
    const WRITE: u8 = 4;
    const ALL: Self = Self(7);
}

/// A rule that was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rule {
    allow: bool,
    kind: Kind,
    major: Option<u32>,
    minor: Option<u32>,
    access: Access,
}

impl Rule {
    fn parse(rule: &DeviceRule) -> Result<Self, CgroupError> {
        let invalid = |value: String, rule| CgroupError::InvalidSetting { setting: "devices", value, rule };
        let kind = match rule.kind.as_str() {
            "" | "a" => Kind::Any,
            "b" => Kind::Block,
            "c" | "u" => Kind::Character,
            other => return Err(invalid(other.chars().take(80).collect(), "the type is a, b or c")),
        };
        // -1 is how older tools write "all".
        let number = |number: Option<i64>| match number {
            None | Some(-1) => Ok(None),
            Some(number) => u32::try_from(number)
                .map(Some)
                .map_err(|_| invalid(number.to_string(), "not a device number")),
        };
        let mut access = 0;
        for letter in rule.access.chars() {
            access |= match letter {
                'r' => Access::READ,
                'w' => Access::WRITE,
                'm' => Access::MKNOD,
                _ => {
                    return Err(invalid(
                        rule.access.chars().take(80).collect(),
                        "the access is of r, w and m",
                    ));
                }
            };
        }
        let access = if access == 0 { Access::ALL } else { Access(access) };
        // The specification and v1 read `a` as every device with every access, whatever else is there.
        if kind == Kind::Any && rule.major.is_none_or(|n| n == -1) && rule.minor.is_none_or(|n| n == -1) {
            return Ok(Self { allow: rule.allow, kind, major: None, minor: None, access: Access::ALL });
        }
        Ok(Self { allow: rule.allow, kind, major: number(rule.major)?, minor: number(rule.minor)?, access })
    }

    /// The lines for v1's `devices.allow` and `devices.deny`, which have no line for both kinds with numbers.
    fn v1_lines(self) -> Vec<String> {
        let number = |number: Option<u32>| number.map_or_else(|| "*".to_owned(), |number| number.to_string());
        let letters: String = [(Access::READ, 'r'), (Access::WRITE, 'w'), (Access::MKNOD, 'm')]
            .into_iter()
            .filter(|(bit, _)| self.access.0 & bit != 0)
            .map(|(_, letter)| letter)
            .collect();
        let tail = format!("{}:{} {letters}", number(self.major), number(self.minor));
        match self.kind {
            Kind::Any if self.major.is_none() && self.minor.is_none() => vec!["a".to_owned()],
            Kind::Any => vec![format!("b {tail}"), format!("c {tail}")],
            Kind::Block => vec![format!("b {tail}")],
            Kind::Character => vec![format!("c {tail}")],
        }
    }
}

/// Rules that were checked, in their order.
#[derive(Debug, Default)]
pub(crate) struct Rules(Vec<Rule>);

impl Rules {
    pub(crate) fn parse(rules: &[DeviceRule]) -> Result<Self, CgroupError> {
        if rules.len() > RULES_MAX {
            return Err(CgroupError::InvalidSetting {
                setting: "devices",
                value: format!("{} rules", rules.len()),
                rule: "at most 2048 rules",
            });
        }
        // What stands before a rule for everything has no effect.
        let rules = rules.iter().map(Rule::parse).collect::<Result<Vec<_>, _>>()?;
        let total = |rule: &Rule| rule.kind == Kind::Any && rule.major.is_none() && rule.minor.is_none();
        let start = rules.iter().rposition(total).unwrap_or(0);
        Ok(Self(rules[start..].to_vec()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts the rules in force on a group.
    pub(crate) fn establish(&self, directory: &Directory) -> Result<(), CgroupError> {
        match directory.version {
            Version::V1 => self.write_v1(directory),
            Version::V2 => self.attach_v2(directory),
        }
    }

    /// Two files stay open: opening one costs more than writing a line.
    fn write_v1(&self, directory: &Directory) -> Result<(), CgroupError> {
        let deny = directory.open_file("devices.deny", OFlags::WRONLY)?;
        let allow = directory.open_file("devices.allow", OFlags::WRONLY)?;
        for rule in &self.0 {
            let (file, name) = if rule.allow { (&allow, "devices.allow") } else { (&deny, "devices.deny") };
            for line in rule.v1_lines() {
                write_once(file.as_fd(), &line).map_err(|source| CgroupError::Write {
                    setting: Controller::Devices.to_string(),
                    value: line,
                    path: directory.file(name),
                    source,
                })?;
            }
        }
        Ok(())
    }

    /// Replaces our program if there is one; otherwise adds ours.
    fn attach_v2(&self, directory: &Directory) -> Result<(), CgroupError> {
        let failed = |source| CgroupError::DeviceProgram { path: directory.path.clone(), source };
        let group = directory.fd.as_fd();
        let program = kernel::bpf::load_device_program(&program::from_rules(&self.0)).map_err(failed)?;
        let attached = kernel::bpf::attached_device_programs(group).map_err(failed)?;
        match attached.split_first() {
            None => kernel::bpf::attach_device_program(group, program.as_fd()).map_err(failed),
            Some((first, others)) => {
                kernel::bpf::replace_device_program(group, first.as_fd(), program.as_fd()).map_err(failed)?;
                // A group is ours alone; a second program could only refuse what the new rules allow.
                others
                    .iter()
                    .try_for_each(|other| kernel::bpf::detach_device_program(group, other.as_fd()))
                    .map_err(failed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(allow: bool, kind: &str, major: Option<i64>, minor: Option<i64>, access: &str) -> DeviceRule {
        DeviceRule { allow, kind: kind.into(), major, minor, access: access.into() }
    }

    fn lines(rules: &[DeviceRule]) -> Vec<String> {
        let rules = Rules::parse(rules).unwrap();
        let sign = |allow| if allow { '+' } else { '-' };
        rules
            .0
            .iter()
            .flat_map(|r| r.v1_lines().into_iter().map(move |l| format!("{}{l}", sign(r.allow))))
            .collect()
    }

    #[test]
    fn the_default_list_begins_with_nothing() {
        let lines = lines(&default_device_rules());
        assert_eq!(lines[..4], ["-a", "+c *:* m", "+b *:* m", "+c 1:3 rwm"]);
        assert_eq!(lines.last().unwrap(), "+c 136:* rwm");
    }

    #[test]
    fn what_a_total_rule_hides_is_dropped() {
        let rules = [
            rule(true, "c", Some(1), Some(3), "r"),
            rule(false, "", None, None, ""),
            rule(true, "", Some(7), None, "w"),
        ];
        assert_eq!(lines(&rules), ["-a", "+b 7:* w", "+c 7:* w"]);
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [
            rule(true, "x", None, None, ""),
            rule(true, "c", Some(-2), None, ""),
            rule(true, "c", Some(1 << 40), None, ""),
            rule(true, "c", None, None, "rx"),
        ] {
            assert!(Rules::parse(std::slice::from_ref(&bad)).is_err(), "{bad:?}");
        }
        assert!(Rules::parse(&vec![rule(true, "a", None, None, ""); RULES_MAX + 1]).is_err());
    }
}
