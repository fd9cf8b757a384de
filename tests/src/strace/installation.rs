//! The shipped programs in a directory of their own, where `sampan-runtime` can be put under strace(1).

use super::{Point, Role, STRACE, arguments};
use crate::paths;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A copy of `sampan` beside a script that executes the shipped `sampan-runtime`.
pub struct Installation {
    directory: PathBuf,
}

impl Installation {
    /// Makes one in `directory`, which must not exist.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        fs::create_dir(directory).unwrap();
        let installation = Self { directory: directory.to_owned() };
        fs::copy(paths::program(), installation.program()).unwrap();
        installation.leave_monitors_alone();
        installation
    }

    /// `sampan`.
    #[must_use]
    pub fn program(&self) -> PathBuf {
        self.directory.join("sampan")
    }

    /// New monitors run as they are shipped.
    ///
    /// # Panics
    /// When the script cannot be written.
    pub fn leave_monitors_alone(&self) {
        self.write_script(&format!("exec {} \"$@\"", paths::runtime().display()));
    }

    /// New monitors run under strace, which records them, or kills at `point`.
    ///
    /// # Panics
    /// When the script cannot be written.
    pub fn trace_monitors(&self, role: Role, point: Option<&Point>) {
        for log in self.logs() {
            fs::remove_file(log).unwrap();
        }
        // Quoted: strace has question marks for calls that an architecture may lack.
        let words: Vec<String> = arguments(role, point).iter().map(|word| format!("'{word}'")).collect();
        let words = words.join(" ");
        let (log, runtime) = (self.directory.join("log"), paths::runtime());
        self.write_script(&format!(
            "exec {STRACE} -D {words} -o {}.$$ -- {} \"$@\"",
            log.display(),
            runtime.display()
        ));
    }

    /// What strace has written about monitors since [`Self::trace_monitors`]: each one's number and trace.
    ///
    /// # Panics
    /// When a log cannot be read.
    #[must_use]
    pub fn traces(&self) -> Vec<(u32, String)> {
        let read = |path: PathBuf| {
            let number = path.extension().unwrap().to_str().unwrap().parse().unwrap();
            (number, fs::read_to_string(path).unwrap())
        };
        self.logs().into_iter().map(read).collect()
    }

    fn logs(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.directory).unwrap().map(|entry| entry.unwrap());
        let is_log = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem == "log");
        entries.map(|entry| entry.path()).filter(is_log).collect()
    }

    /// Replaced, not written to: the old one may be executing.
    fn write_script(&self, line: &str) {
        let (path, partial) = (self.directory.join("sampan-runtime"), self.directory.join("partial"));
        fs::write(&partial, format!("#!/bin/sh\n{line}\n")).unwrap();
        fs::set_permissions(&partial, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(&partial, &path).unwrap();
    }
}
