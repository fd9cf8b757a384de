//! Trees: copying, writing, removing.

use crate::scratch::{Scratch, is_root, listing, open};
use archive::{
    ApplyOptions, CopyOptions, OverlayXattr, Timestamp, TreeOptions, Whiteouts, apply_layer, copy_tree,
    remove_tree, write_tree,
};
use proptest::prelude::*;
use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};
use std::ffi::OsStr;
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

/// A tree with one of everything.
fn furnish(root: &Path) {
    fs::create_dir_all(root.join("bin/deep/er")).unwrap();
    fs::write(root.join("bin/program"), vec![7u8; 300_000]).unwrap();
    fs::write(root.join("empty"), "").unwrap();
    fs::hard_link(root.join("bin/program"), root.join("bin/deep/again")).unwrap();
    symlink("../../nowhere", root.join("bin/link")).unwrap();
    fs::hard_link(root.join("bin/link"), root.join("bin/link2")).unwrap();
    let holes = fs::File::create(root.join("holes")).unwrap();
    holes.write_all_at(b"data", 4_000_000).unwrap();
    holes.set_len(5_000_000).unwrap();
    fs::write(root.join(OsStr::new("l".repeat(120).as_str())), "long name").unwrap();
    let mode = Mode::RUSR;
    rustix::fs::mknodat(CWD, root.join("pipe"), FileType::Fifo, mode, 0).unwrap();
    let device = rustix::fs::makedev(1, 3);
    rustix::fs::mknodat(CWD, root.join("null"), FileType::CharacterDevice, mode, device).unwrap();
    rustix::fs::mknodat(CWD, root.join("socket"), FileType::Socket, mode, 0).unwrap();
    rustix::fs::setxattr(root.join("bin"), "user.note", b"\0bytes", XattrFlags::empty()).unwrap();
    rustix::fs::setxattr(root.join("empty"), "user.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
    rustix::fs::lsetxattr(root.join("bin/link"), "trusted.note", b"v", XattrFlags::empty()).unwrap();
    for (index, path) in
        ["bin/program", "bin/link", "null", "pipe", "bin/deep", "bin", "holes"].iter().enumerate()
    {
        let (uid, gid) = (Uid::from_raw(1000 + index as u32), Gid::from_raw(2000));
        rustix::fs::chownat(CWD, root.join(path), Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }
    fs::set_permissions(root.join("bin/program"), fs::Permissions::from_mode(0o4755)).unwrap();
    for (path, seconds) in
        [("bin/link", 5), ("null", -7), ("bin/deep", 1_000_000), ("bin", 77), ("empty", 9_999_999_999)]
    {
        let time = Timespec { tv_sec: seconds, tv_nsec: 987_654_321 };
        let times = Timestamps { last_access: time, last_modification: time };
        rustix::fs::utimensat(CWD, root.join(path), &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    }
}

/// The listing that a copy must have: no sockets, none of overlayfs's attributes.
fn expected(root: &Path) -> std::collections::BTreeMap<std::path::PathBuf, String> {
    let mut listed = listing(root);
    listed.remove(Path::new("socket"));
    for line in listed.values_mut() {
        *line = line.replace("user.overlay.opaque=[121]", "");
    }
    listed
}

#[test]
fn a_copy_is_like_its_original() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    furnish(&scratch.root());
    let before = expected(&scratch.root());
    let copy = scratch.path().join("copy");
    fs::create_dir(&copy).unwrap();
    let copied = copy_tree(scratch.root_fd().as_fd(), open(&copy).as_fd(), CopyOptions::default()).unwrap();
    assert_eq!(listing(&copy), before);
    assert_eq!(copied.entries as usize, before.len() - 1);
    assert!(fs::metadata(copy.join("holes")).unwrap().blocks() < 1000, "holes stay holes");
    let again = copy_tree(scratch.root_fd().as_fd(), open(&copy).as_fd(), CopyOptions::default());
    assert_eq!(again.unwrap_err().source, rustix::io::Errno::EXIST);

    let layer = scratch.path().join("layer");
    fs::create_dir(&layer).unwrap();
    let options = CopyOptions { overlay_xattrs: true, sync: true };
    copy_tree(scratch.root_fd().as_fd(), open(&layer).as_fd(), options).unwrap();
    assert!(listing(&layer)[Path::new("empty")].contains("user.overlay.opaque"));
}

#[test]
fn a_written_tree_applies_to_its_like_and_twice_to_the_same_bytes() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    furnish(&scratch.root());
    let write = || {
        let mut bytes = Vec::new();
        let options = TreeOptions { root_entry: true, ..TreeOptions::default() };
        let written = write_tree(scratch.root_fd().as_fd(), &mut bytes, &options).unwrap();
        (bytes, written)
    };
    let (bytes, written) = write();
    assert_eq!(written.changed, 0);
    assert_eq!(write().0, bytes);
    let copy = scratch.path().join("copy");
    fs::create_dir(&copy).unwrap();
    apply_layer(&bytes[..], open(&copy).as_fd(), &ApplyOptions::default()).unwrap();
    assert_eq!(listing(&copy), expected(&scratch.root()));
}

#[test]
fn overlay_marks_become_whiteouts_and_back() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    let whiteouts = Whiteouts::Overlay { xattr: OverlayXattr::Trusted };
    let root = scratch.root();
    fs::create_dir_all(root.join("d/opaque")).unwrap();
    fs::write(root.join("d/opaque/new"), "x").unwrap();
    rustix::fs::setxattr(root.join("d/opaque"), "trusted.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
    rustix::fs::mknodat(CWD, root.join("d/gone"), FileType::CharacterDevice, Mode::empty(), 0).unwrap();
    rustix::fs::setxattr(&root, "trusted.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
    let mut bytes = Vec::new();
    let options = TreeOptions { whiteouts, root_entry: true, ..TreeOptions::default() };
    write_tree(scratch.root_fd().as_fd(), &mut bytes, &options).unwrap();
    let copy = scratch.path().join("copy");
    fs::create_dir(&copy).unwrap();
    let apply = ApplyOptions { whiteouts, ..ApplyOptions::default() };
    apply_layer(&bytes[..], open(&copy).as_fd(), &apply).unwrap();
    let times_of_marks_aside = |path: &Path| {
        let mut listed = listing(path);
        listed.remove(Path::new("d/gone")).map(|line| line.split(" time").next().unwrap().to_owned());
        listed
    };
    assert_eq!(times_of_marks_aside(&copy), times_of_marks_aside(&root));
    assert_eq!(fs::symlink_metadata(copy.join("d/gone")).unwrap().rdev(), 0);
}

#[test]
fn a_tree_is_written_as_asked() {
    let scratch = Scratch::new();
    for path in ["a/1", "a/2", "skip/3", "b"] {
        let path = scratch.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    let map = |_: u32, _: u32| Some((5, 6));
    let options = TreeOptions {
        map_ids: Some(&map),
        latest: Some(Timestamp { seconds: 10, nanoseconds: 0 }),
        filter: Some(&|path| path != Path::new("skip")),
        prefix: b"in/",
        ..TreeOptions::default()
    };
    let mut bytes = Vec::new();
    write_tree(scratch.root_fd().as_fd(), &mut bytes, &options).unwrap();
    let mut reader = archive::TarReader::new(&bytes[..], archive::Limits::default());
    let mut seen = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        assert_eq!((entry.uid, entry.gid, entry.mtime.seconds, entry.mtime.nanoseconds), (5, 6, 10, 0));
        seen.push(String::from_utf8(entry.path).unwrap());
    }
    assert_eq!(seen, ["in/a/", "in/a/1", "in/a/2", "in/b"]);
}

#[test]
fn trees_of_any_depth_are_removed() {
    let scratch = Scratch::new();
    // A path of this depth is longer than any system call takes, so it is built from the inside out.
    let root = scratch.root_fd();
    rustix::fs::mkdirat(&root, "tree", Mode::RWXU).unwrap();
    let mut here = rustix::fs::openat(&root, "tree", rustix::fs::OFlags::PATH, Mode::empty()).unwrap();
    for depth in 0..3000 {
        rustix::fs::mkdirat(&here, "d", Mode::RWXU).unwrap();
        if depth % 100 == 0 {
            symlink("../../..", format!("/proc/self/fd/{}/link", std::os::fd::AsRawFd::as_raw_fd(&here)))
                .unwrap();
        }
        here = rustix::fs::openat(&here, "d", rustix::fs::OFlags::PATH, Mode::empty()).unwrap();
    }
    remove_tree(root.as_fd(), OsStr::new("tree")).unwrap();
    symlink("../outside", scratch.root().join("link")).unwrap();
    remove_tree(root.as_fd(), OsStr::new("link")).unwrap();
    remove_tree(root.as_fd(), OsStr::new("never there")).unwrap();
    assert_eq!(fs::read_dir(scratch.root()).unwrap().count(), 0);
    assert!(scratch.outside().join("secret").exists());
}

#[test]
fn trees_that_are_too_deep_are_errors() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.root().join(vec!["d"; 300].join("/"))).unwrap();
    let copy = scratch.path().join("copy");
    fs::create_dir(&copy).unwrap();
    let copied = copy_tree(scratch.root_fd().as_fd(), open(&copy).as_fd(), CopyOptions::default());
    assert_eq!(copied.unwrap_err().source, rustix::io::Errno::LOOP);
    let written = write_tree(scratch.root_fd().as_fd(), std::io::sink(), &TreeOptions::default());
    let Err(archive::WriteError::Fs(error)) = written else { panic!("{written:?}") };
    assert_eq!(error.source, rustix::io::Errno::LOOP);
}

#[derive(Debug, Clone)]
enum Thing {
    File(Vec<u8>),
    Directory,
    Link(String),
    Pipe,
}

fn things() -> impl Strategy<Value = Vec<(Vec<String>, Thing, u32, i64)>> {
    let thing = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..3000).prop_map(Thing::File),
        Just(Thing::Directory),
        "[a-c./]{1,200}".prop_map(Thing::Link),
        Just(Thing::Pipe),
    ];
    let path = proptest::collection::vec("[a-c]|[x-z]{90}", 1..5);
    proptest::collection::vec((path, thing, 0u32..0o10000, 0i64..1 << 34), 0..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Any tree: written, applied, written again, the bytes and the trees are the same.
    #[test]
    fn trees_survive_the_round(things in things()) {
        let scratch = Scratch::new();
        for (path, thing, mode, seconds) in things {
            let path = scratch.root().join(path.join("/"));
            if path.parent().is_none_or(|parent| fs::create_dir_all(parent).is_err()) || path.symlink_metadata().is_ok() {
                continue;
            }
            match &thing {
                Thing::File(content) => fs::write(&path, content).unwrap(),
                Thing::Directory => fs::create_dir(&path).unwrap(),
                Thing::Link(target) => symlink(target, &path).unwrap(),
                Thing::Pipe => rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR, 0).unwrap(),
            }
            if !matches!(thing, Thing::Link(_)) {
                fs::set_permissions(&path, fs::Permissions::from_mode(mode | 0o700)).unwrap();
            }
            let time = Timespec { tv_sec: seconds, tv_nsec: seconds % 1000 };
            let times = Timestamps { last_access: time, last_modification: time };
            rustix::fs::utimensat(CWD, &path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
        }
        let copy = scratch.path().join("copy");
        fs::create_dir(&copy).unwrap();
        let options = TreeOptions { root_entry: true, ..TreeOptions::default() };
        let (mut first, mut second) = (Vec::new(), Vec::new());
        write_tree(scratch.root_fd().as_fd(), &mut first, &options).unwrap();
        apply_layer(&first[..], open(&copy).as_fd(), &ApplyOptions::default()).unwrap();
        prop_assert_eq!(listing(&copy), listing(&scratch.root()));
        write_tree(open(&copy).as_fd(), &mut second, &options).unwrap();
        prop_assert!(first == second);
    }
}
