//! GNU tar and we make the same trees of the same archives, in both directions.

use crate::scratch::{Scratch, is_root, listing, open};
use archive::{ApplyOptions, TreeOptions, Whiteouts, apply_layer, write_tree};
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;

/// A small system: usr-merged, with the things that packages contain.
fn debianish(root: &Path) {
    for path in ["usr/bin", "usr/lib/x86_64-linux-gnu", "etc/alternatives", "var/log", "root", "tmp", "dev"] {
        fs::create_dir_all(root.join(path)).unwrap();
    }
    for name in ["bin", "lib"] {
        symlink(format!("usr/{name}"), root.join(name)).unwrap();
    }
    for index in 0..200usize {
        fs::write(
            root.join(format!("usr/lib/x86_64-linux-gnu/lib{index}.so.1")),
            vec![index as u8; index * 37],
        )
        .unwrap();
        symlink(format!("lib{index}.so.1"), root.join(format!("usr/lib/x86_64-linux-gnu/lib{index}.so")))
            .unwrap();
    }
    fs::write(root.join("usr/bin/perl"), vec![1; 70_000]).unwrap();
    fs::hard_link(root.join("usr/bin/perl"), root.join("usr/bin/perl5.36.0")).unwrap();
    fs::write(root.join("usr/bin/su"), "su").unwrap();
    fs::set_permissions(root.join("usr/bin/su"), fs::Permissions::from_mode(0o4755)).unwrap();
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::set_permissions(root.join("root"), fs::Permissions::from_mode(0o500)).unwrap();
    fs::write(root.join("root").join("n".repeat(250)), "long").unwrap();
    let deep = root.join("var").join(vec!["d".repeat(60); 6].join("/"));
    fs::create_dir_all(&deep).unwrap();
    symlink("t".repeat(200), deep.join("link")).unwrap();
    chown(root.join("var/log"), Some(4_000_000), Some(104)).unwrap();
    let log = fs::File::create(root.join("var/log/lastlog")).unwrap();
    for index in 0..40u64 {
        log.write_all_at(b"entry", index * 50_000).unwrap();
    }
    let note = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(root.join("etc"), "user.note", b"\x01value", note).unwrap();
}

fn tar(arguments: &[&str], directory: &Path, archive: &Path) {
    let output = Command::new("tar")
        .args(["--numeric-owner", "--xattrs", "--xattrs-include=*", "-C"])
        .arg(directory)
        .arg("-f")
        .arg(archive)
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What both can keep: whole seconds in the formats that have no more.
fn comparable(root: &Path, whole_seconds: bool) -> Vec<String> {
    let lines = listing(root).into_iter().map(|(path, line)| {
        let line = match line.split_once(" time ").filter(|_| whole_seconds) {
            Some((head, tail)) => {
                let (seconds, rest) = tail.split_once('.').unwrap();
                format!("{head} time {seconds} {}", &rest[10..])
            }
            None => line,
        };
        format!("{}: {line}", path.display())
    });
    lines.collect()
}

fn tar_works() -> bool {
    is_root() && Command::new("tar").arg("--version").output().is_ok()
}

#[test]
fn archives_of_gnu_tar_become_the_trees_that_gnu_tar_makes() {
    if !tar_works() {
        return;
    }
    let scratch = Scratch::new();
    debianish(&scratch.root());
    for (options, whole_seconds) in [
        (&["--format=posix"][..], false),
        (&["--format=posix", "--sparse"], false),
        (&["--format=posix", "--sparse", "--sparse-version=0.1"], false),
        (&["--format=posix", "--sparse", "--sparse-version=0.0"], false),
        (&["--format=gnu", "--no-xattrs"], true),
        (&["--format=gnu", "--no-xattrs", "--sparse"], true),
    ] {
        let (archive, theirs, ours) =
            (scratch.path().join("tar"), scratch.path().join("theirs"), scratch.path().join("ours"));
        tar(&[options, &["-c", "."]].concat(), &scratch.root(), &archive);
        fs::create_dir(&theirs).unwrap();
        fs::create_dir(&ours).unwrap();
        tar(&["-x", "-p", "--same-owner"], &theirs, &archive);
        let file = fs::File::open(&archive).unwrap();
        let applied = apply_layer(file, open(&ours).as_fd(), &ApplyOptions::default()).unwrap();
        assert!(applied.implied_dirs.is_empty());
        assert_eq!(comparable(&ours, whole_seconds), comparable(&theirs, whole_seconds), "{options:?}");
        if !options.contains(&"--no-xattrs") {
            assert_eq!(
                comparable(&ours, whole_seconds),
                comparable(&scratch.root(), whole_seconds),
                "{options:?}"
            );
        }
        fs::remove_dir_all(&theirs).unwrap();
        fs::remove_dir_all(&ours).unwrap();
    }
}

#[test]
fn gnu_tar_reads_what_we_write() {
    if !tar_works() {
        return;
    }
    let scratch = Scratch::new();
    debianish(&scratch.root());
    let archive = scratch.path().join("tar");
    let options = TreeOptions { whiteouts: Whiteouts::Literal, root_entry: true, ..TreeOptions::default() };
    write_tree(scratch.root_fd().as_fd(), fs::File::create(&archive).unwrap(), &options).unwrap();
    let theirs = scratch.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    tar(&["-x", "-p", "--same-owner"], &theirs, &archive);
    assert_eq!(comparable(&theirs, false), comparable(&scratch.root(), false));
}
