//! Attacks on the applier. Each says whether it succeeded, which it must exactly when the crate is built without
//! its guards (feature `weakened`); so every one of them is a real attack.

use crate::forge::{Block, Forge};
use crate::scratch::{Scratch, is_root, listing, ownership};
use archive::{
    Applied, ApplyError, ApplyOptions, Limits, OverlayXattr, ReadError, Refusal, Whiteouts, apply_layer,
};
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const WEAKENED: bool = cfg!(feature = "weakened");

fn apply(scratch: &Scratch, archive: &[u8], whiteouts: Whiteouts) -> Result<Applied, ApplyError> {
    let options = ApplyOptions { whiteouts, ownership: ownership(), ..ApplyOptions::default() };
    apply_layer(archive, scratch.root_fd().as_fd(), &options)
}

/// Applies an archive that tries to change something outside.
fn attack(archive: &[u8], whiteouts: Whiteouts) -> Result<Applied, ApplyError> {
    let scratch = Scratch::new();
    fs::write(scratch.root().join("lower"), "of a layer below").unwrap();
    let before = listing(&scratch.outside());
    let answer = apply(&scratch, archive, whiteouts);
    let succeeded = !scratch.outside().exists() || listing(&scratch.outside()) != before;
    assert_eq!(succeeded, WEAKENED, "the attack changed something outside: {succeeded}; answer {answer:?}");
    answer
}

fn refused(answer: &Result<Applied, ApplyError>, reason: &Refusal) -> bool {
    matches!(answer, Err(ApplyError::Refused { reason: actual, .. }) if actual == reason)
}

#[test]
fn a_relative_link_as_parent() {
    let archive = Forge::default().symlink("d", "../outside").file("d/secret", b"changed").end();
    let _ = attack(&archive, Whiteouts::Literal);
}

#[test]
fn an_absolute_link_as_parent() {
    let scratch = Scratch::new();
    let outside = scratch.outside();
    let archive = Forge::default()
        .pax(&[("linkpath", outside.to_str().unwrap().as_bytes())])
        .symlink("d", "x")
        .file("d/new", b"x")
        .end();
    let _ = apply(&scratch, &archive, Whiteouts::Literal);
    assert_eq!(outside.join("new").exists(), WEAKENED);
}

#[test]
fn links_that_lead_out_in_steps() {
    let archive = Forge::default()
        .directory("a/b")
        .symlink("a/b/up", "..")
        .symlink("out", "a/b/up/../../outside")
        .file("out/secret", b"changed")
        .end();
    let _ = attack(&archive, Whiteouts::Literal);
}

#[test]
fn dots_in_a_path() {
    let answer = attack(&Forge::default().file("../outside/secret", b"changed").end(), Whiteouts::Literal);
    assert!(WEAKENED || refused(&answer, &Refusal::Path));
}

#[test]
fn dots_behind_a_directory() {
    let archive = Forge::default().directory("a").file("a/../../outside/secret", b"changed").end();
    let answer = attack(&archive, Whiteouts::Literal);
    assert!(WEAKENED || refused(&answer, &Refusal::Path));
}

#[test]
fn an_absolute_path() {
    let scratch = Scratch::new();
    let path = scratch.outside().join("new");
    let archive =
        Forge::default().pax(&[("path", path.to_str().unwrap().as_bytes())]).file("innocent", b"x").end();
    let _ = apply(&scratch, &archive, Whiteouts::Literal);
    assert_eq!(path.exists(), WEAKENED);
    assert_eq!(scratch.root().join(path.strip_prefix("/").unwrap()).exists(), !WEAKENED);
}

#[test]
fn a_pax_path_over_an_innocent_name() {
    let archive = Forge::default().pax(&[("path", b"../outside/secret")]).file("innocent", b"changed").end();
    let answer = attack(&archive, Whiteouts::Literal);
    assert!(WEAKENED || refused(&answer, &Refusal::Path));
}

#[test]
fn a_gnu_long_name_over_an_innocent_name() {
    let archive = Forge::default().long(b'L', b"../outside/secret").file("innocent", b"changed").end();
    let answer = attack(&archive, Whiteouts::Literal);
    assert!(WEAKENED || refused(&answer, &Refusal::Path));
}

#[test]
fn a_link_in_place_of_the_file() {
    let archive = Forge::default().symlink("f", "../outside/secret").file("f", b"changed").end();
    let answer = attack(&archive, Whiteouts::Literal);
    assert!(answer.is_ok());
}

#[test]
fn a_directory_over_a_link_to_one() {
    let archive =
        Forge::default().symlink("d", "../outside").block(Block::new("d", b'5').mode("0000777")).end();
    let answer = attack(&archive, Whiteouts::Literal);
    assert!(answer.is_ok());
}

#[test]
fn a_directory_replaced_by_a_link() {
    let archive = Forge::default()
        .directory("d")
        .file("d/first", b"x")
        .symlink("d", "../outside")
        .file("e", b"x")
        .file("d/secret", b"changed")
        .end();
    let _ = attack(&archive, Whiteouts::Literal);
}

#[test]
fn directories_made_behind_a_link() {
    let archive = Forge::default().symlink("d", "../outside").directory("d/new").end();
    let _ = attack(&archive, Whiteouts::Literal);
}

#[test]
fn a_hard_link_with_dots() {
    let answer = attack(&Forge::default().hard_link("mine", "../outside/secret").end(), Whiteouts::Literal);
    assert!(WEAKENED || refused(&answer, &Refusal::Path));
}

#[test]
fn a_hard_link_through_a_link() {
    let archive = Forge::default().symlink("d", "../outside").hard_link("mine", "d/secret").end();
    let answer = attack(&archive, Whiteouts::Literal);
    assert!(WEAKENED || refused(&answer, &Refusal::NoLinkTarget { target: "d/secret".into() }));
}

#[test]
fn an_absolute_hard_link() {
    let scratch = Scratch::new();
    let secret = scratch.outside().join("secret");
    let archive = Forge::default()
        .pax(&[("linkpath", secret.to_str().unwrap().as_bytes())])
        .hard_link("mine", "x")
        .end();
    let _ = apply(&scratch, &archive, Whiteouts::Literal);
    assert_eq!(fs::metadata(&secret).unwrap().nlink() == 2, WEAKENED);
}

#[test]
fn content_written_into_a_device() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    let mut null = Block::new("dev", b'3');
    null.put(329, b"0000001\x000000003\0");
    let archive = Forge::default().block(null).file("dev", b"for the device").end();
    apply(&scratch, &archive, Whiteouts::Literal).unwrap();
    let kind = fs::symlink_metadata(scratch.root().join("dev")).unwrap().file_type();
    assert_eq!(kind.is_char_device(), WEAKENED, "the content went into the device");
    assert!(WEAKENED || fs::read(scratch.root().join("dev")).unwrap() == b"for the device");
}

#[test]
fn a_whiteout_of_the_parent() {
    let answer = attack(&Forge::default().file(".wh...", b"").end(), Whiteouts::Delete);
    assert!(WEAKENED || refused(&answer, &Refusal::Whiteout));
}

#[test]
fn a_whiteout_of_the_root() {
    let scratch = Scratch::new();
    let lower = scratch.root().join("lower");
    fs::write(&lower, "of a layer below").unwrap();
    let answer = apply(&scratch, &Forge::default().file(".wh..", b"").end(), Whiteouts::Delete);
    assert_eq!(!lower.exists(), WEAKENED);
    assert!(WEAKENED || refused(&answer, &Refusal::Whiteout));
}

#[test]
fn whiteouts_behind_a_link() {
    for name in ["d/.wh.secret", "d/.wh..wh..opq"] {
        let archive = Forge::default().symlink("d", "../outside").file(name, b"").end();
        let _ = attack(&archive, Whiteouts::Delete);
    }
}

#[test]
fn overlay_marks_behind_a_link() {
    if !is_root() {
        return;
    }
    for name in ["d/.wh.new", "d/.wh..wh..opq"] {
        let archive = Forge::default().symlink("d", "../outside").file(name, b"").end();
        let _ = attack(&archive, Whiteouts::Overlay { xattr: OverlayXattr::Trusted });
    }
}

#[test]
fn attributes_that_redirect_an_overlay() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::new();
    let archive =
        Forge::default().pax(&[("SCHILY.xattr.trusted.overlay.redirect", b"/etc")]).directory("d").end();
    apply(&scratch, &archive, Whiteouts::Overlay { xattr: OverlayXattr::Trusted }).unwrap();
    let listed = listing(&scratch.root());
    assert_eq!(listed[Path::new("d")].contains("trusted.overlay.redirect"), WEAKENED);
}

/// Applies with small bounds; the attack succeeds when no bound stops it.
fn bomb(archive: &[u8]) {
    let scratch = Scratch::new();
    let limits = Limits {
        entries: 100,
        content_bytes: 1 << 20,
        file_bytes: 1 << 20,
        extension_bytes: 4096,
        sparse_extents: 16,
        xattrs: 8,
        trailing_bytes: 1 << 16,
        ..Limits::default()
    };
    let options = ApplyOptions { limits, ownership: ownership(), ..ApplyOptions::default() };
    let answer = apply_layer(archive, scratch.root_fd().as_fd(), &options);
    let stopped = matches!(
        answer,
        Err(ApplyError::Read { source: ReadError::OverLimit { .. } }
            | ApplyError::Refused { reason: Refusal::TooDeep { .. } | Refusal::TooManyImplied { .. }, .. })
    );
    assert_eq!(!stopped, WEAKENED, "{answer:?}");
}

#[test]
fn a_size_that_lies() {
    bomb(&Forge::default().block(Block::new("f", b'0').size(1 << 32)).without_end());
    bomb(&Forge::default().pax(&[("size", b"9223372036854775807")]).file("f", b"").end());
}

#[test]
fn more_content_than_there_may_be() {
    let archive =
        (0..3).fold(Forge::default(), |forge, index| forge.file(&format!("f{index}"), &[0; 400_000]));
    bomb(&archive.end());
}

#[test]
fn more_entries_than_there_may_be() {
    let archive = (0..101).fold(Forge::default(), |forge, index| forge.file(&format!("f{index}"), b""));
    bomb(&archive.end());
}

#[test]
fn a_long_name_bomb() {
    bomb(&Forge::default().long(b'L', &[b'x'; 1 << 20]).file("f", b"").end());
    bomb(&Forge::default().pax(&[("comment", &[b'x'; 1 << 20])]).file("f", b"").end());
}

#[test]
fn too_many_attributes() {
    let names: Vec<String> = (0..9).map(|index| format!("SCHILY.xattr.user.a{index}")).collect();
    let records: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"v"[..])).collect();
    bomb(&Forge::default().pax(&records).file("f", b"").end());
}

#[test]
fn a_sparse_bomb() {
    let sparse: &[(&str, &[u8])] =
        &[("GNU.sparse.size", b"1099511627776"), ("GNU.sparse.map", b"1099511627776,0")];
    bomb(&Forge::default().pax(sparse).file("f", b"").end());
    let map = (0..17).map(|index| format!("{},0", index * 10)).collect::<Vec<_>>().join(",");
    let extents: &[(&str, &[u8])] = &[("GNU.sparse.size", b"1000"), ("GNU.sparse.map", map.as_bytes())];
    bomb(&Forge::default().pax(extents).file("f", b"").end());
}

#[test]
fn paths_that_are_too_deep() {
    let deep = vec!["d"; 300].join("/");
    bomb(&Forge::default().pax(&[("path", deep.as_bytes())]).file("f", b"").end());
}

#[test]
fn directories_that_nobody_counts() {
    let archive = (0..4).fold(Forge::default(), |forge, index| {
        let path = format!("{index}/{}", vec!["d"; 30].join("/"));
        forge.pax(&[("path", path.as_bytes())]).file("f", b"")
    });
    bomb(&archive.end());
}

#[test]
fn garbage_after_the_end() {
    let mut archive = Forge::default().file("f", b"").end();
    archive.resize(1 << 20, 0);
    bomb(&archive);
}

/// Somebody swaps a directory of the target for a link out of it, back and forth, while layers are applied.
#[test]
fn a_directory_swapped_for_a_link_meanwhile() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.root().join("d")).unwrap();
    fs::create_dir(scratch.root().join("e")).unwrap();
    symlink("../outside", scratch.root().join("swap")).unwrap();
    // A file in `e` between two in `d`, so that `d` is resolved again each time.
    let archive = (0..50)
        .fold(Forge::default(), |forge, _| {
            forge
                .file("d/secret", b"changed")
                .file("e/f", b"")
                .file("d/n/secret", b"changed")
                .file("e/f", b"")
        })
        .end();
    let before = listing(&scratch.outside());
    let stop = AtomicBool::new(false);
    let mut applied = 0;
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let root = scratch.root_fd();
            while !stop.load(Ordering::Relaxed) {
                let exchange = rustix::fs::RenameFlags::EXCHANGE;
                let _ = rustix::fs::renameat_with(&root, "d", &root, "swap", exchange);
            }
        });
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(if WEAKENED { 20 } else { 2 }) {
            applied += u32::from(apply(&scratch, &archive, Whiteouts::Literal).is_ok());
            if WEAKENED && listing(&scratch.outside()) != before {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(listing(&scratch.outside()) != before, WEAKENED);
    assert!(WEAKENED || applied > 0, "no layer was applied at all");
}
