//! Layers that need what is below them.

use crate::forge::Forge;
use crate::scratch::{Scratch, is_root, listing, open};
use archive::{Applied, ApplyError, ApplyOptions, MissingHardLink, OverlayXattr, Whiteouts, apply_layer};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

const OVERLAY: Whiteouts = Whiteouts::Overlay { xattr: OverlayXattr::Trusted };

fn layer(directory: &Path, archive: &[u8], lower: &[OwnedFd]) -> Result<Applied, ApplyError> {
    fs::create_dir_all(directory).unwrap();
    let lower: Vec<_> = lower.iter().map(AsFd::as_fd).collect();
    let options = ApplyOptions { whiteouts: OVERLAY, lower: &lower, ..ApplyOptions::default() };
    apply_layer(archive, open(directory).as_fd(), &options)
}

#[test]
fn links_to_files_below_are_noted_or_made_by_copying_up() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    let below = scratch.path().join("below");
    let base = Forge::default()
        .pax(&[("SCHILY.xattr.user.note", b"kept")])
        .file("usr/bin/perl", b"program")
        .symlink("usr/bin/link", "perl")
        .end();
    layer(&below, &base, &[]).unwrap();
    let archive = Forge::default()
        .hard_link("usr/bin/perl5", "usr/bin/perl")
        .hard_link("again", "usr/bin/perl5")
        .hard_link("other", "usr/bin/link")
        .hard_link("usr/bin/taken", "usr/bin/perl")
        .file("usr/bin/taken", b"by a later entry")
        .end();

    let alone = layer(&scratch.path().join("alone"), &archive, &[]).unwrap();
    let missing = |path: &str, target: &str| MissingHardLink { path: path.into(), target: target.into() };
    let expected = [
        missing("usr/bin/perl5", "usr/bin/perl"),
        missing("again", "usr/bin/perl5"),
        missing("other", "usr/bin/link"),
    ];
    assert_eq!(alone.missing_hardlinks, expected);
    assert_eq!(alone.implied_dirs, [Path::new("usr"), Path::new("usr/bin")]);

    let stacked = scratch.path().join("stacked");
    let applied = layer(&stacked, &archive, &[open(&below)]).unwrap();
    assert_eq!(applied.missing_hardlinks, []);
    let inode = |path: &str| fs::symlink_metadata(stacked.join(path)).unwrap().ino();
    assert_eq!(inode("usr/bin/perl"), inode("usr/bin/perl5"));
    assert_eq!(inode("usr/bin/perl"), inode("again"));
    assert_eq!(fs::read_link(stacked.join("other")).unwrap(), Path::new("perl"));
    assert_eq!(fs::read(stacked.join("usr/bin/taken")).unwrap(), b"by a later entry");
    assert!(listing(&stacked)[Path::new("usr/bin/perl")].contains("user.note"));
    assert_eq!(fs::metadata(below.join("usr/bin/perl")).unwrap().nlink(), 1);
}

#[test]
fn implied_directories_look_as_they_do_below() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    let paths = ["lowest", "middle", "top"].map(|name| scratch.path().join(name));
    layer(
        &paths[0],
        &Forge::default().directory("a/b").directory("hidden/x").directory("opaque/x").end(),
        &[],
    )
    .unwrap();
    layer(&paths[1], &Forge::default().file(".wh.hidden", b"").file("opaque/.wh..wh..opq", b"").end(), &[])
        .unwrap();
    for (path, mode) in [("a", 0o711), ("a/b", 0o1777), ("hidden/x", 0o700), ("opaque/x", 0o700)] {
        fs::set_permissions(paths[0].join(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    std::os::unix::fs::chown(paths[0].join("a/b"), Some(33), Some(34)).unwrap();
    let archive = Forge::default().file("a/b/f", b"").file("hidden/x/f", b"").file("opaque/x/f", b"").end();
    let applied = layer(&paths[2], &archive, &[open(&paths[1]), open(&paths[0])]).unwrap();
    assert_eq!(applied.implied_dirs.len(), 6);
    let mode = |path: &str| fs::metadata(paths[2].join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("a"), mode("a/b")), (0o711, 0o1777));
    assert_eq!((mode("hidden/x"), mode("opaque/x")), (0o755, 0o755), "what is hidden below does not count");
    assert_eq!(fs::metadata(paths[2].join("a/b")).unwrap().uid(), 33);
}

#[test]
fn links_to_what_is_hidden_below_stay_missing() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    let paths = ["lowest", "middle", "top"].map(|name| scratch.path().join(name));
    layer(&paths[0], &Forge::default().file("d/f", b"").end(), &[]).unwrap();
    layer(&paths[1], &Forge::default().file("d/.wh.f", b"").end(), &[]).unwrap();
    let archive = Forge::default().hard_link("l", "d/f").end();
    let applied = layer(&paths[2], &archive, &[open(&paths[1]), open(&paths[0])]).unwrap();
    assert_eq!(applied.missing_hardlinks.len(), 1);
    assert!(layer(&paths[2], &Forge::default().hard_link("l", "d").end(), &[open(&paths[0])]).is_err());
}

/// A link that comes first keeps the file under its own name when a whiteout then takes the old one away.
#[test]
fn a_linked_file_may_be_hidden_under_its_old_name() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    let below = scratch.path().join("below");
    layer(&below, &Forge::default().file("d/f", b"1").file("d/g", b"2").end(), &[]).unwrap();
    let change = Forge::default()
        .hard_link("d/again", "d/f")
        .file("d/.wh.f", b"")
        .file("d/own", b"3")
        .hard_link("d/own2", "d/own")
        .file("d/.wh.own", b"")
        .hard_link("top", "d/g")
        .file("d/.wh..wh..opq", b"")
        .end();

    let alone = layer(&scratch.path().join("alone"), &change, &[]).unwrap();
    assert_eq!(alone.missing_hardlinks.len(), 2, "they need what is below");

    let mounted = overlay(&scratch, &[&below]);
    let options = ApplyOptions { whiteouts: Whiteouts::Delete, ..ApplyOptions::default() };
    apply_layer(&change[..], mounted.as_fd(), &options).unwrap();
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&mounted));
    let names = |path: &str| {
        let mut names: Vec<_> = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&format!("{path}/.")), ["d", "top"]);
    assert_eq!(names(&format!("{path}/d")), ["again", "own", "own2"]);
    assert_eq!(fs::read(format!("{path}/d/again")).unwrap(), b"1");
    assert_eq!(fs::read(format!("{path}/top")).unwrap(), b"2");

    let bare = scratch.path().join("bare");
    layer(&bare, &change, &[open(&below)]).unwrap();
    assert_eq!(fs::read(bare.join("d/again")).unwrap(), b"1");
}

/// An overlay that is mounted nowhere.
fn overlay(scratch: &Scratch, lower: &[&Path]) -> OwnedFd {
    use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};
    let (upper, work) = (scratch.path().join("upper"), scratch.path().join("work"));
    fs::create_dir(&upper).unwrap();
    fs::create_dir(&work).unwrap();
    let lower: Vec<_> = lower.iter().map(|path| path.to_str().unwrap()).collect();
    let context = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).unwrap();
    rustix::mount::fsconfig_set_string(&context, "lowerdir", lower.join(":").as_str()).unwrap();
    rustix::mount::fsconfig_set_string(&context, "upperdir", upper.to_str().unwrap()).unwrap();
    rustix::mount::fsconfig_set_string(&context, "workdir", work.to_str().unwrap()).unwrap();
    rustix::mount::fsconfig_create(&context).unwrap();
    rustix::mount::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).unwrap()
}

/// The two ways to make a layer that depends on others give the same view: marks in a bare directory with the
/// others as `lower`, and deleting in a mounted overlay of them.
#[test]
fn a_mounted_overlay_and_a_bare_layer_show_the_same() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    let below = scratch.path().join("below");
    let base = Forge::default()
        .directory("d")
        .file("d/old", b"1")
        .directory("d/sub")
        .file("d/sub/old", b"2")
        .file("e/kept", b"3")
        .file("e/gone", b"4")
        .file("program", b"5")
        .directory("replaced")
        .file("replaced/by", b"6")
        .end();
    layer(&below, &base, &[]).unwrap();
    let change = Forge::default()
        .directory("d")
        .file("d/.wh..wh..opq", b"")
        .file("d/new", b"7")
        .directory("e")
        .file("e/.wh.gone", b"")
        .hard_link("e/again", "program")
        .file("replaced", b"a file")
        .file("implied/f", b"8")
        .end();
    let mounted = overlay(&scratch, &[&below]);
    let options = ApplyOptions { whiteouts: Whiteouts::Delete, ..ApplyOptions::default() };
    apply_layer(&change[..], mounted.as_fd(), &options).unwrap();

    let bare = scratch.path().join("bare");
    layer(&bare, &change, &[open(&below)]).unwrap();
    let other = Scratch::new();
    let view = overlay(&other, &[&bare, &below]);
    let list = |fd: &OwnedFd| {
        // The root is the upper directory in one and the layer in the other, and has no entry.
        let mut listed =
            listing(Path::new(&format!("/proc/self/fd/{}/.", std::os::fd::AsRawFd::as_raw_fd(fd))));
        listed.remove(Path::new(""));
        listed
    };
    let listed = list(&mounted);
    assert_eq!(listed, list(&view));
    let paths: Vec<_> = listed.keys().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(
        paths,
        ["d", "d/new", "e", "e/again", "e/kept", "implied", "implied/f", "program", "replaced"]
    );
    assert_eq!(
        fs::read(format!("/proc/self/fd/{}/e/again", std::os::fd::AsRawFd::as_raw_fd(&view))).unwrap(),
        b"5"
    );
}
