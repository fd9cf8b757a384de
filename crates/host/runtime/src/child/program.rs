//! Finding the program and its working directory inside the container.

use super::{Fault, Outcome};
use crate::guard;
use rustix::fs::{Access, AtFlags, CWD, FileType};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::path::{Path, PathBuf};

/// The detail that tells a name that is in no directory of `PATH` from a path that does not exist.
pub(crate) const NOT_IN_PATH: &str = "PATH";
/// What execvp(3) and other runtimes search where there is no `PATH`.
const PATH_DEFAULT: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Enters the working directory, with the rights that root has; the path where the user has to try.
pub(super) fn enter_directory(path: &Path) -> Result<Option<PathBuf>, Fault> {
    match guard::change_directory(path) {
        Err(Errno::ACCESS) => Ok(Some(path.to_owned())),
        Err(other) => Err(other.into()),
        Ok(()) => Ok(None),
    }
}

/// Enters the working directory with the user's rights.
pub(super) fn enter_directory_as_user(path: &Path) -> Outcome {
    Ok(guard::change_directory(path)?)
}

/// The program's path: the first argument if it has a slash, else the first executable of that name in `PATH`.
pub(super) fn find(arguments: &[CString], environment: &[CString]) -> Result<CString, Fault> {
    let name = arguments.first().ok_or(Errno::INVAL)?;
    if name.as_bytes().contains(&b'/') {
        check(name)?;
        return Ok(name.clone());
    }
    let mut refusal = None;
    for directory in search_path(environment).split(|byte| *byte == b':') {
        // An empty element is the working directory, which nobody means in a container.
        if directory.is_empty() {
            continue;
        }
        let Ok(candidate) = CString::new([directory, b"/", name.as_bytes()].concat()) else { continue };
        match check(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(Errno::ACCESS) => refusal = Some(Errno::ACCESS),
            Err(_) => {}
        }
    }
    match refusal {
        Some(errno) => Err(errno.into()),
        None => Err(Fault { errno: Errno::NOENT, detail: NOT_IN_PATH.to_owned() }),
    }
}

fn search_path(environment: &[CString]) -> &[u8] {
    let find = |entry: &'_ CString| entry.as_bytes().starts_with(b"PATH=");
    environment.iter().rfind(|entry| find(entry)).map_or(PATH_DEFAULT, |entry| &entry.as_bytes()[5..])
}

/// Whether the kernel would execute it, as far as can be told without trying.
fn check(program: &CStr) -> rustix::io::Result<()> {
    let stat = rustix::fs::statat(CWD, program, AtFlags::empty())?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Err(Errno::ISDIR),
        FileType::RegularFile => rustix::fs::accessat(CWD, program, Access::EXEC_OK, AtFlags::EACCESS),
        _ => Err(Errno::ACCESS),
    }
}
