//! Somebody who shares a directory with the container and swaps two names in it, all the time.

use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::path::Path;
use std::process::{Child, Command};

/// A process that exchanges `name` and `name~` in a directory until it is dropped.
pub(super) struct Racer(Child);

impl Racer {
    pub(super) fn start(directory: &Path, name: &str) -> Self {
        let path = directory.join(name);
        let child =
            Command::new(std::env::current_exe().unwrap()).arg("--exchange").arg(path).spawn().unwrap();
        Racer(child)
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// What the racing process does.
pub(crate) fn exchange(path: &str) {
    let other = format!("{path}~");
    while renameat_with(CWD, path, CWD, &other, RenameFlags::EXCHANGE).is_ok() {}
}
