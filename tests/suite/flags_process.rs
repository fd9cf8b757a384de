//! Flags of `run` that say what the process is: command, environment, user, directory, name.

use std::fs;
use tests::container::BUSYBOX;
use tests::sampan::DEMO_IMAGE;
use tests::{eventually, isolated};

#[test]
fn detached_prints_the_id_and_runs_on() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&["--name", "back"], "echo here; sleep 100");
        assert!(id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        let _ = sampan.run(["ps", "--quiet", "--no-trunc"]).ok().prints(&format!("{id}\n"));
        sampan.await_log("back", "here");
        let pid = sampan.field("back", "{{.State.Pid}}");
        let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
        assert!(line.replace('\0', " ") == "sleep 100 ", "process {pid} is {line:?}");
        // Gone from the caller's session: a shell that ends takes nothing along.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let session = stat.rsplit_once(") ").unwrap().1.split(' ').nth(3).unwrap().to_owned();
        let own = fs::read_to_string("/proc/self/stat").unwrap();
        assert_ne!(session, own.rsplit_once(") ").unwrap().1.split(' ').nth(3).unwrap());
    });
}

#[test]
fn rm_removes_the_container_and_its_anonymous_volumes() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ =
            sampan.busybox(&["--name", "gone", "-v", "/anonymous", "-v", "kept:/kept"], "touch /kept/x").ok();
        let _ = sampan.run(["inspect", "gone"]).fails_with(1);
        assert!(sampan.names().is_empty());
        let volumes = fs::read_dir(sampan.data_root().join("volumes")).unwrap();
        let names: Vec<_> = volumes.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["kept"], "the named volume stays, the anonymous one goes");
    });
}

#[test]
fn without_rm_the_container_stays() {
    isolated(|sampan| {
        let _ = sampan
            .run(["run", "--network", "none", "--name", "stays", DEMO_IMAGE, "exit", "3"])
            .fails_with(3);
        assert_eq!(sampan.field("stays", "{{.State.Status}} {{.State.ExitCode}}"), "exited 3");
        let _ = sampan.run(["rm", "stays"]).ok().prints("stays\n");
    });
}

#[test]
fn a_name_is_given_or_made_up() {
    isolated(|sampan| {
        let create = |options: &[&'static str]| {
            let _ = sampan.run(sampan.run_words(options, DEMO_IMAGE, &["true"])).ok();
        };
        create(&["--name", "given"]);
        create(&[]);
        let names = sampan.names();
        assert_eq!(names[0], "given");
        assert!(names[1].contains('_'), "{names:?}");
        assert_eq!(sampan.field("given", "{{.Name}}"), "/given");
        let _ = sampan
            .demo(&["--name", "no/slash"], &["true"])
            .fails_with(125)
            .says("no/slash")
            .says("[a-zA-Z0-9]");
    });
}

#[test]
fn environment_variables_arrive_in_order() {
    isolated(|sampan| {
        sampan.load_busybox();
        let words = sampan.run_words(
            &["--rm", "-e", "A=1", "--env", "A=2", "-e", "FROM_HOST", "-e", "ABSENT", "-e", "WITH=a=b c"],
            BUSYBOX,
            &["env"],
        );
        let outcome = sampan.command(words).env("FROM_HOST", "host value").run().ok();
        let text = outcome.stdout();
        let lines: Vec<&str> = text.lines().collect();
        for expected in ["A=2", "FROM_HOST=host value", "WITH=a=b c", "HOME=/root", "PATH=/bin"] {
            assert!(lines.contains(&expected), "no {expected} in {lines:?}");
        }
        assert!(lines.iter().any(|line| line.starts_with("HOSTNAME=")), "{lines:?}");
        for absent in ["A=1", "ABSENT", "TERM"] {
            assert!(!lines.iter().any(|line| line.starts_with(absent)), "{absent} in {lines:?}");
        }
        let _ = sampan.busybox(&["-e", "=nothing"], "true").fails_with(125).says("=nothing");
    });
}

#[test]
fn an_environment_file_is_read() {
    isolated(|sampan| {
        sampan.load_busybox();
        let file = sampan.directory().join("variables");
        let path = file.to_str().unwrap();
        fs::write(
            &file,
            "# comment\n\nFIRST=1\n  INDENTED=2\nQUOTED=\"kept\"\nFROM_HOST\nABSENT\nBOTH=file\n",
        )
        .unwrap();
        let options = ["--rm", "--env-file", path, "-e", "BOTH=flag"];
        let words = sampan.run_words(&options, BUSYBOX, &["env"]);
        let text = sampan.command(words).env("FROM_HOST", "host").run().ok().stdout();
        let lines: Vec<&str> = text.lines().collect();
        for expected in ["FIRST=1", "INDENTED=2", "QUOTED=\"kept\"", "FROM_HOST=host", "BOTH=flag"] {
            assert!(lines.contains(&expected), "no {expected} in {lines:?}");
        }
        assert!(!text.contains("ABSENT"), "{text}");
        fs::write(&file, "WITH SPACE=1\n").unwrap();
        let _ = sampan.busybox(&["--env-file", path], "true").fails_with(125).says("WITH SPACE");
        let _ = sampan.busybox(&["--env-file", "/nonexistent"], "true").fails_with(125).says("/nonexistent");
    });
}

#[test]
fn the_working_directory_is_made_when_missing() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.busybox(&["-w", "/home"], "pwd").ok().prints("/home\n");
        let _ = sampan
            .busybox(&["--workdir", "/made/here"], "pwd; ls -ld . | cut -c1-10")
            .ok()
            .prints("/made/here\ndrwxr-xr-x\n");
        let _ =
            sampan.busybox(&["-w", "relative"], "pwd").fails_with(125).says("relative").says("absolute path");
    });
}

#[test]
fn a_user_is_a_name_or_a_number() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = "id -u; id -g; id -G; echo $HOME";
        let _ = sampan.busybox(&["-u", "user"], id).ok().prints("1000\n1000\n1000 29\n/home\n");
        let _ = sampan.busybox(&["--user", "daemon"], "id -u; id -g").ok().prints("1\n1\n");
        let _ = sampan.busybox(&["-u", "1234"], id).ok().prints("1234\n0\n0\n/\n");
        let _ = sampan.busybox(&["-u", "1234:567"], id).ok().prints("1234\n567\n567\n/\n");
        let _ = sampan.busybox(&["-u", "1234:audio"], "id -g").ok().prints("29\n");
        let _ = sampan.busybox(&["-u", "stranger"], id).fails_with(125).says("unable to find user stranger");
        let _ = sampan
            .busybox(&["-u", "user:strangers"], id)
            .fails_with(125)
            .says("unable to find group strangers");
        // From outside: nobody but that user.
        let container = sampan.background(&["-u", "user"], "sleep 100");
        let pid = sampan.field(&container, "{{.State.Pid}}");
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        assert!(status.contains("Uid:\t1000\t1000\t1000\t1000"), "{status}");
        assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
    });
}

#[test]
fn an_entrypoint_replaces_the_images() {
    isolated(|sampan| {
        sampan.load_busybox();
        let words = |options: &'static [&'static str], command: &'static [&'static str]| {
            sampan.run(sampan.run_words(options, BUSYBOX, command))
        };
        let _ = words(&["--rm", "--entrypoint", "echo"], &["one", "two"]).ok().prints("one two\n");
        // The image's own command goes with its entry point.
        let _ = words(&["--rm", "--entrypoint", "echo"], &[]).ok().prints("\n");
        let _ = words(&["--rm", "--entrypoint", ""], &["echo", "bare"]).ok().prints("bare\n");
        let _ = words(&["--rm", "--entrypoint", "/nonexistent"], &[]).fails_with(127).says("/nonexistent");
        let _ = words(&["--name", "seen", "--entrypoint", "echo"], &["x"]).ok();
        assert_eq!(
            sampan.field("seen", "{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Path}}"),
            "[\"echo\"] [\"x\"] echo"
        );
    });
}

#[test]
fn an_init_reaps_and_forwards_signals() {
    isolated(|sampan| {
        sampan.load_busybox();
        // Without it the command itself is process 1.
        let _ = sampan.busybox(&[], "echo $$").ok().prints("1\n");
        let _ = sampan.busybox(&["--init"], "test $$ != 1 && exit 9").fails_with(9);
        let script = "(sleep 0.05 &) ; sleep 0.3; ps -o stat | grep -c Z";
        let _ = sampan.busybox(&["--init"], script).prints("0\n");
        let id = sampan.background(
            &["--init"],
            "trap 'echo asked; exit 5' TERM; echo ready; while :; do sleep 0.05; done",
        );
        sampan.await_log(&id, "ready");
        let _ = sampan.run(["stop", &id]).ok();
        assert_eq!(sampan.field(&id, "{{.State.ExitCode}}"), "5");
        sampan.await_log(&id, "asked");
    });
}

#[test]
fn labels_are_kept() {
    isolated(|sampan| {
        let options = ["--label", "a=1", "-l", "b=x=y", "--label", "empty"];
        let _ = sampan
            .run(sampan.run_words(&[&["--name", "labelled"], &options[..]].concat(), DEMO_IMAGE, &["true"]))
            .ok();
        let labels = &sampan.inspected("labelled")["Config"]["Labels"];
        assert_eq!((&labels["a"], &labels["b"], &labels["empty"]), (&"1".into(), &"x=y".into(), &"".into()));
        let filtered =
            |filter: &str| sampan.run(["ps", "-aq", "--filter", filter]).ok().stdout().lines().count();
        assert_eq!([filtered("label=a"), filtered("label=a=1"), filtered("label=a=2")], [1, 1, 0]);
    });
}

#[test]
fn the_id_is_written_to_a_file() {
    isolated(|sampan| {
        let file = sampan.directory().join("id");
        let path = file.to_str().unwrap();
        let words = sampan.run_words(&["-d", "--cidfile", path], DEMO_IMAGE, &["true"]);
        let id = sampan.run(words.clone()).ok().word();
        assert_eq!(fs::read_to_string(&file).unwrap(), id);
        let _ = sampan.run(words).fails_with(125).says(path).says_one_line();
        assert_eq!(sampan.names().len(), 1, "the refused run left a container");
        // A container that never was leaves no file.
        let other = sampan.directory().join("other");
        let _ =
            sampan.demo(&["--cidfile", other.to_str().unwrap(), "--memory", "1"], &["true"]).fails_with(125);
        assert!(!other.exists());
    });
}

#[test]
fn pull_says_when_an_image_is_fetched() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.busybox(&["--pull", "never"], "true").ok().is_quiet();
        let _ = sampan.busybox(&["--pull", "missing"], "true").ok().is_quiet();
        let _ = sampan
            .run(["run", "--rm", "--pull", "never", "nowhere", "true"])
            .fails_with(125)
            .says("nowhere")
            .says_one_line();
        let _ = sampan.busybox(&["--pull", "sometimes"], "true").fails_with(125).says("sometimes");
        // Always asks the registry even for what is here, and there is none in this network namespace.
        let _ = sampan
            .run(sampan.run_words(&["--rm", "--pull=always"], "localhost:5000/busybox", &["true"]))
            .fails_with(125)
            .says("localhost:5000");
    });
}

#[test]
fn a_platform_is_required() {
    isolated(|sampan| {
        sampan.load_busybox();
        let own = match std::env::consts::ARCH {
            "x86_64" => "linux/amd64",
            "aarch64" => "linux/arm64",
            other => panic!("what does Docker call {other}?"),
        };
        let _ = sampan.busybox(&["--platform", own], "true").ok();
        let _ = sampan
            .busybox(&["--platform", "linux/s390x", "--pull", "never"], "true")
            .fails_with(125)
            .says("linux/s390x");
        let _ = sampan.busybox(&["--platform", "a/b/c/d"], "true").fails_with(125).says("a/b/c/d");
    });
}

#[test]
fn a_host_name_is_seen_everywhere() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "hostname; cat /etc/hostname; echo $HOSTNAME";
        let _ = sampan.busybox(&["--hostname", "ship"], script).ok().prints("ship\nship\nship\n");
        let _ = sampan.busybox(&["-h", "ship.example.org"], "hostname").ok().prints("ship.example.org\n");
        let _ = sampan
            .busybox(&["--network", "bridge", "-h", "ship"], "grep -c 'ship$' /etc/hosts")
            .ok()
            .prints("1\n");
        let id = sampan.background(&[], "hostname; sleep 100");
        sampan.await_log(&id, &id[..12]);
        let _ = sampan.busybox(&["-h", "under_score!"], "true").fails_with(125).says("under_score!");
    });
}

#[test]
fn the_stop_signal_is_sent_first() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script =
            "trap 'echo usr1; exit 4' USR1; trap 'echo term' TERM; echo ready; while :; do sleep 0.05; done";
        for signal in ["USR1", "SIGUSR1", "10"] {
            let id = sampan.background(&["--stop-signal", signal], script);
            sampan.await_log(&id, "ready");
            let _ = sampan.run(["stop", &id]).ok();
            assert_eq!(sampan.field(&id, "{{.State.ExitCode}}"), "4");
            assert!(!sampan.await_log(&id, "usr1").contains("term"));
        }
        let _ =
            sampan.busybox(&["--stop-signal", "NOPE"], "true").fails_with(125).says("NOPE").says("signal");
    });
}

#[test]
fn the_stop_timeout_ends_in_a_kill() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan
            .background(&["--stop-timeout", "1"], "trap '' TERM; echo ready; while :; do sleep 0.05; done");
        sampan.await_log(&id, "ready");
        let stopped = sampan.run(["stop", &id]).ok();
        let seconds = stopped.elapsed.as_secs_f64();
        assert!((1.0..5.0).contains(&seconds), "stopped after {seconds:.1} s");
        assert_eq!(sampan.field(&id, "{{.State.ExitCode}} {{.State.OOMKilled}}"), "137 false");
        let _ = sampan.busybox(&["--stop-timeout", "soon"], "true").fails_with(125).says("soon");
    });
}

#[test]
fn attached_streams_can_be_chosen() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "echo out; echo err >&2; sleep 0.1";
        let _ = sampan.busybox(&["-a", "stdout"], script).ok().prints("out\n").is_quiet();
        let _ = sampan.busybox(&["-a", "stderr"], script).ok().prints("").says("err");
        let _ = sampan.busybox(&["-d", "-a", "stdout"], script).fails_with(125).says("-a").says("-d");
    });
}

#[test]
fn signals_to_run_reach_the_command() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "trap 'echo asked; exit 6' TERM; echo ready; while :; do sleep 0.05; done";
        let running = sampan.command(sampan.run_words(&["--rm"], BUSYBOX, &["sh", "-c", script])).start();
        running.wait_for_stdout("ready");
        rustix::process::kill_process(running.pid(), rustix::process::Signal::TERM).unwrap();
        let _ = running.wait().fails_with(6).shows("asked");
        // Not proxied: run itself ends, the container goes on.
        let words = sampan.run_words(&["--name", "on", "--sig-proxy=false"], BUSYBOX, &["sh", "-c", script]);
        let running = sampan.command(words).start();
        running.wait_for_stdout("ready");
        rustix::process::kill_process(running.pid(), rustix::process::Signal::TERM).unwrap();
        assert_ne!(running.wait().code(), 6);
        assert_eq!(sampan.field("on", "{{.State.Status}}"), "running");
    });
}

#[test]
fn supplementary_groups_are_added() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ =
            sampan.busybox(&["--group-add", "audio", "--group-add", "77"], "id -G").ok().prints("0 29 77\n");
        let _ = sampan.busybox(&["--group-add", "strangers"], "id -G").fails_with(125).says("strangers");
    });
}

#[test]
fn a_hundred_lines_come_in_order() {
    isolated(|sampan| {
        sampan.load_busybox();
        let expected: String = (1..=1000).map(|number| format!("{number}\n")).collect();
        let _ = sampan.busybox(&[], "seq 1 1000").ok().prints(&expected);
        let bytes = sampan.busybox(&[], "head -c 3000000 /dev/zero").ok().stdout_bytes().len();
        assert_eq!(bytes, 3_000_000);
        eventually("the containers are gone", || sampan.names().is_empty());
    });
}
