//! Bad surroundings: disks and installations that are not as they should be. As for all bad input: one line
//! that says what is wrong and what to do, Docker's exit code, and nothing left behind.

use crate::errors::refused;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tests::census::Census;
use tests::container::BUSYBOX;
use tests::{Invocation, Sampan, isolated};

#[test]
fn a_data_root_that_cannot_be_written_is_named() {
    isolated(|sampan| {
        let root = sampan.data_root();
        fs::create_dir(&root).unwrap();
        let path = root.to_str().unwrap().to_owned();
        let _ = Invocation::new("mount", ["-t", "tmpfs", "-o", "ro", "small", &path]).run().ok();
        let before = sampan.census();
        for words in [&["run", "--rm", BUSYBOX, "true"][..], &["ps"][..]] {
            let _ =
                sampan.run(words).fails_with(125).says(&path).says("Read-only file system").says_one_line();
        }
        sampan.require_no_leak_since(&before, Census::clone);
        let _ = Invocation::new("umount", [&path]).run().ok();
        fs::remove_dir(&root).unwrap();
        // A file where a directory belongs.
        fs::write(&root, "").unwrap();
        let _ = sampan.run(["ps"]).fails_with(125).says(&path).says_one_line();
        fs::remove_file(&root).unwrap();
    });
}

#[test]
fn a_damaged_index_is_said_to_be_one() {
    isolated(|sampan| {
        let _ = sampan.demo(&[], &["true"]).ok();
        let index = sampan.data_root().join("state.db");
        let kept = sampan.directory().join("kept");
        fs::create_dir(&kept).unwrap();
        let names = ["state.db", "state.db-wal", "state.db-shm"];
        let shift = |from: &Path, to: &Path| {
            for name in names.iter().filter(|name| from.join(name).exists()) {
                fs::rename(from.join(name), to.join(name)).unwrap();
            }
        };
        shift(&sampan.data_root(), &kept);
        fs::write(&index, "this is no database, whatever its name says".repeat(100)).unwrap();
        for (words, code) in [(&["ps"][..], 1), (&["run", "--rm", BUSYBOX, "true"][..], 125)] {
            let _ = sampan.run(words).fails_with(code).says(index.to_str().unwrap()).says_one_line();
        }
        for name in names {
            let _ = fs::remove_file(sampan.data_root().join(name));
        }
        shift(&kept, &sampan.data_root());
        let _ = sampan.demo(&[], &["true"]).ok();
    });
}

#[test]
fn a_program_without_its_runtime_says_where_it_looked() {
    isolated(|sampan| {
        let directory = sampan.directory().join("alone");
        fs::create_dir(&directory).unwrap();
        let program = directory.join("sampan");
        fs::copy(sampan.program(), &program).unwrap();
        let alone = Sampan::new(sampan.directory(), program);
        let _ = alone.run(["version"]).ok();
        let beside = directory.join("sampan-runtime");
        let told = alone.run(["run", "--rm", BUSYBOX, "true"]).fails_with(125).says_one_line();
        let _ = told.says(beside.to_str().unwrap());
        // One of another build.
        fs::write(&beside, "#!/bin/sh\nexit 3\n").unwrap();
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o755)).unwrap();
        let before = sampan.settled_census();
        let _ = alone.demo(&[], &["true"]).fails_with(125).says_one_line();
        sampan.require_no_leak_since(&before, Census::without_store);
        assert!(sampan.names().is_empty());
    });
}

#[test]
fn what_is_no_root_file_system_is_not_imported() {
    isolated(|sampan| {
        let text = sampan.directory().join("text");
        fs::write(&text, "this is no archive").unwrap();
        refused(
            sampan,
            &["import", text.to_str().unwrap(), "x"],
            1,
            &["cannot read the layer", "the archive ends"],
        );
        let _ = sampan.run(["images", "--quiet"]).ok().prints("");
    });
}
