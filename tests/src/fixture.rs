//! Images to test with, made from the machine's own packages and kept in `target/fixtures`.
//!
//! busybox needs no network and is made when first asked for. The Debian image is made by `cargo run -p tests --bin
//! fixtures`, outside of any test, since a test's network reaches nothing.

use crate::invocation::Invocation;
use crate::paths;
use rustix::fs::{FlockOperation, flock};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bump when what a fixture holds changes, so that a kept one is made again.
const VERSION: u32 = 1;
const DEBIAN_TIME_LIMIT: Duration = Duration::from_secs(900);
/// What the service tests run.
const DEBIAN_PACKAGES: &str = "nginx-light,redis-server,postgresql,procps,iproute2";

/// A root file system of busybox alone, as an uncompressed tar archive for `sampan import`.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn busybox_root() -> PathBuf {
    once("busybox-root.tar", |target| {
        let directory = tempfile::tempdir().unwrap();
        make_busybox_root(directory.path());
        tool(
            "tar",
            &[
                "--numeric-owner",
                "--owner=0",
                "--group=0",
                "-C",
                text(directory.path()),
                "-cf",
                text(target),
                ".",
            ],
        );
    })
}

/// The same as an OCI layout directory with the reference `latest`, made by umoci.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn busybox_layout() -> PathBuf {
    once("busybox-layout", |target| {
        let directory = tempfile::tempdir().unwrap();
        make_busybox_root(directory.path());
        let image = format!("{}:latest", target.display());
        tool("umoci", &["init", "--layout", text(target)]);
        tool("umoci", &["new", "--image", &image]);
        tool("umoci", &["insert", "--image", &image, text(directory.path()), "/"]);
        tool("umoci", &["config", "--image", &image, "--config.cmd", "sh", "--config.env", "PATH=/bin"]);
    })
}

/// The same as a `docker save` archive with the name `busybox:latest`, made by skopeo.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn busybox_archive() -> PathBuf {
    let layout = busybox_layout();
    once("busybox-archive.tar", |target| {
        let from = format!("oci:{}:latest", layout.display());
        let to = format!("docker-archive:{}:busybox:latest", target.display());
        tool("skopeo", &["--insecure-policy", "copy", "--quiet", &from, &to]);
    })
}

/// A Debian root file system with nginx, redis and PostgreSQL, as a tar archive.
///
/// # Panics
/// When it has not been made.
#[must_use]
pub fn debian_root() -> PathBuf {
    let path = place("debian-root.tar");
    assert!(path.exists(), "no {}: make it with `cargo run -p tests --bin fixtures`", path.display());
    path
}

/// Makes [`debian_root`] from the distribution's packages; a minute or so, once.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn make_debian_root() -> PathBuf {
    once("debian-root.tar", |target| {
        let include = format!("--include={DEBIAN_PACKAGES}");
        let clean =
            "--customize-hook=rm -rf \"$1\"/usr/share/doc \"$1\"/usr/share/man \"$1\"/var/lib/apt/lists/*";
        let arguments = ["--quiet", "--variant=minbase", &include, clean, "bookworm", text(target)];
        let _ = Invocation::new("mmdebstrap", arguments).limit(DEBIAN_TIME_LIMIT).run().ok();
    })
}

fn make_busybox_root(root: &Path) {
    for name in ["bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "usr", "var"] {
        fs::create_dir(root.join(name)).unwrap();
    }
    let busybox = busybox();
    fs::copy(&busybox, root.join("bin/busybox")).unwrap();
    for applet in
        Invocation::new(&busybox, ["--list"]).run().ok().stdout().lines().filter(|name| *name != "busybox")
    {
        symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    fs::write(
        root.join("etc/passwd"),
        "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/bin/false\nuser:x:1000:1000::/home:/bin/sh\n",
    )
    .unwrap();
    fs::write(root.join("etc/group"), "root:x:0:\ndaemon:x:1:\naudio:x:29:user\nuser:x:1000:\n").unwrap();
    tool("chmod", &["1777", text(&root.join("tmp"))]);
}

pub(crate) fn busybox() -> PathBuf {
    let found =
        ["/bin/busybox", "/usr/bin/busybox"].map(PathBuf::from).into_iter().find(|path| path.is_file());
    match found {
        Some(path) => path,
        None => panic!("no busybox: scripts/bootstrap --tests installs it"),
    }
}

pub(crate) fn tool(program: &str, arguments: &[&str]) {
    let _ = Invocation::new(program, arguments.iter().map(OsStr::new)).run().ok();
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn place(name: &str) -> PathBuf {
    paths::fixtures().join(format!("v{VERSION}-{name}"))
}

/// The fixture called `name`, made by `make` if it is not there; whole or not at all, by one process at a time.
pub(crate) fn once(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let path = place(name);
    if path.exists() {
        return path;
    }
    fs::create_dir_all(paths::fixtures()).unwrap();
    let lock = File::create(path.with_added_extension("lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    if !path.exists() {
        // Keeps the last extension, by which some programs choose a format.
        let partial = path.with_file_name(format!("partial-{name}"));
        let _ = fs::remove_dir_all(&partial);
        let _ = fs::remove_file(&partial);
        make(&partial);
        fs::rename(&partial, &path).unwrap();
    }
    path
}
