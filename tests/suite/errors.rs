//! Bad input: one line that says what is wrong and what to do, Docker's exit code, and nothing left behind.

use std::fs;
use std::path::{Path, PathBuf};
use tests::census::Census;
use tests::container::BUSYBOX;
use tests::sampan::DEMO_IMAGE;
use tests::{Invocation, Outcome, Sampan, fixture, isolated, skip};

/// Requires the code, the words and one line, and that nothing has changed.
pub(crate) fn refused(sampan: &Sampan, words: &[&str], code: i32, told: &[&str]) {
    let before = sampan.census();
    let outcome = sampan.run(words).fails_with(code).says_one_line();
    let _ = told.iter().fold(outcome, |outcome, word| outcome.says(word));
    sampan.require_no_leak_since(&before, Census::without_store);
}

fn without_containers(sampan: &Sampan) {
    let ids = sampan.run(["ps", "-aq"]).ok().stdout();
    if !ids.is_empty() {
        let _ = sampan.run(["rm", "-f"].into_iter().chain(ids.split_whitespace())).ok();
    }
}

#[test]
fn an_unknown_image_is_named() {
    isolated(|sampan| {
        let words = ["run", "--rm", "--pull", "never", "no/such:image", "true"];
        refused(sampan, &words, 125, &["No such image", "no/such:image"]);
        refused(sampan, &["rmi", "no/such"], 1, &["No such image", "no/such"]);
        refused(sampan, &["tag", "no/such", "other"], 1, &["No such image", "no/such"]);
    });
}

#[test]
fn a_bad_reference_is_explained() {
    isolated(|sampan| {
        sampan.load_busybox();
        for bad in ["UPPER", "a//b", "-x/y", "name:tag:tag", "name@sha256:short", "trailing/"] {
            if !bad.starts_with('-') {
                refused(
                    sampan,
                    &["run", "--rm", bad, "true"],
                    125,
                    &["invalid", bad.rsplit('@').next().unwrap()],
                );
                refused(sampan, &["pull", bad], 1, &["invalid", bad.rsplit('@').next().unwrap()]);
                refused(sampan, &["tag", BUSYBOX, bad], 1, &["invalid", bad.rsplit('@').next().unwrap()]);
            }
        }
    });
}

#[test]
fn an_unreachable_registry_is_named() {
    isolated(|sampan| {
        sampan.load_busybox();
        // Nobody listens there, and this network namespace has no way out.
        refused(sampan, &["pull", "localhost:1/tool"], 1, &["localhost:1", "refused"]);
        // Docker's line about what is missing comes first.
        let outcome = sampan.run(["run", "--rm", "-q", "localhost:1/tool", "true"]).fails_with(125);
        let last = outcome.stderr().trim_end().lines().last().map(String::from).unwrap();
        assert!(last.contains("localhost:1") && last.contains("refused"), "{outcome}");
        refused(sampan, &["pull", "registry.invalid/tool"], 1, &["registry.invalid"]);
    });
}

#[test]
fn an_image_for_another_architecture_says_so() {
    isolated(|sampan| {
        let layout = sampan.directory().join("foreign");
        let copy =
            ["-a", fixture::busybox_layout().to_str().unwrap(), layout.to_str().unwrap()].map(String::from);
        let _ = Invocation::new("cp", copy).run().ok();
        let image = format!("{}:latest", layout.display());
        let _ = Invocation::new("umoci", ["config", "--image", &image, "--architecture", "s390x"]).run().ok();
        let archive = sampan.directory().join("foreign.tar");
        let (from, to) =
            (format!("oci:{image}"), format!("docker-archive:{}:foreign:latest", archive.display()));
        let _ = Invocation::new("skopeo", ["--insecure-policy", "copy", "--quiet", &from, &to]).run().ok();
        let _ = sampan.run(["load", "-i", archive.to_str().unwrap()]).ok();
        // Docker's warning; the program itself happens to be this machine's.
        let words = sampan.run_words(&["--rm"], "foreign", &["true"]);
        let _ = sampan.run(words).says("s390x").says("does not match");
        let words =
            sampan.run_words(&["--rm", "--platform", "linux/amd64", "--pull", "never"], "foreign", &["true"]);
        refused(sampan, &words, 125, &["linux/amd64"]);
    });
}

#[test]
fn a_program_for_another_architecture_is_126() {
    isolated(|sampan| {
        sampan.load_busybox();
        let directory = sampan.directory().join("programs");
        fs::create_dir(&directory).unwrap();
        fs::copy("/bin/busybox", directory.join("foreign")).unwrap();
        // The machine field of the ELF header: 22 is s390.
        let mut bytes = fs::read(directory.join("foreign")).unwrap();
        bytes[18..20].copy_from_slice(&[22, 0]);
        fs::write(directory.join("foreign"), bytes).unwrap();
        fs::write(directory.join("plain"), "text").unwrap();
        fs::write(directory.join("script"), "#!/no/interpreter\n").unwrap();
        let _ = Invocation::new("chmod", ["755".as_ref(), directory.join("script").as_os_str()]).run().ok();
        let share = format!("{}:/programs:ro", directory.display());
        let run = |command: &[&str], code, told: &[&str]| {
            let words = sampan.run_words(&["--rm", "-v", &share], BUSYBOX, command);
            refused(sampan, &words, code, told);
        };
        run(&["/programs/foreign"], 126, &["/programs/foreign", "xec format error"]);
        run(&["/programs/plain"], 126, &["/programs/plain", "ermission denied"]);
        run(&["/programs/script"], 127, &["/programs/script", "no such file"]);
        run(&["/programs"], 126, &["/programs"]);
        run(&["missing"], 127, &["missing", "executable file not found in $PATH"]);
        run(&["/missing"], 127, &["/missing", "no such file or directory"]);
    });
}

#[test]
fn a_failed_start_leaves_a_created_container_as_docker_does() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.run(sampan.run_words(&["--name", "one"], BUSYBOX, &["missing"])).fails_with(127);
        assert_eq!(sampan.field("one", "{{.State.Status}} {{.State.ExitCode}}"), "created 127");
        let _ = sampan.run(sampan.run_words(&["-d", "--name", "two"], BUSYBOX, &["/etc"])).fails_with(126);
        let _ = sampan.run(["start", "one"]).fails_with(1).says("missing");
        let _ = sampan.run(["rm", "one", "two"]).ok().prints("one\ntwo\n");
    });
}

#[test]
fn bad_values_of_flags_name_the_flag_or_the_value() {
    isolated(|sampan| {
        sampan.load_busybox();
        for (flag, value) in [
            ("--memory", "much"),
            ("--memory", "1"),
            ("--memory-swap", "x"),
            ("--cpus", "-1"),
            ("--cpus", "x"),
            ("--cpuset-cpus", "x"),
            ("--pids-limit", "x"),
            ("--shm-size", "0x"),
            ("--ulimit", "x"),
            ("--env-file", "/nonexistent"),
            ("--workdir", "relative"),
            ("--user", "no such"),
            ("--volume", "relative"),
            ("--volume", "/a:/b:purple"),
            ("--volume", "/"),
            ("--mount", "type=bind"),
            ("--tmpfs", "relative"),
            ("--publish", "x"),
            ("--expose", "x"),
            ("--network", "no-such"),
            ("--add-host", "x"),
            ("--dns", "x"),
            ("--hostname", "-x-"),
            ("--cap-add", "NOPE"),
            ("--cap-drop", "NOPE"),
            ("--security-opt", "nope"),
            ("--device", "/nope"),
            ("--restart", "nope"),
            ("--stop-signal", "NOPE"),
            ("--stop-timeout", "x"),
            ("--pull", "nope"),
            ("--platform", "x/y/z/a"),
            ("--health-interval", "x"),
            ("--health-retries", "x"),
            ("--health-timeout", "x"),
            ("--name", "no spaces"),
            ("--sysctl", "nope"),
            ("--oom-score-adj", "2000"),
            ("--log-driver", "nope"),
            ("--log-opt", "nope=1"),
            ("--label-file", "/nonexistent"),
            ("--group-add", "nope"),
            ("--init", "maybe"),
        ] {
            let joined = format!("{flag}={value}");
            let before = sampan.census();
            let outcome =
                sampan.run(sampan.run_words(&["--rm", &joined], BUSYBOX, &["true"])).fails_with(125);
            let told = outcome.stderr();
            let part = value.split([':', ',', '=']).any(|part| !part.is_empty() && told.contains(part));
            let named = part || told.to_lowercase().contains(flag.trim_start_matches('-'));
            assert!(named, "{joined}: neither the flag nor the value is named: {outcome}");
            assert!(says_what_to_do(&outcome), "{joined}: {outcome}");
            sampan.require_no_leak_since(&before, Census::without_store);
        }
        assert!(sampan.names().is_empty());
    });
}

/// One line, and perhaps one that says where the help is.
fn says_what_to_do(outcome: &Outcome) -> bool {
    let text = outcome.stderr();
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines.len() == 1 || lines.len() == 2 && lines[1].starts_with("Run 'sampan ")
}

#[test]
fn wrong_words_are_refused() {
    isolated(|sampan| {
        let _ = sampan.run(["frobnicate"]).fails_with(1).says("frobnicate");
        let _ = sampan.run(["rnu", DEMO_IMAGE]).fails_with(1).says("run");
        let _ = sampan.run(["run"]).fails_with(1).says("requires at least 1 argument");
        let _ = sampan.run(["start"]).fails_with(1).says("requires at least 1 argument");
        let _ = sampan.run(["logs", "a", "b"]).fails_with(1).says("requires 1 argument");
        let _ = sampan.run(["run", "--nam", "x", DEMO_IMAGE]).fails_with(125).says("--nam").says("--name");
        let _ = sampan.run(["run", "-Z", DEMO_IMAGE]).fails_with(125).says("'Z'");
        let _ = sampan.run(["run", "--name"]).fails_with(125).says("--name");
        let _ = sampan.run(["--nope", "ps"]).fails_with(125).says("--nope");
        assert!(!sampan.data_root().exists(), "a wrong command line made a data root");
    });
}

#[test]
fn a_name_in_use_says_by_whom() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&["--name", "taken"], "sleep 100");
        let words = sampan.run_words(&["--rm", "--name", "taken"], BUSYBOX, &["true"]);
        refused(sampan, &words, 125, &["The container name \"/taken\" is already in use by container", &id]);
        assert_eq!(sampan.names(), ["taken"]);
    });
}

#[test]
fn a_port_in_use_says_by_whom() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["-p", "45000:80", "--name", "holder"], "sleep 100");
        let words = sampan.run_words(&["--rm", "-p", "45000:80"], BUSYBOX, &["true"]);
        refused(sampan, &words, 125, &["45000", "holder"]);
        // The same for `start`, which leaves the container as it was.
        let words = sampan.run_words(&["-p", "45000:80", "--name", "second"], BUSYBOX, &["true"]);
        let create: Vec<&str> = ["create"].iter().chain(&words[1..]).copied().collect();
        let _ = sampan.run(create).ok();
        let _ = sampan.run(["start", "second"]).fails_with(1).says("45000").says("holder").says_one_line();
        assert_eq!(sampan.field("second", "{{.State.Status}}"), "created");
        let listener = std::net::TcpListener::bind("0.0.0.0:45001").unwrap();
        let words = sampan.run_words(&["--rm", "-p", "45001:80"], BUSYBOX, &["true"]);
        let own = format!("process {} (", std::process::id());
        refused(sampan, &words, 125, &["45001", "already in use", &own]);
        drop(listener);
        without_containers(sampan);
    });
}

/// A data root on a small file system of its own.
pub(crate) fn with_small_data_root(sampan: &Sampan, kilobytes: u32, body: impl FnOnce(&Path)) {
    let root = sampan.data_root();
    fs::create_dir_all(&root).unwrap();
    let option = format!("size={kilobytes}k");
    let _ =
        Invocation::new("mount", ["-t", "tmpfs", "-o", &option, "small", root.to_str().unwrap()]).run().ok();
    body(&root);
    let ids = sampan.run(["ps", "-aq"]);
    assert!(ids.stdout().is_empty(), "{ids}");
    // The data root goes, and with it whatever says which control group is the instance's.
    let _ = sampan.run(["system", "prune", "--force"]).ok();
    let _ = Invocation::new("umount", [root.to_str().unwrap()]).run().ok();
    fs::remove_dir(&root).unwrap();
    let _ = fs::remove_dir_all(sampan.exec_root());
}

pub(crate) fn files_below(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn no_space_left_is_said_and_what_was_begun_is_undone() {
    isolated(|sampan| {
        with_small_data_root(sampan, 2500, |root| {
            let words = ["load", "--input"];
            let archive = fixture::busybox_archive();
            let refused = sampan.run(words.into_iter().chain([archive.to_str().unwrap()])).fails_with(1);
            let _ = refused.says("No space left on device").says_one_line();
            let large = |path: &PathBuf| fs::metadata(path).is_ok_and(|data| data.len() > 500_000);
            let left: Vec<PathBuf> = files_below(root).into_iter().filter(large).collect();
            assert!(left.is_empty(), "half an image is left: {left:?}");
            // What fits still works.
            let _ = sampan.demo(&[], &["echo", "small"]).ok().prints("small\n");
        });
    });
}

#[test]
fn a_full_disk_does_not_stop_what_runs() {
    isolated(|sampan| {
        with_small_data_root(sampan, 12_000, |root| {
            sampan.load_busybox();
            let id = sampan.background(
                &["--name", "one", "--tmpfs", "/tmp"],
                "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done",
            );
            sampan.await_log(&id, "ready");
            let fill = root.join("fill");
            let _ =
                Invocation::new("dd", ["if=/dev/zero", &format!("of={}", fill.display()), "bs=4096"]).run();
            let new = sampan.busybox(&[], "true").fails_with(125);
            let told = new.stderr();
            assert!(told.contains("No space left on device") || told.contains("disk is full"), "{new}");
            let _ = new.says_one_line();
            let _ = sampan.inside("one", "echo still here").ok().prints("still here\n");
            let _ = sampan.run(["stop", "one"]);
            fs::remove_file(&fill).unwrap();
            let _ = sampan.run(["rm", "--force", "one"]).ok();
            let _ = sampan.busybox(&[], "true").ok();
        });
    });
}

#[test]
fn a_missing_controller_is_named() {
    skip!("cgroup-v1");
    isolated(|sampan| {
        sampan.load_busybox();
        let pids = mounted_controller("pids").unwrap();
        // In a mount namespace where it is not mounted, as on a host that has none.
        let script = format!("umount {pids} && exec {} \"$@\"", tests::paths::program().display());
        let run = |words: &[&str]| {
            let command = ["--mount", "sh", "-c", &script, "sh", "run", "--rm", "--network", "none"];
            Invocation::new("unshare", command.iter().chain(words))
                .env("SAMPAN_DATA_ROOT", sampan.data_root())
                .env("SAMPAN_EXEC_ROOT", sampan.exec_root())
                .run()
        };
        let _ = run(&["--pids-limit", "10", BUSYBOX, "true"]).fails_with(125).says("pids").says_one_line();
        // What does not need it goes on.
        let _ = run(&["--memory", "64m", BUSYBOX, "echo", "fine"]).ok().prints("fine\n");
    });
}

/// Where the controller is mounted on its own (version 1).
fn mounted_controller(name: &str) -> Option<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    table.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let options = after.split(' ').nth(2)?;
        let found = after.starts_with("cgroup ") && options.split(',').any(|option| option == name);
        found.then(|| before.split(' ').nth(4).map(String::from))?
    })
}

#[test]
fn a_user_without_rights_is_told() {
    isolated(|sampan| {
        let _ = sampan.demo(&[], &["true"]).ok();
        // The program lies where only its owner may look; a copy does not.
        let copy = sampan.directory().join("programs");
        fs::create_dir(&copy).unwrap();
        for program in [tests::paths::program(), tests::paths::runtime()] {
            fs::copy(&program, copy.join(program.file_name().unwrap())).unwrap();
        }
        let _ = Invocation::new("chmod", ["-R", "a+rX", sampan.directory().to_str().unwrap()]).run();
        let program = copy.join("sampan");
        let words = ["--reuid=65534", "--regid=65534", "--clear-groups", program.to_str().unwrap(), "ps"];
        let refused = Invocation::new("setpriv", words)
            .env("SAMPAN_DATA_ROOT", sampan.data_root())
            .env("SAMPAN_EXEC_ROOT", sampan.exec_root())
            .env("DOCKER_CONFIG", sampan.directory().join("docker-config"))
            .run();
        assert_ne!(refused.code(), 0, "{refused}");
        let _ = refused.says("permission denied").says("as root").says_one_line();
        let _ = Invocation::new("chmod", ["-R", "go-rwx", sampan.data_root().to_str().unwrap()]).run();
    });
}

#[test]
fn a_broken_archive_is_refused() {
    isolated(|sampan| {
        sampan.load_busybox();
        let archive = fs::read(fixture::busybox_archive()).unwrap();
        let path = sampan.directory().join("broken.tar");
        let load = |bytes: &[u8], told: &str| {
            fs::write(&path, bytes).unwrap();
            refused(sampan, &["load", "-i", path.to_str().unwrap()], 1, &[told]);
        };
        load(&archive[..archive.len() / 2], "");
        load(b"this is no archive at all", "");
        load(&[], "");
        let _ = sampan.run(["rmi", BUSYBOX]).ok();
        let mut lying = archive.clone();
        let at = archive.len() / 2;
        lying[at] ^= 0xff;
        load(&lying, "");
        let _ = sampan.run(["load", "-i", "/nonexistent.tar"]).fails_with(1).says("/nonexistent.tar");
        let _ = sampan.run(["import", "/nonexistent.tar", "x"]).fails_with(1).says("/nonexistent.tar");
        let _ = sampan.run(["images", "-aq"]).ok().prints("");
    });
}

#[test]
fn a_server_is_not_silently_this_machine() {
    isolated(|sampan| {
        let outcome = sampan.command(["ps"]).env("DOCKER_HOST", "tcp://192.0.2.1:2375").run();
        let _ = outcome.fails_with(125).says("DOCKER_HOST").says_one_line();
        let _ =
            sampan.run(["-H", "tcp://192.0.2.1:2375", "ps"]).fails_with(125).says("--host").says_one_line();
    });
}
