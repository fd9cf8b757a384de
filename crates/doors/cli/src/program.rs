//! The name that the program was called by: as `docker` or `podman` (a link is enough) it answers as those do.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::OnceLock;

/// Docker's version whose commands, flags and documents are ours: what scripts compare with when they ask `docker`.
const DOCKER_VERSION: &str = "28.2.2";
/// The same of podman.
const PODMAN_VERSION: &str = "5.4.0";

/// A name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// Its own, or any that nobody knows.
    Sampan,
    /// `docker`.
    Docker,
    /// `podman`.
    Podman,
}

/// Set once, before anything is printed; tests see the program's own name.
static CALLED: OnceLock<Program> = OnceLock::new();

/// Remembers what the program was called by, the first word of its command line.
pub(crate) fn set_called(first: Option<&OsStr>) {
    let name = first.and_then(|path| Path::new(path).file_name()).and_then(OsStr::to_str);
    // A second call would come from a test; the first one stands.
    let _ = CALLED.set(Program::of(name.unwrap_or_default()));
}

/// What the program was called by.
pub(crate) fn called() -> Program {
    CALLED.get().copied().unwrap_or(Program::Sampan)
}

/// Its name, for usage lines and advice.
pub(crate) fn name() -> &'static str {
    called().name()
}

impl Program {
    fn of(name: &str) -> Self {
        match name {
            "docker" => Self::Docker,
            "podman" => Self::Podman,
            _ => Self::Sampan,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sampan => "sampan",
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// What stands before a complaint.
    pub(crate) fn complaint(self) -> &'static str {
        match self {
            Self::Sampan => "sampan: ",
            Self::Docker => "docker: ",
            Self::Podman => "Error: ",
        }
    }

    /// The version that the name stands for, where it is another's.
    pub(crate) fn stands_for(self) -> Option<&'static str> {
        match self {
            Self::Sampan => None,
            Self::Docker => Some(DOCKER_VERSION),
            Self::Podman => Some(PODMAN_VERSION),
        }
    }

    /// The line of `--version`.
    pub(crate) fn version_line(self, version: &str, build: &str) -> String {
        match self {
            Self::Sampan => format!("sampan version {version}, build {build}"),
            Self::Docker => format!("Docker version {DOCKER_VERSION}, build {build}"),
            Self::Podman => format!("podman version {PODMAN_VERSION}"),
        }
    }
}

/// A text of the verb table (`sampan container ls`) under the name that the program was called by.
pub(crate) fn renamed(text: &str) -> String {
    match called() {
        Program::Sampan => text.to_owned(),
        other => text.replace("sampan ", &format!("{} ", other.name())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_find_the_version_they_look_for() {
        let line = |name: &str| Program::of(name).version_line("0.1.0", "abc");
        assert_eq!(line("docker"), "Docker version 28.2.2, build abc");
        assert_eq!(line("podman"), "podman version 5.4.0");
        assert_eq!(line("sampan"), "sampan version 0.1.0, build abc");
        assert_eq!(line("my-sampan"), "sampan version 0.1.0, build abc");
        assert_eq!(renamed("sampan run"), "sampan run");
    }
}
