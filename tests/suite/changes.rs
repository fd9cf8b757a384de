//! What a container has become: `diff`, `export`, `commit`.

use std::fs;
use std::path::Path;
use tests::container::BUSYBOX;
use tests::{Invocation, Sampan, eventually, isolated};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Adds, changes and deletes, below directories and at the top.
const WORK: &str = "mkdir -p /new/dir; echo x > /new/dir/f; echo y >> /etc/group; rm /etc/passwd; ln -s f /new/dir/l; \
    chmod 700 /home; rm -r /var; mkdir /var; echo z > /var/v; echo done > /tmp/done; echo w > /data/in-a-volume; echo ready";

const CHANGES: &str = "A /data\nC /etc\nC /etc/group\nD /etc/passwd\nC /home\nA /new\nA /new/dir\nA /new/dir/f\nA /new/dir/l\nC /tmp\nA /tmp/done\nC /var\nA /var/v\n";

fn worked(sampan: &Sampan) -> [&'static str; 2] {
    sampan.load_busybox();
    let _ = sampan
        .run(sampan.run_words(&["--name", "ended", "-v", "data:/data"], BUSYBOX, &["sh", "-c", WORK]))
        .ok();
    let _ = sampan.background(&["--name", "running", "-v", "data:/data"], &format!("{WORK}; sleep 100"));
    sampan.await_log("running", "ready");
    ["ended", "running"]
}

#[test]
fn diff_tells_what_was_added_changed_and_deleted() {
    isolated(|sampan| {
        for name in worked(sampan) {
            let _ = sampan.run(["diff", name]).ok().prints(CHANGES);
        }
        // Nothing of what the runtime needs is the container's doing.
        let _ = sampan.background(&["--name", "idle"], "sleep 100");
        let _ = sampan.run(["container", "diff", "idle"]).ok().prints("");
        let _ = sampan.run(["create", "--name", "created", "--network", "none", BUSYBOX]).ok();
        let _ = sampan.run(["diff", "created"]).ok().prints("");
        let _ =
            sampan.run(["diff", "nobody"]).fails_with(1).says("No such container: nobody").says_one_line();
    });
}

#[test]
fn export_writes_the_root_without_mounts() {
    isolated(|sampan| {
        for name in worked(sampan) {
            let path = sampan.directory().join(format!("{name}.tar"));
            let _ = sampan.run(["export", "--output", text(&path), name]).ok().prints("");
            let list = Invocation::new("tar", ["-tf", text(&path)]).run().ok().stdout();
            let has = |entry: &str| list.lines().any(|line| line == entry);
            assert!(has("new/dir/f") && has("bin/busybox") && has("proc/") && has("data/"), "{list}");
            assert!(!has("etc/passwd") && !has("data/in-a-volume") && !list.contains("proc/self"), "{list}");
            let piped = sampan.run(["export", name]).ok();
            assert_eq!(piped.stdout_bytes().len() as u64, fs::metadata(&path).unwrap().len());
            // What came out is an image again.
            let _ = sampan.run(["import", text(&path), name]).ok();
            let _ = sampan
                .run(["run", "--rm", "--network", "none", name, "cat", "/new/dir/l"])
                .ok()
                .prints("x\n");
        }
        let nowhere = sampan.directory().join("none/x.tar");
        let _ = sampan
            .run(["export", "-o", text(&nowhere), "running"])
            .fails_with(1)
            .says("does not exist")
            .says_one_line();
        let _ = sampan.run(["export", "nobody"]).fails_with(1).says("No such container: nobody").prints("");
        let directory = sampan.directory().join("partial");
        fs::create_dir(&directory).unwrap();
        let _ = sampan.run(["export", "-o", text(&directory.join("x")), "nobody"]).fails_with(1);
        assert_eq!(fs::read_dir(directory).unwrap().count(), 0);
    });
}

#[test]
fn commit_makes_an_image_that_runs() {
    isolated(|sampan| {
        for name in worked(sampan) {
            let image = format!("committed-{name}:1");
            let id = sampan.run(["commit", "-a", "An Author", "-m", "a message", name, &image]).ok().word();
            assert!(id.starts_with("sha256:") && id.len() == 71, "{id}");
            assert_eq!(
                sampan.field(&image, "{{.Id}} {{.Author}} {{.Comment}}"),
                format!("{id} An Author a message")
            );
            let _ = sampan
                .run([
                    "run",
                    "--rm",
                    "--network",
                    "none",
                    &image,
                    "sh",
                    "-c",
                    "cat /new/dir/l; ls /etc/passwd /data /var; stat -c %a /home",
                ])
                .prints("x\n/data:\n\n/var:\nv\n700\n");
            // It says what the container ran.
            assert_eq!(sampan.field(&image, "{{index .Config.Cmd 0}}"), "sh");
            let history = sampan.run(["history", &image]).ok().stdout();
            assert!(
                history
                    .lines()
                    .nth(1)
                    .is_some_and(|line| line.contains("sh -c") && line.ends_with("a message")),
                "{history}"
            );
        }
        assert_eq!(sampan.field("running", "{{.State.Status}}"), "running");
        let changed = sampan
            .run([
                "commit",
                "--change",
                "CMD [\"echo\", \"changed\"]",
                "-c",
                "ENV A=1",
                "--pause=false",
                "running",
                "changed",
            ])
            .ok();
        let _ = sampan.run(["run", "--rm", "--network", "none", "changed"]).ok().prints("changed\n");
        assert_eq!(sampan.field(&changed.word(), "{{json .Config.Env}}").matches("A=1").count(), 1);
        let nameless = sampan.run(["container", "commit", "ended"]).ok().word();
        assert_eq!(sampan.field(&nameless, "{{len .RepoTags}}"), "0");
        let refused = |words: &[&str], told: &str| {
            let _ = sampan.run(["commit"].iter().chain(words)).fails_with(1).says(told).says_one_line();
        };
        refused(&["nobody"], "No such container: nobody");
        refused(&["running", "NOT/a name"], "invalid reference format");
        refused(&["-c", "RUN make", "running"], "RUN is not one of");
        let _ = sampan.run(["create", "--name", "fresh", "--network", "none", BUSYBOX, "true"]).ok();
        let layers = |name: &str| sampan.field(name, "{{len .RootFS.Layers}}");
        let empty = sampan.run(["commit", "fresh"]).ok().word();
        assert_eq!(layers(&empty), layers(BUSYBOX), "nothing was changed, but a layer was made");
        let _ = sampan.run(["system", "check"]).ok();
    });
}

/// A container is frozen while it is read, and goes on whatever becomes of the one who reads.
#[test]
fn a_killed_commit_leaves_the_container_running() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script =
            "head -c 300000000 /dev/zero > /large; while :; do date +%s%N > /tmp/now; sleep 0.02; done";
        let _ = sampan.background(&["--name", "one"], script);
        let now = || sampan.run(["cp", "one:/tmp/now", "-"]).stdout();
        eventually("it runs", || !now().is_empty());
        let pid = sampan.field("one", "{{.State.Pid}}");
        let frozen = || {
            let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
            groups.lines().any(|line| {
                let path = line.rsplit(':').next().unwrap().trim_start_matches('/');
                let read = |file: String| fs::read_to_string(file).unwrap_or_default();
                read(format!("/sys/fs/cgroup/freezer/{path}/freezer.state")).trim() == "FROZEN"
                    || ["", "unified/"].iter().any(|tree| {
                        read(format!("/sys/fs/cgroup/{tree}{path}/cgroup.events")).contains("frozen 1")
                    })
            })
        };
        let commit = sampan.command(["commit", "one", "large"]).start();
        eventually("the container is frozen", frozen);
        assert_eq!(sampan.field("one", "{{.State.Status}}"), "running");
        drop(commit);
        eventually("it goes on", || !frozen());
        let before = now();
        eventually("it works", || now() != before);
        let _ = sampan.run(["commit", "one", "large"]).ok();
        assert!(!frozen());
    });
}
