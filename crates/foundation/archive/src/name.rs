//! Paths of entries, made relative and checked.

use crate::guard;
use crate::limits::Limits;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A path below the target: components with one slash between, none at either end, no `.` and no `..`; empty for
/// the target itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryPath(Vec<u8>);

/// Why a path cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BadPath {
    /// It has a `..`, or a component that is too long for any file system.
    Component,
    /// It has more components than the limit.
    TooDeep,
}

impl EntryPath {
    /// Drops leading slashes, as every other reader does, and `.`; refuses `..`.
    pub(crate) fn parse(raw: &[u8], limits: &Limits) -> Result<Self, BadPath> {
        let mut path = Vec::with_capacity(raw.len());
        path.extend_from_slice(guard::anchor(raw));
        let mut depth = 0;
        for component in raw.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")) {
            if !guard::component_allowed(component) {
                return Err(BadPath::Component);
            }
            if depth > 0 {
                path.push(b'/');
            }
            path.extend_from_slice(component);
            depth += 1;
        }
        if guard::exceeds(depth, limits.depth) { Err(BadPath::TooDeep) } else { Ok(Self(path)) }
    }

    /// Whether it is the target itself.
    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The directory it stands in; empty for the target.
    pub(crate) fn parent(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0[..self.split()]))
    }

    /// The last component; empty for the target.
    pub(crate) fn name(&self) -> &OsStr {
        OsStr::from_bytes(self.0[self.split()..].strip_prefix(b"/").unwrap_or(&self.0[self.split()..]))
    }

    fn split(&self) -> usize {
        self.0.iter().rposition(|byte| *byte == b'/').unwrap_or(0)
    }
}

#[cfg(test)]
#[cfg(not(feature = "weakened"))]
mod tests {
    use super::*;

    fn parse(raw: &str) -> Result<EntryPath, BadPath> {
        EntryPath::parse(raw.as_bytes(), &Limits::default())
    }

    #[test]
    fn paths_are_relative_and_go_down_only() {
        for (raw, path, parent, name) in [
            ("a/b/c", "a/b/c", "a/b", "c"),
            ("./a//b/./", "a/b", "a", "b"),
            ("/etc", "etc", "", "etc"),
            ("./", "", "", ""),
            ("///", "", "", ""),
            ("...", "...", "", "..."),
        ] {
            let parsed = parse(raw).unwrap();
            assert_eq!(
                (parsed.as_path(), parsed.parent(), parsed.name()),
                (Path::new(path), Path::new(parent), OsStr::new(name)),
                "{raw}"
            );
        }
        for raw in ["..", "a/../b", "/..", "a/..", "../a"] {
            assert_eq!(parse(raw), Err(BadPath::Component), "{raw}");
        }
        assert_eq!(parse(&"x".repeat(256)), Err(BadPath::Component));
        assert!(parse(&"x/".repeat(255)).is_ok());
        assert_eq!(parse(&"x/".repeat(256)), Err(BadPath::TooDeep));
    }
}
