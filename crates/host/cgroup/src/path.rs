//! The name of a group, the same in every hierarchy.

use crate::CgroupError;
use serde::{Deserialize, Serialize};

/// A path below the mount points of the hierarchies, such as `sampan-01234567/<container id>`: relative, without
/// empty, `.` or `..` components, at most 1024 bytes and 16 levels.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupPath(String);

impl GroupPath {
    /// Parses a path; one leading slash is dropped, since the runtime specification's absolute `cgroupsPath` is
    /// relative to the mount points too.
    ///
    /// # Errors
    /// [`CgroupError::InvalidPath`] with the rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, CgroupError> {
        let relative = text.strip_prefix('/').unwrap_or(text);
        match broken_rule(relative) {
            None => Ok(Self(relative.to_owned())),
            Some(rule) => Err(CgroupError::InvalidPath { path: text.chars().take(256).collect(), rule }),
        }
    }

    /// The path as text, without a leading slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A group inside this one.
    ///
    /// # Errors
    /// [`CgroupError::InvalidPath`] when `name` is not a valid single component.
    pub fn join(&self, name: &str) -> Result<Self, CgroupError> {
        if name.contains('/') {
            return Err(CgroupError::InvalidPath { path: name.to_owned(), rule: "a name has no slash" });
        }
        Self::parse(&format!("{}/{name}", self.0))
    }

    /// Whether it is inside `other`, at any depth.
    #[must_use]
    pub fn is_below(&self, other: &Self) -> bool {
        self.0.strip_prefix(&other.0).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The groups above it, outermost first; not itself.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(end, _)| &self.0[..end])
    }
}

/// The first rule that a relative path breaks.
fn broken_rule(path: &str) -> Option<&'static str> {
    // Kernel interface files are <controller>.<name>, cgroup.<name> and a few plain names; v1 would take a group
    // called so for a file.
    const PLAIN_FILES: [&str; 3] = ["tasks", "notify_on_release", "release_agent"];
    let mut levels = 0;
    for name in path.split('/') {
        levels += 1;
        match name {
            "" => return Some("a component is empty"),
            "." | ".." => return Some("a component is . or .."),
            _ if name.len() > 255 => return Some("a component is longer than 255 bytes"),
            _ if name.bytes().any(|byte| byte.is_ascii_control()) => {
                return Some("it has control characters");
            }
            _ if PLAIN_FILES.contains(&name) || name.starts_with("cgroup.") => {
                return Some("a component is the name of a kernel interface file");
            }
            _ => {}
        }
    }
    if path.len() > 1024 {
        return Some("it is longer than 1024 bytes");
    }
    (levels > 16).then_some("it has more than 16 levels")
}

impl std::fmt::Display for GroupPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for GroupPath {
    type Error = CgroupError;
    fn try_from(text: String) -> Result<Self, CgroupError> {
        Self::parse(&text)
    }
}

impl From<GroupPath> for String {
    fn from(path: GroupPath) -> String {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_nested_names_and_drops_the_leading_slash() {
        let path = GroupPath::parse("/sampan-0a/pod/c1").unwrap();
        assert_eq!(path.as_str(), "sampan-0a/pod/c1");
        assert_eq!(path.ancestors().collect::<Vec<_>>(), ["sampan-0a", "sampan-0a/pod"]);
        assert!(path.is_below(&GroupPath::parse("sampan-0a").unwrap()) && !path.is_below(&path));
        assert!(!path.is_below(&GroupPath::parse("sampan-0").unwrap()));
        assert_eq!(path.join("x").unwrap().as_str(), "sampan-0a/pod/c1/x");
    }

    #[test]
    fn refuses_what_leaves_the_hierarchy_or_names_a_kernel_file() {
        let deep = "a/".repeat(20) + "a";
        for bad in
            ["", "/", "a//b", "../x", "a/../../b", "./a", "a/", "a\nb", "tasks", "a/cgroup.procs", &deep]
        {
            assert!(GroupPath::parse(bad).is_err(), "{bad:?}");
        }
        assert!(GroupPath::parse("a").unwrap().join("b/c").is_err());
        assert!(GroupPath::parse(&"a".repeat(256)).is_err());
    }
}
