//! `cp`: both directions, as docker-cp(1) has it, and containers that would rather have something else copied.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tests::container::BUSYBOX;
use tests::{Invocation, Outcome, Sampan, isolated};

/// A directory of the caller's with one of everything.
fn tree(sampan: &Sampan) -> PathBuf {
    let root = sampan.directory().join("tree");
    fs::create_dir_all(root.join("sub/deep")).unwrap();
    fs::write(root.join("file"), "content\n").unwrap();
    fs::set_permissions(root.join("file"), PermissionsExt::from_mode(0o640)).unwrap();
    std::os::unix::fs::chown(root.join("file"), Some(1000), Some(1001)).unwrap();
    fs::hard_link(root.join("file"), root.join("sub/same")).unwrap();
    symlink("../file", root.join("sub/link")).unwrap();
    symlink("sub", root.join("to-sub")).unwrap();
    fs::write(root.join("sub/deep/sparse"), vec![0; 100_000]).unwrap();
    root
}

fn cp(sampan: &Sampan, words: &[&str]) -> Outcome {
    sampan.run(["cp"].iter().chain(words))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A stopped one, one that was never started, and a running one.
fn containers(sampan: &Sampan) -> [&'static str; 3] {
    let _ = sampan.run(sampan.run_words(&["--name", "stopped"], BUSYBOX, &["true"])).ok();
    let _ = sampan.run(["create", "--name", "created", "--network", "none", BUSYBOX, "sleep", "100"]).ok();
    let _ = sampan.background(&["--name", "running"], "sleep 100");
    ["stopped", "created", "running"]
}

#[test]
fn files_and_trees_go_in_and_come_out() {
    isolated(|sampan| {
        sampan.load_busybox();
        let tree = tree(sampan);
        for name in containers(sampan) {
            let inside = |path: &str| format!("{name}:{path}");
            let back = sampan.directory().join(format!("back-{name}"));
            // A tree that takes the name of what is not there, and one that goes into what is.
            let _ = cp(sampan, &[text(&tree), &inside("/copied")]).ok().prints("").is_quiet();
            let _ = cp(sampan, &[text(&tree), &inside("/copied")]).ok();
            let _ = cp(sampan, &[&inside("/copied"), text(&back)]).ok().prints("").is_quiet();
            let same =
                Invocation::new("diff", ["-r", "--no-dereference", text(&tree), text(&back.join("tree"))]);
            let _ = same.run().ok().prints("");
            let found = fs::metadata(back.join("file")).unwrap();
            assert_eq!((found.mode() & 0o7777, found.uid(), found.gid()), (0o640, 0, 0), "{name}");
            assert_eq!(found.mtime(), fs::metadata(tree.join("file")).unwrap().mtime());
            assert_eq!(
                fs::metadata(back.join("sub/same")).unwrap().ino(),
                found.ino(),
                "a hard link was lost"
            );
            // The content of a directory, and a single file under another name.
            let _ = cp(sampan, &[&format!("{}/.", text(&tree)), &inside("/tmp")]).ok();
            let _ = cp(sampan, &[&inside("/tmp/file"), text(&back.join("other"))]).ok();
            assert_eq!(fs::read_to_string(back.join("other")).unwrap(), "content\n");
            let _ = cp(sampan, &[text(&tree.join("file")), &inside("/etc/renamed")]).ok();
            let _ = cp(sampan, &[&inside("etc/renamed"), text(&back)]).ok();
            assert!(back.join("renamed").is_file());
            // Ids go along.
            let _ = cp(sampan, &[&inside("/etc/renamed"), "-"]).ok();
        }
        let _ = sampan.run(["start", "created"]).ok();
        for name in ["created", "running"] {
            let _ = sampan
                .inside(
                    name,
                    "cat /copied/tree/sub/same; readlink /copied/sub/link; stat -c %u:%g:%a /etc/renamed",
                )
                .ok()
                .prints("content\n../file\n1000:1001:640\n");
        }
        let _ = sampan.run(["start", "-a", "stopped"]).ok();
        let _ = cp(sampan, &["stopped:/copied/file", text(&sampan.directory().join("again"))]).ok();
    });
}

#[test]
fn archives_are_streamed() {
    isolated(|sampan| {
        sampan.load_busybox();
        let tree = tree(sampan);
        for name in containers(sampan) {
            let _ = cp(sampan, &[text(&tree), &format!("{name}:/tmp")]).ok();
            let out = cp(sampan, &[&format!("{name}:/tmp/tree"), "-"]).ok();
            let list = Invocation::new("tar", ["-tf", "-"]).input(out.stdout_bytes()).run().ok().stdout();
            assert_eq!(
                list,
                "tree/\ntree/file\ntree/sub/\ntree/sub/deep/\ntree/sub/deep/sparse\ntree/sub/link\ntree/sub/same\ntree/to-sub\n"
            );
            let inside = format!("{name}:/home");
            let _ = sampan.command(["cp", "-", &inside]).input(out.stdout_bytes()).run().ok();
            let packed = Invocation::new("gzip", ["-c"]).input(out.stdout_bytes()).run().ok();
            let _ = sampan.command(["cp", "-", &inside]).input(packed.stdout_bytes()).run().ok();
            let _ = cp(sampan, &[&format!("{name}:/home/tree/file"), "-"]).ok().shows("content\n");
            let _ = sampan
                .command(["cp", "-", &format!("{name}:/home/tree/file")])
                .input(out.stdout_bytes())
                .run()
                .fails_with(1)
                .says("must be a directory");
            let cut = &out.stdout_bytes()[..1000];
            let _ = sampan.command(["cp", "-", &inside]).input(cut).run().fails_with(1).says_one_line();
        }
        // What a reader does not want is no complaint.
        let script = format!("{} cp running:/ - | head -c 100 | wc -c", text(sampan.program()));
        let _ = sampan.settled(Invocation::new("sh", ["-c", &script])).run().ok().prints("100\n").is_quiet();
    });
}

#[test]
fn links_are_followed_when_asked() {
    isolated(|sampan| {
        sampan.load_busybox();
        let tree = tree(sampan);
        let back = sampan.directory().join("back");
        fs::create_dir(&back).unwrap();
        for name in containers(sampan) {
            let inside = |path: &str| format!("{name}:{path}");
            let _ = cp(sampan, &[text(&tree), &inside("/tmp")]).ok();
            let _ = cp(sampan, &[&inside("/tmp/tree/sub/link"), text(&back)]).ok();
            assert_eq!(fs::read_link(back.join("link")).unwrap(), Path::new("../file"));
            fs::remove_file(back.join("link")).unwrap();
            let _ = cp(sampan, &["-L", &inside("/tmp/tree/sub/link"), text(&back)]).ok();
            assert_eq!(fs::read_to_string(back.join("link")).unwrap(), "content\n");
            let _ = cp(sampan, &["--follow-link", &inside("/tmp/tree/to-sub"), text(&back)]).ok();
            assert!(back.join("to-sub/same").is_file() && !back.join("to-sub").is_symlink());
            fs::remove_dir_all(back.join("to-sub")).unwrap();
            // The other way round.
            let _ = cp(sampan, &["-L", text(&tree.join("to-sub")), &inside("/home")]).ok();
            let _ = cp(sampan, &[&inside("/home/to-sub/same"), "-"]).ok().shows("content\n");
            // A destination that is a link means what it leads to.
            let _ = cp(sampan, &[text(&tree.join("file")), &inside("/tmp/tree/to-sub")]).ok();
            let _ = cp(sampan, &[&inside("/tmp/tree/sub/file"), "-"]).ok().shows("content\n");
        }
    });
}

#[test]
fn an_archive_mode_gives_to_the_containers_user() {
    isolated(|sampan| {
        sampan.load_busybox();
        let tree = tree(sampan);
        let _ = sampan.background(&["--name", "one", "--user", "user"], "sleep 100");
        let _ = cp(sampan, &["-a", text(&tree), "one:/tmp"]).ok();
        let _ = sampan
            .inside("one", "stat -c %u:%g /tmp/tree/file /tmp/tree")
            .ok()
            .prints("1000:1000\n1000:1000\n");
        let _ = cp(sampan, &["--archive=false", text(&tree), "one:/tmp/other"]).ok();
        let _ = sampan.inside("one", "stat -c %u:%g /tmp/other/file").ok().prints("1000:1001\n");
    });
}

#[test]
fn volumes_and_mounts_are_written_to() {
    isolated(|sampan| {
        sampan.load_busybox();
        let tree = tree(sampan);
        let shared = sampan.directory().join("shared");
        fs::create_dir(&shared).unwrap();
        let bind = format!("{}:/bind", text(&shared));
        let locked = format!("{}:/locked:ro", text(&shared));
        let options = ["-v", "data:/data", "-v", &bind, "-v", &locked, "--tmpfs", "/memory"];
        let words: Vec<&str> = ["create", "--network", "none", "--read-only", "--name", "one"]
            .iter()
            .chain(&options)
            .chain(&[BUSYBOX, "sleep", "100"])
            .copied()
            .collect();
        let _ = sampan.run(words).ok();
        for started in [false, true] {
            if started {
                let _ = sampan.run(["start", "one"]).ok();
                let _ = cp(sampan, &[text(&tree.join("file")), "one:/memory/x"]).ok();
                let _ = sampan.inside("one", "cat /memory/x").ok().prints("content\n");
            }
            for (target, host) in [
                ("one:/data/f", sampan.data_root().join("volumes/data/_data/f")),
                ("one:/bind/f", shared.join("f")),
            ] {
                let _ = cp(sampan, &[text(&tree.join("file")), target]).ok();
                assert_eq!(fs::read_to_string(&host).unwrap(), "content\n", "{target}");
                fs::remove_file(host).unwrap();
            }
            let refused = |target: &str, told: &str| {
                let _ = cp(sampan, &[text(&tree), target]).fails_with(1).says(told).says_one_line();
            };
            refused("one:/locked", "mounted volume is marked read-only");
            refused("one:/etc", "container rootfs is marked read-only");
            let _ = cp(sampan, &["one:/etc/hosts", "-"]).ok().shows("localhost");
        }
        assert_eq!(fs::read_dir(&shared).unwrap().count(), 0);
    });
}

#[test]
fn what_makes_no_sense_is_told_and_changes_nothing() {
    isolated(|sampan| {
        sampan.load_busybox();
        let tree = tree(sampan);
        let (directory, file) = (text(&tree).to_owned(), text(&tree.join("file")).to_owned());
        for name in containers(sampan) {
            let inside = |path: &str| format!("{name}:{path}");
            let refused = |from: &str, to: &str, told: &str| {
                let _ = cp(sampan, &[from, to]).fails_with(1).says(told).says_one_line();
            };
            refused(
                &inside("/nothing"),
                "/tmp",
                &format!("Could not find the file /nothing in container {name}"),
            );
            refused(&file, &inside("/nothing/x"), "Could not find the file /nothing in container");
            refused(&file, &inside("/home/new/"), "no such directory");
            refused(&directory, &inside("/etc/passwd"), "cannot copy directory");
            refused(&file, &inside("/etc/passwd/x"), "not a directory");
            refused(&format!("{directory}/none"), &inside("/"), "no such file or directory");
            refused(&inside("/etc"), &file, "cannot copy directory");
            refused(
                &inside("/etc/passwd"),
                &format!("{directory}/no/where"),
                "invalid output path: directory",
            );
            // A directory of the container does not become a file, nor the other way round.
            let _ = cp(sampan, &[&file, &inside("/home/file")]).ok();
            let conflict = sampan.directory().join("conflict/file");
            fs::create_dir_all(&conflict).unwrap();
            refused(text(&conflict), &inside("/home"), "cannot overwrite a non-directory with a directory");
            let _ = cp(sampan, &[&inside("/home/file"), "-"]).ok().shows("content");
        }
        let refused = |words: [&str; 2], told: &str| {
            let _ = cp(sampan, &words).fails_with(1).says(told).says_one_line();
        };
        refused(["running:/a", "stopped:/b"], "copying between containers is not supported");
        refused(["/a", "/b"], "must specify at least one container source");
        refused(["nobody:/a", "/tmp"], "No such container: nobody");
        refused(["", "running:/"], "source can not be empty");
        let _ =
            sampan.run(["container", "cp", "running:/etc/passwd"]).fails_with(1).says("requires 2 arguments");
        let _ = cp(sampan, &["--quiet=false", &file, "running:/x"])
            .ok()
            .says("Successfully copied")
            .says("running:/x");
    });
}

#[test]
fn a_link_of_the_container_does_not_lead_to_the_host() {
    isolated(|sampan| {
        sampan.load_busybox();
        let outside = sampan.directory().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret"), "of the host").unwrap();
        let file = sampan.directory().join("file");
        fs::write(&file, "of the caller").unwrap();
        // Links by which a naive program would leave: absolute, relative, of /proc.
        let script = format!(
            "ln -s {0} /absolute; ln -s ../../../../../..{0} /relative; ln -s /proc/self/root{0} /magic; ln -s {0}/secret /link",
            text(&outside)
        );
        let _ = sampan.run(sampan.run_words(&["--name", "stopped"], BUSYBOX, &["sh", "-c", &script])).ok();
        let _ = sampan.background(&["--name", "running"], &format!("{script}; echo made; sleep 100"));
        sampan.await_log("running", "made");
        for name in ["stopped", "running"] {
            for link in ["absolute", "relative", "magic"] {
                let _ = cp(sampan, &[&format!("{name}:/{link}/secret"), "-"]).fails_with(1);
                let _ = cp(sampan, &[text(&file), &format!("{name}:/{link}/secret")]).fails_with(1);
                let _ = cp(sampan, &[text(&file), &format!("{name}:/{link}")]);
            }
            let _ = cp(sampan, &["-L", &format!("{name}:/link"), "-"]).fails_with(1);
            let _ = cp(sampan, &[text(&file), &format!("{name}:/link")]);
        }
        assert_eq!(fs::read_to_string(outside.join("secret")).unwrap(), "of the host");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    });
}
