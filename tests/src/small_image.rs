//! An image of few files with one of every kind: what the kill sweep imports, loads and pulls hundreds of times.
//!
//! Two layers as a layout and as an archive, so that a whiteout has something to hide.

use crate::fixture::{busybox, once, text, tool};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// What `/bin/sh` of the image prints when it runs [`SCRIPT`].
pub const WORD: &str = "whole\n";
/// Looks whether everything is there.
pub const SCRIPT: &str = "test -p /pipe && test /etc/linked -ef /etc/file && test -L /bin/sh && test -u /bin/busybox \
    && cat /etc/file";

/// The root file system, as a tar archive for `sampan import`.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn root() -> PathBuf {
    once("small-root.tar", |target| {
        let directory = tempfile::tempdir().unwrap();
        make_root(directory.path());
        let owner = ["--numeric-owner", "--owner=0", "--group=0"];
        let from = ["-C", text(directory.path()), "-cf", text(target), "."];
        tool("tar", &[&owner[..], &from].concat());
    })
}

/// An OCI layout directory with the reference `latest`.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn layout() -> PathBuf {
    once("small-layout", |target| {
        let (lower, upper) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        make_root(lower.path());
        fs::write(lower.path().join("etc/doomed"), "not seen\n").unwrap();
        fs::write(upper.path().join("file"), "layer two\n").unwrap();
        // The last entry: umoci does not pad the last file of an archive.
        symlink("file", upper.path().join("link")).unwrap();
        let image = format!("{}:latest", target.display());
        tool("umoci", &["init", "--layout", text(target)]);
        tool("umoci", &["new", "--image", &image]);
        tool("umoci", &["insert", "--image", &image, text(lower.path()), "/"]);
        tool("umoci", &["insert", "--image", &image, text(upper.path()), "/opt"]);
        tool("umoci", &["insert", "--image", &image, "--whiteout", "/etc/doomed"]);
    })
}

/// The same as a `docker save` archive with the name `small:latest`.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn archive() -> PathBuf {
    let layout = layout();
    once("small-archive.tar", |target| {
        let from = format!("oci:{}:latest", layout.display());
        let to = format!("docker-archive:{}:small:latest", target.display());
        tool("skopeo", &["--insecure-policy", "copy", "--quiet", &from, &to]);
    })
}

fn make_root(root: &Path) {
    for name in ["bin", "dev", "etc", "proc", "sys", "tmp"] {
        fs::create_dir(root.join(name)).unwrap();
    }
    fs::copy(busybox(), root.join("bin/busybox")).unwrap();
    tool("chmod", &["4755", text(&root.join("bin/busybox"))]);
    for applet in ["sh", "test", "cat"] {
        symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    fs::write(root.join("etc/file"), WORD).unwrap();
    fs::hard_link(root.join("etc/file"), root.join("etc/linked")).unwrap();
    tool("mkfifo", &[text(&root.join("pipe"))]);
}
