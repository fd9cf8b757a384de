//! What ordinary layers do.

use crate::forge::{Block, Forge};
use crate::scratch::{Scratch, is_root, listing, ownership};
use archive::{
    Applied, ApplyError, ApplyOptions, Device, Devices, Entry, Kind, OverlayXattr, Ownership, Refusal,
    TarWriter, Timestamp, Whiteouts, Xattr, apply_layer,
};
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

fn apply(scratch: &Scratch, archive: &[u8], whiteouts: Whiteouts) -> Result<Applied, ApplyError> {
    let options = ApplyOptions { whiteouts, ownership: ownership(), ..ApplyOptions::default() };
    apply_layer(archive, scratch.root_fd().as_fd(), &options)
}

fn plain(archive: &[u8]) -> Scratch {
    let scratch = Scratch::new();
    apply(&scratch, archive, Whiteouts::Literal).unwrap();
    scratch
}

fn text(scratch: &Scratch, path: &str) -> String {
    String::from_utf8(fs::read(scratch.root().join(path)).unwrap()).unwrap()
}

const OVERLAY: Whiteouts = Whiteouts::Overlay { xattr: OverlayXattr::Trusted };

#[test]
fn everything_that_an_entry_says_is_on_disk() {
    if !is_root() {
        return;
    }
    let mut writer = TarWriter::new(Vec::new());
    let mtime = Timestamp { seconds: 1_234_567_890, nanoseconds: 123_456_789 };
    let with = |path: &str, kind, mode| {
        let mut entry = Entry { uid: 70_000, gid: 80_000, mtime, ..Entry::new(path, kind, mode) };
        if matches!(entry.kind, Kind::File | Kind::Directory) {
            entry.xattrs.push(Xattr { name: b"user.note".to_vec(), value: b"a\0b".to_vec() });
        }
        entry
    };
    let mut program = with("bin/su", Kind::File, 0o6755);
    let capability = b"\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    program.xattrs.push(Xattr { name: b"security.capability".to_vec(), value: capability });
    writer.append_bytes(&with("bin", Kind::Directory, 0o1555), b"").unwrap();
    writer.append_bytes(&program, b"program").unwrap();
    writer.append_bytes(&with("bin/sh", Kind::Symlink(b"/bin/su".to_vec()), 0o777), b"").unwrap();
    writer.append_bytes(&with("bin/other", Kind::HardLink(b"bin/su".to_vec()), 0o600), b"").unwrap();
    writer.append_bytes(&with("null", Kind::CharDevice(Device { major: 1, minor: 3 }), 0o666), b"").unwrap();
    writer.append_bytes(&with("disk", Kind::BlockDevice(Device { major: 8, minor: 0 }), 0o660), b"").unwrap();
    writer.append_bytes(&with("pipe", Kind::Fifo, 0o644), b"").unwrap();
    let scratch = plain(&writer.finish().unwrap());

    let listed = listing(&scratch.root());
    let time = "time 1234567890.123456789";
    for (path, start) in [
        ("bin", "41555 70000:80000 links 0"),
        ("bin/su", "106755 70000:80000 links 2"),
        ("bin/other", "106755 70000:80000 links 2"),
        ("bin/sh", "120777 70000:80000 links 1"),
        ("null", "20666 70000:80000 links 1 dev 259 "),
        ("disk", "60660 70000:80000 links 1 dev 2048 "),
        ("pipe", "10644 70000:80000 links 1"),
    ] {
        let line = &listed[Path::new(path)];
        assert!(line.starts_with(start) && line.contains(time), "{path}: {line}");
    }
    assert!(listed[Path::new("bin")].contains("user.note=[97, 0, 98]"));
    assert!(listed[Path::new("bin/su")].contains("security.capability=[1, 0, 0, 2, 0, 32"));
}

#[test]
fn later_entries_win_whatever_was_there() {
    let archive = Forge::default()
        .file("a", b"file")
        .directory("a")
        .file("a/in", b"kept")
        .block(Block::new("a", b'5').mode("0000700"))
        .directory("b/c")
        .file("b/c/d", b"gone")
        .file("b", b"file again")
        .symlink("s", "nowhere")
        .file("s", b"no link")
        .file("f", b"first")
        .hard_link("g", "f")
        .file("f", b"second")
        .hard_link("f", "f")
        .end();
    let scratch = plain(&archive);
    assert_eq!(text(&scratch, "a/in"), "kept");
    assert_eq!(fs::metadata(scratch.root().join("a")).unwrap().permissions().mode() & 0o7777, 0o700);
    assert_eq!(text(&scratch, "b"), "file again");
    assert_eq!(text(&scratch, "s"), "no link");
    assert_eq!((text(&scratch, "f"), text(&scratch, "g")), ("second".into(), "first".into()));
}

#[test]
fn links_inside_are_read_as_in_a_chroot() {
    let archive = Forge::default()
        .directory("usr/lib")
        .symlink("lib", "usr/lib")
        .symlink("lib64", "/usr/lib")
        .symlink("run", "/var/run")
        .file("lib/one", b"1")
        .file("lib64/two", b"2")
        .file("run/pid", b"3")
        .hard_link("three", "lib64/one")
        .end();
    let scratch = plain(&archive);
    assert_eq!(text(&scratch, "usr/lib/one") + &text(&scratch, "usr/lib/two"), "12");
    assert_eq!(text(&scratch, "var/run/pid") + &text(&scratch, "three"), "31");
}

#[test]
fn the_root_gets_the_attributes_of_its_entry() {
    let archive = Forge::default().block(Block::new("./", b'5').mode("0000711")).file("./f", b"").end();
    let scratch = plain(&archive);
    let meta = fs::metadata(scratch.root()).unwrap();
    assert_eq!((meta.permissions().mode() & 0o7777, meta.mtime()), (0o711, 0));
    let answer = apply(&scratch, &Forge::default().symlink("./", "x").end(), Whiteouts::Literal);
    assert!(matches!(answer, Err(ApplyError::Refused { reason: Refusal::Root, .. })));
}

#[test]
fn times_of_directories_survive_their_filling_and_links_their_replacement() {
    let archive = Forge::default()
        .directory("d")
        .file("d/a", b"")
        .directory("d/e")
        .file("d/e/b", b"")
        .directory("gone")
        .symlink("gone", "d")
        .end();
    let scratch = plain(&archive);
    for path in ["d", "d/e"] {
        assert_eq!(fs::metadata(scratch.root().join(path)).unwrap().mtime(), 0, "{path}");
    }
}

#[test]
fn a_directory_without_rights_is_filled_all_the_same() {
    let archive = Forge::default().block(Block::new("d", b'5').mode("0000000")).file("d/f", b"x").end();
    let scratch = plain(&archive);
    let mode = fs::metadata(scratch.root().join("d")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0);
    fs::set_permissions(scratch.root().join("d"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(text(&scratch, "d/f"), "x");
}

#[test]
fn directories_that_only_paths_name_are_reported() {
    let scratch = Scratch::new();
    let archive = Forge::default()
        .file("a/b/c", b"")
        .directory("a")
        .file("x/y", b"")
        .file("z/f", b"")
        .file("z", b"now a file")
        .end();
    let applied = apply(&scratch, &archive, Whiteouts::Literal).unwrap();
    assert_eq!(applied.implied_dirs, [Path::new("a/b"), Path::new("x")]);
    let meta = fs::metadata(scratch.root().join("a/b")).unwrap();
    assert_eq!((meta.permissions().mode() & 0o7777, meta.mtime()), (0o755, 0));
}

#[test]
fn overlay_whiteouts_become_marks() {
    if !is_root() {
        return;
    }
    for (xattr, name) in
        [(OverlayXattr::Trusted, "trusted.overlay.opaque"), (OverlayXattr::User, "user.overlay.opaque")]
    {
        let scratch = Scratch::new();
        let archive = Forge::default()
            .file(".wh.gone", b"")
            .directory("d")
            .file("d/.wh..wh..opq", b"")
            .file("d/new", b"x")
            .file(".wh.again", b"")
            .directory("again")
            .directory("before")
            .file(".wh.before", b"")
            .file(".wh.implied", b"")
            .file("implied/f", b"")
            .file(".wh.file", b"")
            .file("file", b"new")
            .file(".wh..wh.plnk/1", b"")
            .end();
        apply(&scratch, &archive, Whiteouts::Overlay { xattr }).unwrap();
        let gone = fs::symlink_metadata(scratch.root().join("gone")).unwrap();
        assert!(gone.file_type().is_char_device() && gone.rdev() == 0);
        let listed = listing(&scratch.root());
        for path in ["d", "again", "before", "implied"] {
            assert!(listed[Path::new(path)].contains(&format!("{name}=[121]")), "{path}");
        }
        assert_eq!(text(&scratch, "file"), "new");
        assert!(!listed.keys().any(|path| path.to_str().unwrap().contains(".wh.")));
    }
}

#[test]
fn deleting_whiteouts_spare_what_the_layer_brought() {
    let scratch = Scratch::new();
    let below = Forge::default()
        .directory("d")
        .file("d/old", b"")
        .directory("d/sub")
        .file("d/sub/old", b"")
        .file("gone", b"")
        .directory("tree/deep/er")
        .file("mixed/old", b"")
        .end();
    apply(&scratch, &below, Whiteouts::Literal).unwrap();
    let layer = Forge::default()
        .file("d/new", b"1")
        .file("d/sub/new", b"2")
        .hard_link("d/linked", "d/new")
        .symlink("d/link", "new")
        .file("d/.wh..wh..opq", b"")
        .file(".wh.gone", b"")
        .file(".wh.tree", b"")
        .file(".wh.never-there", b"")
        .file("mixed/new", b"3")
        .file(".wh.mixed", b"")
        .end();
    apply(&scratch, &layer, Whiteouts::Delete).unwrap();
    let paths: Vec<_> = listing(&scratch.root()).into_keys().map(|path| path.display().to_string()).collect();
    let expected = ["", "d", "d/link", "d/linked", "d/new", "d/sub", "d/sub/new", "mixed", "mixed/new"];
    assert_eq!(paths, expected);
}

#[test]
fn without_whiteouts_the_names_are_names() {
    let scratch = plain(&Forge::default().file(".wh.name", b"x").file(".wh.d/f", b"y").end());
    assert_eq!(text(&scratch, ".wh.name") + &text(&scratch, ".wh.d/f"), "xy");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut device = Block::new("dev", b'3');
    device.put(329, b"0000000\x000000000\0");
    for (archive, whiteouts, expected) in [
        (Forge::default().file(".wh.", b""), OVERLAY, Refusal::Whiteout),
        (Forge::default().file("d/.wh..", b""), OVERLAY, Refusal::Whiteout),
        (Forge::default().file(".wh.d/f", b""), OVERLAY, Refusal::WhiteoutParent),
        (Forge::default().block(device), OVERLAY, Refusal::WhiteoutDevice),
        (
            Forge::default().directory("d").hard_link("l", "d"),
            Whiteouts::Literal,
            Refusal::LinkTarget { target: "d".into() },
        ),
        (
            Forge::default().hard_link("l", "./"),
            Whiteouts::Literal,
            Refusal::LinkTarget { target: "".into() },
        ),
        (
            Forge::default().file(".wh.f", b"").hard_link("l", "f"),
            OVERLAY,
            Refusal::LinkTarget { target: "f".into() },
        ),
        (
            Forge::default().hard_link("l", "gone"),
            Whiteouts::Delete,
            Refusal::NoLinkTarget { target: "gone".into() },
        ),
    ] {
        let answer = apply(&Scratch::new(), &archive.end(), whiteouts);
        let Err(ApplyError::Refused { reason, .. }) = answer else { panic!("{expected:?}: {answer:?}") };
        assert_eq!(reason, expected);
    }
}

#[test]
fn a_file_where_a_directory_is_needed_is_an_error() {
    let answer =
        apply(&Scratch::new(), &Forge::default().file("f", b"").file("f/g", b"").end(), Whiteouts::Literal);
    let Err(ApplyError::Fs(error)) = answer else { panic!("{answer:?}") };
    assert_eq!((error.path.as_path(), error.source), (Path::new("f"), rustix::io::Errno::NOTDIR));
    assert_eq!(error.to_string(), "cannot make the directory \"f\"");
}

#[test]
fn owners_are_mapped() {
    if !is_root() {
        return;
    }
    let map = |uid: u32, gid: u32| (uid < 1000).then_some((uid + 100_000, gid + 200_000));
    let options = ApplyOptions { ownership: Ownership::Mapped(&map), ..ApplyOptions::default() };
    let scratch = Scratch::new();
    apply_layer(&Forge::default().file("a/f", b"").end()[..], scratch.root_fd().as_fd(), &options).unwrap();
    for path in ["a", "a/f"] {
        let meta = fs::metadata(scratch.root().join(path)).unwrap();
        assert_eq!((meta.uid(), meta.gid()), (100_000, 200_000), "{path}");
    }
    let mut writer = TarWriter::new(Vec::new());
    writer.append_bytes(&Entry { uid: 1000, ..Entry::new("f", Kind::File, 0) }, b"").unwrap();
    let answer = apply_layer(&writer.finish().unwrap()[..], scratch.root_fd().as_fd(), &options);
    let expected = Refusal::Unmapped { uid: 1000, gid: 0 };
    assert!(matches!(answer, Err(ApplyError::Refused { reason, .. }) if reason == expected));
}

#[test]
fn devices_can_be_left_out_and_the_end_can_be_synced() {
    let mut device = Block::new("null", b'3');
    device.put(329, b"0000001\x000000003\0");
    let options = ApplyOptions {
        devices: Devices::Skip,
        ownership: Ownership::Caller,
        sync: true,
        ..ApplyOptions::default()
    };
    let scratch = Scratch::new();
    let archive = Forge::default().block(device).file("f", b"").end();
    apply_layer(&archive[..], scratch.root_fd().as_fd(), &options).unwrap();
    assert!(!scratch.root().join("null").exists() && scratch.root().join("f").exists());
}

#[test]
fn attributes_that_nobody_can_set_are_reported() {
    let archive = Forge::default()
        .pax(&[("SCHILY.xattr.nonsense.name", b"v"), ("SCHILY.xattr.user.fine", b"v")])
        .file("f", b"")
        .end();
    let scratch = Scratch::new();
    let applied = apply(&scratch, &archive, Whiteouts::Literal).unwrap();
    assert_eq!(applied.skipped_xattr_count, 1);
    assert_eq!(applied.skipped_xattrs[0].name, "nonsense.name");
    assert!(listing(&scratch.root())[Path::new("f")].contains("user.fine"));
}

#[test]
fn the_stream_is_read_to_its_end() {
    let mut archive = Forge::default().file("f", b"x").end();
    archive.resize(archive.len() + 9000, 0);
    let mut source = &archive[..];
    apply_layer(&mut source, Scratch::new().root_fd().as_fd(), &ApplyOptions::default()).unwrap();
    assert!(source.is_empty());
}

#[test]
fn sparse_files_keep_their_holes() {
    let sparse: &[(&str, &[u8])] =
        &[("GNU.sparse.size", b"10000000"), ("GNU.sparse.map", b"4096,5,8000000,3,10000000,0")];
    let scratch = plain(&Forge::default().pax(sparse).file("f", b"helloend").end());
    let content = fs::read(scratch.root().join("f")).unwrap();
    assert_eq!(content.len(), 10_000_000);
    assert_eq!((&content[4096..4101], &content[8_000_000..8_000_003]), (&b"hello"[..], &b"end"[..]));
    assert_eq!(content.iter().filter(|byte| **byte != 0).count(), 8);
    assert!(fs::metadata(scratch.root().join("f")).unwrap().blocks() < 100);
}
