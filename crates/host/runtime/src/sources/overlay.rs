//! overlayfs (Documentation/filesystems/overlayfs.rst), prepared by the parent.
//!
//! Three ways, the newest first: one option for each layer (Linux 6.8), all layers in one option of a file system
//! context, and mount(2) where that option would be too long. The last one cannot make a detached mount, so the
//! child does it.

use super::Root;
use crate::error::{Cause, LaunchError, StepKind};
use kernel::overlay::VALUE_BYTES_MAX;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// mount(2) takes one page of options, less the final zero.
const DATA_BYTES_MAX: usize = 4095;

/// Layers and how they are stacked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layers<'a> {
    /// Topmost first.
    pub(super) lowers: &'a [PathBuf],
    pub(super) upper: Option<&'a Path>,
    pub(super) work: Option<&'a Path>,
    pub(super) userxattr: bool,
}

/// Layers for the child to stack.
#[derive(Debug)]
pub(crate) struct OwnedLayers {
    lowers: Vec<PathBuf>,
    upper: Option<PathBuf>,
    work: Option<PathBuf>,
    userxattr: bool,
}

impl Layers<'_> {
    fn keep(self) -> OwnedLayers {
        OwnedLayers {
            lowers: self.lowers.to_vec(),
            upper: self.upper.map(Path::to_owned),
            work: self.work.map(Path::to_owned),
            userxattr: self.userxattr,
        }
    }
}

impl OwnedLayers {
    fn borrow(&self) -> Layers<'_> {
        Layers {
            lowers: &self.lowers,
            upper: self.upper.as_deref(),
            work: self.work.as_deref(),
            userxattr: self.userxattr,
        }
    }
}

/// Why a context was given up, in the kernel's words where it has some.
struct Refusal {
    errno: Errno,
    messages: String,
}

impl From<Refusal> for LaunchError {
    fn from(refusal: Refusal) -> Self {
        let object = if refusal.messages.is_empty() { "overlay".to_owned() } else { refusal.messages };
        LaunchError::Host { step: StepKind::RootFilesystem, object, source: Cause(refusal.errno) }
    }
}

fn refused(errno: Errno) -> Refusal {
    Refusal { errno, messages: String::new() }
}

/// Mounts the layers, or prepares what the child needs for that.
pub(super) fn prepare(layers: &Layers<'_>) -> Result<Root, LaunchError> {
    if kernel::overlay::takes_layers_one_by_one() {
        return Ok(Root::Mounted(mount_each(layers)?));
    }
    let open = Opened::open(layers)?;
    let lowerdir = open.lowerdir();
    if lowerdir.len() <= VALUE_BYTES_MAX && !kernel::switches::is_disabled("overlay-context") {
        return Ok(Root::Mounted(open.mount(&lowerdir, layers.userxattr)?));
    }
    Ok(Root::Overlay(layers.keep()))
}

/// Mounts an overlay on top of `/` by mount(2). For the child: the layers have to be in its own mount namespace.
pub(crate) fn mount_on_root(layers: &OwnedLayers) -> rustix::io::Result<()> {
    let open = Opened::open(&layers.borrow()).map_err(|refusal| refusal.errno)?;
    let data = open.data(&open.lowerdir(), layers.userxattr);
    if data.len() > DATA_BYTES_MAX {
        return Err(Errno::NAMETOOLONG);
    }
    let data = CString::new(data).map_err(|_| Errno::INVAL)?;
    rustix::mount::mount("overlay", "/", "overlay", MountFlags::empty(), Some(data.as_c_str()))
}

fn context() -> Result<OwnedFd, Refusal> {
    fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).map_err(refused)
}

fn with_messages(context: BorrowedFd<'_>) -> impl Fn(Errno) -> Refusal + '_ {
    move |errno| Refusal { errno, messages: kernel::mount::context_messages(context) }
}

fn finish(context: BorrowedFd<'_>, userxattr: bool) -> Result<OwnedFd, Refusal> {
    let fail = with_messages(context);
    if userxattr {
        fsconfig_set_flag(context, "userxattr").map_err(&fail)?;
    }
    fsconfig_create(context).map_err(&fail)?;
    fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).map_err(&fail)
}

/// One option for each layer.
fn mount_each(layers: &Layers<'_>) -> Result<OwnedFd, Refusal> {
    let context = context()?;
    let fail = with_messages(context.as_fd());
    let mut long = Vec::new();
    fsconfig_set_string(&context, "source", "overlay").map_err(&fail)?;
    for lower in layers.lowers {
        set_path(context.as_fd(), "lowerdir+", lower, &mut long)
            .map_err(|errno| named(&fail, errno, lower))?;
    }
    if let (Some(upper), Some(work)) = (layers.upper, layers.work) {
        set_path(context.as_fd(), "upperdir", upper, &mut long)
            .map_err(|errno| named(&fail, errno, upper))?;
        set_path(context.as_fd(), "workdir", work, &mut long).map_err(|errno| named(&fail, errno, work))?;
    }
    finish(context.as_fd(), layers.userxattr)
}

/// A path too long for an option is given by a descriptor, which has to stay open until the mount is made.
fn set_path(
    context: BorrowedFd<'_>,
    key: &str,
    path: &Path,
    long: &mut Vec<OwnedFd>,
) -> rustix::io::Result<()> {
    if path.as_os_str().len() <= VALUE_BYTES_MAX {
        return fsconfig_set_string(context, key, path);
    }
    let open = open_directory(path)?;
    let set = fsconfig_set_string(context, key, short(&open));
    long.push(open);
    set
}

fn named(fail: impl Fn(Errno) -> Refusal, errno: Errno, path: &Path) -> Refusal {
    let refusal = fail(errno);
    if refusal.messages.is_empty() {
        return Refusal { errno, messages: format!("overlay layer {}", path.display()) };
    }
    refusal
}

fn open_directory(path: &Path) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn short(directory: &OwnedFd) -> String {
    kernel::overlay::descriptor_path(directory.as_fd())
}

/// Every layer by a descriptor, whose names are short and have no colon or comma in them.
struct Opened {
    lowers: Vec<OwnedFd>,
    writable: Option<(OwnedFd, OwnedFd)>,
}

impl Opened {
    fn open(layers: &Layers<'_>) -> Result<Self, Refusal> {
        let open = |path: &Path| open_directory(path).map_err(|errno| named(refused, errno, path));
        let lowers = layers.lowers.iter().map(|lower| open(lower)).collect::<Result<_, _>>()?;
        let writable = match (layers.upper, layers.work) {
            (Some(upper), Some(work)) => Some((open(upper)?, open(work)?)),
            _ => None,
        };
        Ok(Opened { lowers, writable })
    }

    fn lowerdir(&self) -> String {
        self.lowers.iter().map(short).collect::<Vec<_>>().join(":")
    }

    /// All layers in one option of a context.
    fn mount(&self, lowerdir: &str, userxattr: bool) -> Result<OwnedFd, Refusal> {
        let context = context()?;
        let fail = with_messages(context.as_fd());
        fsconfig_set_string(&context, "source", "overlay").map_err(&fail)?;
        fsconfig_set_string(&context, "lowerdir", lowerdir).map_err(&fail)?;
        if let Some((upper, work)) = &self.writable {
            fsconfig_set_string(&context, "upperdir", short(upper)).map_err(&fail)?;
            fsconfig_set_string(&context, "workdir", short(work)).map_err(&fail)?;
        }
        finish(context.as_fd(), userxattr)
    }

    /// The options as mount(2) takes them.
    fn data(&self, lowerdir: &str, userxattr: bool) -> String {
        let mut data = format!("lowerdir={lowerdir}");
        if let Some((upper, work)) = &self.writable {
            data.push_str(&format!(",upperdir={},workdir={}", short(upper), short(work)));
        }
        if userxattr {
            data.push_str(",userxattr");
        }
        data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_need_no_escapes() {
        let directory = open_directory(Path::new("/")).unwrap();
        let open = Opened { lowers: vec![directory], writable: None };
        let data = open.data(&open.lowerdir(), true);
        assert!(data.starts_with("lowerdir=/proc/self/fd/") && data.ends_with(",userxattr"), "{data}");
    }
}
