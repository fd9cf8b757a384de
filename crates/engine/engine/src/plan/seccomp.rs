//! Docker's seccomp profile format, resolved for one container into the runtime's (config-linux.md, "Seccomp").

use super::PlanError;
use serde::Deserialize;
use spec::runtime::{Seccomp, SyscallArg, SyscallRule};

/// Bytes of a profile at the most; Docker's own has 13 KiB.
const PROFILE_MAX: usize = 1 << 20;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Profile {
    default_action: String,
    default_errno_ret: Option<u32>,
    arch_map: Option<Vec<Architecture>>,
    architectures: Option<Vec<String>>,
    flags: Option<Vec<String>>,
    syscalls: Option<Vec<Rule>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Architecture {
    architecture: String,
    sub_architectures: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rule {
    name: String,
    names: Option<Vec<String>>,
    action: String,
    errno_ret: Option<u32>,
    args: Option<Vec<SyscallArg>>,
    includes: Option<Filter>,
    excludes: Option<Filter>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Filter {
    caps: Option<Vec<String>>,
    arches: Option<Vec<String>>,
    min_kernel: Option<String>,
}

/// GOARCH and the architecture of seccomp(2) that this program is built for.
const NATIVE: (&str, &str) = if cfg!(target_arch = "aarch64") {
    ("arm64", "SCMP_ARCH_AARCH64")
} else {
    ("amd64", "SCMP_ARCH_X86_64")
};

fn invalid(problem: impl Into<String>) -> PlanError {
    PlanError::Seccomp { problem: problem.into() }
}

/// Resolves a profile's text for a container with `capabilities`.
pub(super) fn resolve(text: &str, capabilities: &[String]) -> Result<Seccomp, PlanError> {
    if text.len() > PROFILE_MAX {
        return Err(invalid(format!("larger than {PROFILE_MAX} bytes")));
    }
    let profile: Profile = serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
    if profile.default_action.is_empty() {
        return Err(invalid("defaultAction is missing"));
    }
    let kernel = kernel_version();
    let mut resolved = Seccomp {
        default_action: profile.default_action,
        default_errno_ret: profile.default_errno_ret,
        architectures: architectures(profile.architectures, profile.arch_map)?,
        flags: profile.flags.unwrap_or_default(),
        ..Seccomp::default()
    };
    for rule in profile.syscalls.unwrap_or_default() {
        if !applies(&rule, capabilities, kernel) {
            continue;
        }
        let mut names = rule.names.unwrap_or_default();
        match (rule.name.is_empty(), names.is_empty()) {
            (false, true) => names.push(rule.name),
            (true, _) => {}
            (false, false) => return Err(invalid("a rule has both name and names")),
        }
        let (action, errno_ret) = (rule.action, rule.errno_ret);
        resolved.syscalls.push(SyscallRule { names, action, errno_ret, args: rule.args.unwrap_or_default() });
    }
    Ok(resolved)
}

fn architectures(
    plain: Option<Vec<String>>,
    map: Option<Vec<Architecture>>,
) -> Result<Vec<String>, PlanError> {
    let (plain, map) = (plain.unwrap_or_default(), map.unwrap_or_default());
    if !plain.is_empty() && !map.is_empty() {
        return Err(invalid("both architectures and archMap are given"));
    }
    let native = map.into_iter().find(|entry| entry.architecture == NATIVE.1);
    Ok(native.map_or(plain, |entry| {
        let mut all = vec![entry.architecture];
        all.extend(entry.sub_architectures.unwrap_or_default());
        all
    }))
}

fn applies(rule: &Rule, capabilities: &[String], kernel: (u32, u32)) -> bool {
    let has = |caps: &Option<Vec<String>>, all: bool| match caps {
        None => all,
        Some(caps) if all => caps.iter().all(|cap| capabilities.contains(cap)),
        Some(caps) => caps.iter().any(|cap| capabilities.contains(cap)),
    };
    let included = rule.includes.as_ref().is_none_or(|filter| {
        has(&filter.caps, true)
            && filter
                .arches
                .as_ref()
                .is_none_or(|arches| arches.is_empty() || arches.iter().any(|arch| arch == NATIVE.0))
            && filter.min_kernel.as_deref().is_none_or(|text| version(text).is_some_and(|min| kernel >= min))
    });
    let excluded = rule.excludes.as_ref().is_some_and(|filter| {
        has(&filter.caps, false)
            || filter.arches.as_ref().is_some_and(|arches| arches.iter().any(|arch| arch == NATIVE.0))
            || filter.min_kernel.as_deref().is_some_and(|text| version(text).is_some_and(|min| kernel >= min))
    });
    included && !excluded
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split(['.', '-', '+']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn kernel_version() -> (u32, u32) {
    rustix::system::uname().release().to_str().ok().and_then(version).unwrap_or((5, 15))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = r#"{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,
        "archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]},
                   {"architecture":"SCMP_ARCH_AARCH64","subArchitectures":null}],
        "syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"},
            {"names":["ptrace"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"4.8"}},
            {"names":["future"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"99.0"}},
            {"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}},
            {"names":["clone"],"action":"SCMP_ACT_ALLOW","excludes":{"caps":["CAP_SYS_ADMIN"]},
             "args":[{"index":0,"value":2114060288,"op":"SCMP_CMP_MASKED_EQ"}]},
            {"name":"old","action":"SCMP_ACT_ALLOW","args":[]}]}"#;

    fn names(capabilities: &[&str]) -> Vec<String> {
        let owned: Vec<_> = capabilities.iter().map(|name| (*name).to_owned()).collect();
        resolve(PROFILE, &owned).unwrap().syscalls.into_iter().flat_map(|rule| rule.names).collect()
    }

    #[test]
    fn conditions_are_resolved() {
        assert_eq!(names(&[]), ["read", "ptrace", "clone", "old"]);
        assert_eq!(names(&["CAP_SYS_ADMIN"]), ["read", "ptrace", "mount", "old"]);
        let resolved = resolve(PROFILE, &[]).unwrap();
        assert_eq!(resolved.architectures[0], NATIVE.1);
        assert_eq!(resolved.default_errno_ret, Some(1));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "[]", "{}", r#"{"defaultAction":"A","syscalls":[{"name":"a","names":["b"]}]}"#] {
            assert!(resolve(text, &[]).is_err(), "{text}");
        }
    }
}
