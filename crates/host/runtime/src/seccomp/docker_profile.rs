//! Docker's profile files (`--security-opt seccomp=FILE`), whose rules depend on the container and on the kernel.

use super::{Arch, CapabilitySet};
use serde::Deserialize;
use spec::runtime::{Seccomp, SyscallArg, SyscallRule};

/// Bytes of a profile at the most; Docker's own has 13 KiB.
const SIZE_MAX: usize = 1 << 20;

/// A profile file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// It is too large.
    #[error("the seccomp profile is larger than {SIZE_MAX} bytes")]
    TooLarge,
    /// It is not of Docker's form.
    #[error("the seccomp profile cannot be read")]
    Form(#[source] serde_json::Error),
    /// Without a default action nothing is filtered.
    #[error("the seccomp profile has no defaultAction")]
    NoDefault,
    /// Two ways to say one thing.
    #[error("the seccomp profile has both {one:?} and {other:?}; use either")]
    Both {
        /// A field.
        one: &'static str,
        /// Another.
        other: &'static str,
    },
    /// A version that is not a version.
    #[error("the seccomp profile has the kernel version {text:?}; it is written as 5.15")]
    KernelVersion {
        /// As it came.
        text: String,
    },
}

/// A profile as it is in a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Profile(Document);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Document {
    default_action: String,
    default_errno_ret: Option<u32>,
    architectures: Option<Vec<String>>,
    arch_map: Option<Vec<ArchEntry>>,
    flags: Option<Vec<String>>,
    listener_path: Option<std::path::PathBuf>,
    listener_metadata: String,
    syscalls: Option<Vec<Rule>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ArchEntry {
    architecture: String,
    sub_architectures: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rule {
    name: String,
    names: Option<Vec<String>>,
    action: String,
    errno_ret: Option<u32>,
    args: Option<Vec<SyscallArg>>,
    includes: Option<Terms>,
    excludes: Option<Terms>,
}

/// Terms of a rule; as `includes` all of those given must hold, as `excludes` none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Terms {
    caps: Option<Vec<String>>,
    arches: Option<Vec<String>>,
    min_kernel: Option<String>,
}

/// What a profile is resolved for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// The container's bounding set.
    pub capabilities: CapabilitySet,
    /// Major and minor version.
    pub kernel: (u32, u32),
    /// The machine's.
    pub arch: Arch,
}

impl Profile {
    /// Reads a profile file.
    ///
    /// # Errors
    /// [`ProfileError`], also for contradictions.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        if text.len() > SIZE_MAX {
            return Err(ProfileError::TooLarge);
        }
        let document: Document = serde_json::from_str(text).map_err(ProfileError::Form)?;
        if document.default_action.is_empty() {
            return Err(ProfileError::NoDefault);
        }
        let given = |list: Option<usize>| list.is_some_and(|length| length > 0);
        if given(document.architectures.as_ref().map(Vec::len))
            && given(document.arch_map.as_ref().map(Vec::len))
        {
            return Err(ProfileError::Both { one: "architectures", other: "archMap" });
        }
        for rule in document.syscalls.iter().flatten() {
            if !rule.name.is_empty() && given(rule.names.as_ref().map(Vec::len)) {
                return Err(ProfileError::Both { one: "name", other: "names" });
            }
            for terms in rule.includes.iter().chain(&rule.excludes) {
                terms.min_kernel.as_deref().map(version).transpose()?;
            }
        }
        Ok(Self(document))
    }

    /// The rules that hold for one container.
    #[must_use]
    pub fn resolve(self, situation: Situation) -> Seccomp {
        let document = self.0;
        let native = situation.arch.name();
        let mapped = document.arch_map.into_iter().flatten().find(|entry| entry.architecture == native);
        let architectures = match mapped {
            Some(entry) => std::iter::once(entry.architecture)
                .chain(entry.sub_architectures.into_iter().flatten())
                .collect(),
            None => document.architectures.unwrap_or_default(),
        };
        let rules = document.syscalls.into_iter().flatten().filter(|rule| rule.applies(situation));
        Seccomp {
            default_action: document.default_action,
            default_errno_ret: document.default_errno_ret,
            architectures,
            flags: document.flags.unwrap_or_default(),
            listener_path: document.listener_path,
            listener_metadata: document.listener_metadata,
            syscalls: rules.map(Rule::into_plain).filter(|rule| !rule.names.is_empty()).collect(),
        }
    }
}

impl Rule {
    fn applies(&self, situation: Situation) -> bool {
        let included = self.includes.as_ref().is_none_or(|terms| terms.all_hold(situation));
        let excluded = self.excludes.as_ref().is_some_and(|terms| terms.any_holds(situation));
        included && !excluded
    }

    fn into_plain(self) -> SyscallRule {
        let mut names = self.names.unwrap_or_default();
        if !self.name.is_empty() {
            names.push(self.name);
        }
        let (action, errno_ret) = (self.action, self.errno_ret);
        SyscallRule { names, action, errno_ret, args: self.args.unwrap_or_default() }
    }
}

impl Terms {
    fn all_hold(&self, situation: Situation) -> bool {
        let caps = self.caps.iter().flatten().all(|name| situation.capabilities.has_named(name));
        let arches = self.arches.as_ref().is_none_or(|all| all.is_empty() || names_arch(all, situation));
        caps && arches && self.min_kernel.as_deref().is_none_or(|min| is_at_least(situation, min))
    }

    fn any_holds(&self, situation: Situation) -> bool {
        self.caps.iter().flatten().any(|name| situation.capabilities.has_named(name))
            || self.arches.as_ref().is_some_and(|all| names_arch(all, situation))
            || self.min_kernel.as_deref().is_some_and(|min| is_at_least(situation, min))
    }
}

fn names_arch(arches: &[String], situation: Situation) -> bool {
    arches.iter().any(|name| name == situation.arch.docker_name())
}

fn is_at_least(situation: Situation, minimum: &str) -> bool {
    // Checked by `parse`.
    version(minimum).is_ok_and(|minimum| situation.kernel >= minimum)
}

/// `major.minor`, with nothing behind it.
fn version(text: &str) -> Result<(u32, u32), ProfileError> {
    let parsed =
        text.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    parsed.ok_or_else(|| ProfileError::KernelVersion { text: text.chars().take(80).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = r#"{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,
        "archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]},
                   {"architecture":"SCMP_ARCH_AARCH64","subArchitectures":null}],
        "syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","comment":"","args":null},
            {"names":["ptrace"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"4.8"}},
            {"names":["future"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"99.0"}},
            {"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN","CAP_BPF"]}},
            {"names":["arch"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["amd64"]},"excludes":{"minKernel":"7.1"}},
            {"names":["clone"],"action":"SCMP_ACT_ALLOW","excludes":{"caps":["CAP_SYS_ADMIN","CAP_CHOWN"]},
             "args":[{"index":0,"value":2114060288,"op":"SCMP_CMP_MASKED_EQ"}]},
            {"name":"old","action":"SCMP_ACT_ALLOW"}]}"#;

    fn resolved(capabilities: &[&str], kernel: (u32, u32), arch: Arch) -> (Vec<String>, Seccomp) {
        let situation = Situation { capabilities: CapabilitySet::from_names(capabilities), kernel, arch };
        let plain = Profile::parse(PROFILE).unwrap().resolve(situation);
        (plain.syscalls.iter().flat_map(|rule| rule.names.clone()).collect(), plain)
    }

    #[test]
    fn rules_depend_on_capabilities_kernel_and_architecture() {
        let (names, plain) = resolved(&[], (6, 18), Arch::X86_64);
        assert_eq!(names, ["read", "ptrace", "arch", "clone", "old"]);
        assert_eq!(plain.architectures, ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]);
        assert_eq!(plain.default_errno_ret, Some(1));
        assert_eq!(resolved(&["CAP_SYS_ADMIN"], (7, 1), Arch::X86_64).0, ["read", "ptrace", "old"]);
        let both = &["CAP_SYS_ADMIN", "CAP_BPF"];
        assert_eq!(resolved(both, (4, 7), Arch::Aarch64).0, ["read", "mount", "old"]);
        assert_eq!(resolved(&[], (5, 15), Arch::Aarch64).1.architectures, ["SCMP_ARCH_AARCH64"]);
    }

    #[test]
    fn contradictions_and_nonsense_are_refused() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"defaultAction":"A","syscalls":[{"name":"a","names":["b"]}]}"#,
            r#"{"defaultAction":"A","architectures":["x"],"archMap":[{"architecture":"y"}]}"#,
            r#"{"defaultAction":"A","syscalls":[{"names":["b"],"includes":{"minKernel":"new"}}]}"#,
        ] {
            assert!(Profile::parse(text).is_err(), "{text}");
        }
        assert!(matches!(Profile::parse(&" ".repeat(SIZE_MAX + 1)), Err(ProfileError::TooLarge)));
    }
}
