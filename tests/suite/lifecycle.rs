//! Verbs on containers, and what happens between them with nobody there but the monitor: no daemon.

use std::fs;
use std::thread;
use std::time::Duration;
use tests::census::Census;
use tests::container::BUSYBOX;
use tests::sampan::DEMO_IMAGE;
use tests::{Invocation, Sampan, eventually, isolated};

/// Ends with 5 when asked to, and says what it does.
const POLITE: &str = "trap 'echo asked; exit 5' TERM; echo ready; while :; do sleep 0.05; done";

#[test]
fn create_start_stop_start_rm() {
    isolated(|sampan| {
        sampan.load_busybox();
        let words = ["create", "--network", "none", "--name", "one", BUSYBOX, "sh", "-c", POLITE];
        let id = sampan.run(words).ok().word();
        assert_eq!(sampan.field("one", "{{.State.Status}} {{.State.Pid}}"), "created 0");
        let _ = sampan.run(["start", "one"]).ok().prints("one\n");
        sampan.await_log("one", "ready");
        assert_eq!(sampan.field("one", "{{.State.Status}} {{.State.Running}}"), "running true");
        let _ = sampan.run(["start", &id[..12]]).ok();
        let _ = sampan.run(["rm", "one"]).fails_with(1).says("running").says_one_line();
        let _ = sampan.run(["stop", "one"]).ok().prints("one\n");
        assert_eq!(sampan.field("one", "{{.State.Status}} {{.State.ExitCode}}"), "exited 5");
        let _ = sampan.run(["stop", "one"]).ok();
        let _ = sampan.run(["start", &id]).ok();
        eventually("it runs again", || {
            sampan.run(["logs", "one"]).ok().stdout().matches("ready").count() == 2
        });
        let _ = sampan.run(["rm", "-f", "one"]).ok().prints("one\n");
        let _ = sampan.run(["rm", "one"]).fails_with(1).says("No such container: one").says_one_line();
        let _ = sampan.run(["rm", "--force", "one"]);
    });
}

#[test]
fn start_attached_gives_output_and_code() {
    isolated(|sampan| {
        sampan.load_busybox();
        let words = [
            "create",
            "-i",
            "--network",
            "none",
            "--name",
            "one",
            BUSYBOX,
            "sh",
            "-c",
            "read x; echo got $x; exit 8",
        ];
        let _ = sampan.run(words).ok();
        let _ = sampan
            .command(["start", "--attach", "--interactive", "one"])
            .input("this\n")
            .run()
            .fails_with(8)
            .prints("got this\n");
        let _ = sampan.run(["start", "nobody"]).fails_with(1).says("nobody");
    });
}

#[test]
fn kill_sends_signals() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script =
            "trap 'echo hup' HUP; trap 'echo usr; exit 3' USR1; echo ready; while :; do sleep 0.05; done";
        let _ = sampan.background(&["--name", "one"], script);
        sampan.await_log("one", "ready");
        let _ = sampan.run(["kill", "--signal", "HUP", "one"]).ok().prints("one\n");
        sampan.await_log("one", "hup");
        let _ = sampan.run(["kill", "-s", "SIGUSR1", "one"]).ok();
        sampan.await_status("one", "exited");
        assert_eq!(sampan.field("one", "{{.State.ExitCode}}"), "3");
        let _ = sampan.run(["kill", "one"]).fails_with(1).says("not running");
        let _ = sampan.run(["start", "one"]).ok();
        let _ = sampan.run(["kill", "one"]).ok();
        sampan.await_status("one", "exited");
        assert_eq!(sampan.field("one", "{{.State.ExitCode}}"), "137");
        let _ = sampan.run(["kill", "-s", "NOPE", "one"]).fails_with(1).says("NOPE");
    });
}

#[test]
fn stop_waits_as_long_as_asked() {
    isolated(|sampan| {
        sampan.load_busybox();
        let deaf = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
        for flag in ["--time", "--timeout"] {
            let id = sampan.background(&[], deaf);
            sampan.await_log(&id, "ready");
            let stopped = sampan.run(["stop", flag, "1", &id]).ok();
            assert!((0.9..5.0).contains(&stopped.elapsed.as_secs_f64()), "{stopped}");
            assert_eq!(sampan.field(&id, "{{.State.ExitCode}}"), "137");
        }
        let _ = sampan.run(["stop", "nobody"]).fails_with(1).says("nobody");
    });
}

#[test]
fn stop_takes_another_signal() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&[], "trap 'exit 4' USR2; echo ready; while :; do sleep 0.05; done");
        sampan.await_log(&id, "ready");
        let _ = sampan.run(["stop", "--signal", "USR2", &id]).ok();
        assert_eq!(sampan.field(&id, "{{.State.ExitCode}}"), "4");
    });
}

#[test]
fn restart_stops_and_starts() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "one"], POLITE);
        sampan.await_log("one", "ready");
        let pid = sampan.field("one", "{{.State.Pid}}");
        let _ = sampan.run(["restart", "one"]).ok().prints("one\n");
        assert_ne!(sampan.field("one", "{{.State.Pid}}"), pid);
        assert!(sampan.await_log("one", "asked").contains("ready"));
    });
}

#[test]
fn wait_prints_exit_codes() {
    isolated(|sampan| {
        sampan.load_busybox();
        let one = sampan.background(&[], "sleep 0.3; exit 6");
        let two = sampan.background(&[], "exit 7");
        let _ = sampan.run(["wait", &one, &two]).ok().prints("6\n7\n");
        let _ = sampan.run(["wait", "nobody"]).fails_with(1).says("nobody");
    });
}

#[test]
fn pause_freezes_and_unpause_lets_go() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "one"], "while :; do date +%s%N > /tmp/now; sleep 0.02; done");
        eventually("it runs", || sampan.inside("one", "cat /tmp/now").code() == 0);
        let _ = sampan.run(["pause", "one"]).ok().prints("one\n");
        assert_eq!(sampan.field("one", "{{.State.Status}} {{.State.Paused}}"), "paused true");
        let _ = sampan.inside("one", "true").fails_with(1).says("paused");
        let _ = sampan.run(["ps", "--format", "{{.Status}}"]).ok().shows("(Paused)");
        let _ = sampan.run(["unpause", "one"]).ok().prints("one\n");
        let _ = sampan.inside("one", "true").ok();
        let _ = sampan.run(["unpause", "one"]).fails_with(1).says("not paused");
    });
}

#[test]
fn rename_changes_the_name() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "old"], "sleep 100");
        let _ = sampan.background(&["--name", "other"], "sleep 100");
        let _ = sampan.run(["rename", "old", "new"]).ok();
        assert_eq!(sampan.names(), ["new", "other"]);
        let _ = sampan.run(["rename", "new", "other"]).fails_with(1).says("other").says("already in use");
        let _ = sampan.run(["rename", "new", "b/a/d"]).fails_with(1).says("b/a/d");
    });
}

#[test]
fn logs_show_both_streams_and_parts() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan
            .background(&["--name", "one"], "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done");
        sampan.await_status("one", "exited");
        let outcome = sampan.run(["logs", &id]).ok();
        assert_eq!(outcome.stdout(), "out 1\nout 2\nout 3\nout 4\nout 5\n");
        assert_eq!(outcome.stderr(), "err 1\nerr 2\nerr 3\nerr 4\nerr 5\n");
        let tail = sampan.run(["logs", "--tail", "3", "one"]).ok();
        assert_eq!(tail.stdout().lines().count() + tail.stderr().lines().count(), 3, "{tail}");
        let _ = sampan.run(["logs", "-n", "0", "one"]).ok().prints("").is_quiet();
        let stamped = sampan.run(["logs", "--timestamps", "one"]).ok().stdout();
        let stamp = stamped.split(' ').next().unwrap();
        assert!(stamp.len() == 30 && stamp.ends_with('Z') && stamp.contains('T'), "{stamp}");
        let _ = sampan.run(["logs", "--since", "1h", "one"]).ok().shows("out 1");
        let _ = sampan.run(["logs", "--until", "1h", "one"]).ok().prints("");
        let _ = sampan.run(["logs", "--since", "yesterday-ish", "one"]).fails_with(1).says("yesterday-ish");
        let _ =
            sampan.run(["logs", "nobody"]).fails_with(1).says("No such container: nobody").says_one_line();
    });
}

#[test]
fn logs_follow_until_the_end() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan
            .background(&["--name", "one"], "echo first; sleep 0.4; echo second; sleep 0.4; echo third");
        let following = sampan.command(["logs", "--follow", "one"]).start();
        following.wait_for_stdout("first");
        following.wait_for_stdout("second");
        let _ = following.wait().ok().prints("first\nsecond\nthird\n");
        // Of one that has ended, follow is done at once.
        let _ = sampan.run(["logs", "-f", "one"]).ok().prints("first\nsecond\nthird\n");
    });
}

#[test]
fn logs_follow_over_a_restart() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan
            .background(&["--name", "one", "--restart", "on-failure:1"], "echo begun; sleep 0.2; exit 1");
        let following = sampan.command(["logs", "-f", "one"]).start();
        let _ = following.wait().ok().prints("begun\nbegun\n");
    });
}

#[test]
fn exec_runs_beside_the_command() {
    isolated(|sampan| {
        sampan.load_busybox();
        let options = ["--name", "one", "-e", "FROM_RUN=1", "-w", "/home", "-u", "user"];
        let _ = sampan.background(&options, "sleep 100");
        let _ = sampan
            .inside("one", "id -u; pwd; echo $FROM_RUN; cat /proc/1/comm")
            .ok()
            .prints("1000\n/home\n1\nsleep\n");
        let exec = |words: &[&'static str]| sampan.run(["exec"].iter().chain(words).copied());
        let _ = exec(&["-u", "root", "-w", "/etc", "-e", "X=2", "one", "sh", "-c", "id -u; pwd; echo $X"])
            .ok()
            .prints("0\n/etc\n2\n");
        let _ = exec(&["one", "sh", "-c", "exit 9"]).fails_with(9).is_quiet();
        let _ = exec(&["one", "nonexistent"]).fails_with(127).says("nonexistent");
        let _ = exec(&["one", "/etc"]).fails_with(126).says("/etc");
        let _ = exec(&["nobody", "true"]).fails_with(1).says("No such container: nobody");
        let _ = sampan.command(["exec", "-i", "one", "cat"]).input("through").run().ok().prints("through");
        let _ = exec(&["--detach", "-u", "root", "one", "sh", "-c", "echo done > /tmp/x"]).ok().prints("");
        eventually("the detached command ran", || exec(&["one", "cat", "/tmp/x"]).stdout() == "done\n");
        let _ = exec(&[
            "--privileged",
            "-u",
            "root",
            "one",
            "sh",
            "-c",
            "mount -t tmpfs x /mnt 2>/dev/null || mkdir /mnt && mount -t tmpfs x /mnt",
        ])
        .ok();
        let _ = sampan.run(["stop", "-t", "0", "one"]).ok();
        let _ = exec(&["one", "true"]).fails_with(1).says("not running");
    });
}

#[test]
fn exec_has_the_containers_limits_and_nothing_of_the_hosts() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&["--cap-drop", "ALL", "--pids-limit", "20"], "sleep 100");
        let status = "grep -E '^(CapEff|Seccomp):' /proc/self/status | cut -f2";
        let _ = sampan.inside(&id, status).ok().prints("0000000000000000\n2\n");
        let own = sampan.inside(&id, "cat /proc/1/cgroup").ok().stdout();
        let _ = sampan.inside(&id, "cat /proc/self/cgroup").ok().prints(&own);
        let _ = sampan.inside(&id, "ls /proc/self/fd").ok().prints("0\n1\n2\n3\n");
    });
}

#[test]
fn attach_sees_what_comes() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(
            &["-i", "--name", "one"],
            "while read x; do echo got $x; [ $x = end ] && exit 4; done",
        );
        let attached = sampan.command(["attach", "one"]).input("first\nend\n").start();
        let _ = attached.wait().fails_with(4).prints("got first\ngot end\n");
        let _ = sampan.run(["attach", "one"]).fails_with(1).says("stopped container");
    });
}

#[test]
fn top_tells_of_processes() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "one"], "sleep 123");
        let table = sampan.run(["top", "one"]).ok().stdout();
        let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]);
        let pid = sampan.field("one", "{{.State.Pid}}");
        assert_eq!((lines[1][0], lines[1][1]), ("root", pid.as_str()));
        assert!(lines[1].ends_with(&["sleep", "123"]), "{table}");
        // Options are those of the host's ps.
        let chosen = sampan.run(["top", "one", "-o", "pid,args"]).ok().stdout();
        assert!(
            chosen.starts_with("PID ") && chosen.contains("COMMAND") && chosen.contains("sleep 123"),
            "{chosen}"
        );
        let _ = sampan.run(["top", "one", "-o", "args"]).fails_with(1).says("PID");
        let _ = sampan.run(["port", "one"]).ok().prints("");
    });
}

#[test]
fn events_tell_the_life_of_a_container() {
    isolated(|sampan| {
        sampan.load_busybox();
        let following =
            sampan.command(["events", "--filter", "type=container", "--format", "{{.Action}}"]).start();
        thread::sleep(Duration::from_millis(300));
        let id = sampan.background(&["--name", "one"], POLITE);
        sampan.await_log("one", "ready");
        let _ = sampan.inside("one", "true").ok();
        let _ = sampan.run(["stop", "one"]).ok();
        let _ = sampan.run(["rm", "one"]).ok();
        following.wait_for_stdout("destroy");
        let seen = following.stdout_so_far();
        let actions: Vec<&str> = seen.lines().filter(|line| !line.starts_with("exec_")).collect();
        assert_eq!(actions, ["create", "start", "kill", "die", "stop", "destroy"], "{seen}");
        drop(following);
        let past = |filter: &str| {
            sampan.run(["events", "--since", "1h", "--until", "0s", "--filter", filter]).ok().stdout()
        };
        assert!(past("event=die").contains("exitCode=5"), "{}", past("event=die"));
        assert!(past(&format!("container={id}")).lines().count() >= 6);
        let line = sampan
            .run(["events", "--since", "1h", "--until", "0s", "--filter", "event=create", "--format", "json"])
            .ok();
        let event = line.json();
        assert_eq!(
            (&event["Type"], &event["Action"], &event["Actor"]["Attributes"]["name"]),
            (&"container".into(), &"create".into(), &"one".into())
        );
    });
}

#[test]
fn a_failing_command_is_restarted_as_often_as_said() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "one", "--restart", "on-failure:3"], "echo run; exit 2");
        eventually("it has given up", || {
            sampan.field("one", "{{.State.Status}} {{.RestartCount}}") == "exited 3"
        });
        assert_eq!(sampan.run(["logs", "one"]).ok().stdout(), "run\n".repeat(4));
        assert_eq!(sampan.field("one", "{{.State.ExitCode}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}"), "2 on-failure 3");
        let _ = sampan.background(&["--name", "well", "--restart", "on-failure"], "echo run");
        sampan.await_status("well", "exited");
        assert_eq!(sampan.field("well", "{{.RestartCount}}"), "0");
    });
}

#[test]
fn always_restarts_until_somebody_stops_it() {
    isolated(|sampan| {
        sampan.load_busybox();
        for policy in ["always", "unless-stopped"] {
            let _ = sampan.background(&["--name", policy, "--restart", policy], "echo run; sleep 0.05");
            eventually("it runs again", || {
                sampan.field(policy, "{{.RestartCount}}").parse::<u32>().unwrap() >= 2
            });
            let _ = sampan.run(["stop", "-t", "0", policy]).ok();
            assert_eq!(sampan.field(policy, "{{.State.Status}}"), "exited");
            thread::sleep(Duration::from_millis(300));
            assert_eq!(sampan.field(policy, "{{.State.Status}}"), "exited");
            let _ = sampan.run(["start", policy]).ok();
            let _ = sampan.run(["rm", "-f", policy]).ok();
        }
        let refused = |options: &[&str], word: &str| {
            let _ = sampan.busybox(options, "true").fails_with(125).says(word);
        };
        refused(&["--restart", "sometimes"], "sometimes");
        refused(&["--restart", "always:3"], "always");
        refused(&["--restart", "on-failure:many"], "many");
        refused(&["--restart", "always"], "--rm");
    });
}

#[test]
fn a_kill_by_the_user_ends_a_restarted_container() {
    isolated(|sampan| {
        sampan.load_busybox();
        for signal in ["KILL", "TERM"] {
            let script = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done";
            let _ = sampan.background(&["--name", "one", "--restart", "always"], script);
            sampan.await_log("one", "ready");
            let _ = sampan.run(["kill", "--signal", signal, "one"]).ok();
            // Ends, and does not come back: a restart would make it wait for ever.
            let _ = sampan.run(["wait", "one"]).ok();
            assert_eq!(sampan.field("one", "{{.State.Status}} {{.RestartCount}}"), "exited 0", "{signal}");
            let _ = sampan.run(["rm", "one"]).ok();
        }
        // A reload leaves the policy on.
        let script = "trap 'echo reloaded' USR1; echo ready; while :; do sleep 0.05; done";
        let _ = sampan.background(&["--name", "two", "--restart", "always"], script);
        sampan.await_log("two", "ready");
        let _ = sampan.run(["kill", "--signal", "USR1", "two"]).ok();
        sampan.await_log("two", "reloaded");
        let _ = Invocation::new("kill", ["-9", &sampan.field("two", "{{.State.Pid}}")]).run().ok();
        eventually("it is restarted", || sampan.field("two", "{{.RestartCount}}") == "1");
    });
}

#[test]
fn a_killed_command_is_restarted() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "one", "--restart", "always"], "echo run; sleep 100");
        sampan.await_log("one", "run");
        let first = sampan.field("one", "{{.State.Pid}}");
        let _ = Invocation::new("kill", ["-9", &first]).run().ok();
        eventually("another process runs", || {
            let pid = sampan.field("one", "{{.State.Pid}}");
            pid != first && pid != "0"
        });
        assert_eq!(sampan.field("one", "{{.RestartCount}}"), "1");
    });
}

/// As with Docker: whoever kills a container by the verb wants it to end.
#[test]
fn policy_does_not_undo_a_kill() {
    isolated(|sampan| {
        sampan.load_busybox();
        let options = ["--restart", "always", "--name", "one"];
        let script = "trap 'exit 6' TERM; trap 'exit 7' USR1; echo ready; while :; do sleep 0.05; done";
        let _ = sampan.background(&options, script);
        let await_ready = |count| {
            eventually("it is ready", || {
                sampan.run(["logs", "one"]).stdout().matches("ready").count() == count
            });
        };
        await_ready(1);
        // It has ended when the verb returns.
        let _ = sampan.run(["kill", "one"]).ok();
        assert_eq!(sampan.field("one", "{{.State.Status}} {{.State.ExitCode}}"), "exited 137");
        let _ = sampan.run(["start", "one"]).ok();
        await_ready(2);
        let _ = sampan.run(["kill", "--signal", "TERM", "one"]).ok();
        sampan.await_status("one", "exited");
        assert_eq!(sampan.field("one", "{{.State.ExitCode}} {{.RestartCount}}"), "6 0");
        // Another signal is no wish to end it.
        let _ = sampan.run(["start", "one"]).ok();
        await_ready(3);
        let _ = sampan.run(["kill", "--signal", "USR1", "one"]).ok();
        await_ready(4);
        // Between two starts, too.
        let _ = sampan.background(&["--restart", "always", "--name", "two"], "exit 1");
        eventually("it waits for its next start", || {
            sampan.field("two", "{{.State.Status}}") == "restarting"
                && sampan.run(["kill", "two"]).code() == 0
        });
        assert_eq!(sampan.field("two", "{{.State.Status}}"), "exited");
    });
}

#[test]
fn a_detached_container_removes_itself() {
    isolated(|sampan| {
        sampan.load_busybox();
        // The first one makes what stays of the instance.
        let _ = sampan.busybox(&[], "true").ok();
        let before = sampan.census();
        let id = sampan.background(&["--rm"], "sleep 0.2");
        assert_eq!(sampan.field(&id, "{{.HostConfig.AutoRemove}}"), "true");
        eventually("it has removed itself", || sampan.run(["ps", "-aq"]).ok().word().is_empty());
        sampan.require_no_leak_since(&before, Census::without_store);
    });
}

/// Everything of a boot: no process, no link, no rule, no control group, nothing in the exec root, another boot id.
pub(crate) fn reboot(sampan: &Sampan, number: u32) {
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let ours = ["sampan-runtime", "sleep", "while", "echo"].iter().any(|word| line.contains(word));
        if ours && !line.starts_with("unshare") {
            let _ = Invocation::new("kill", ["-9", &pid.to_string()]).run();
        }
    }
    let running = || {
        fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            fs::read(entry.path().join("cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains("sleep"))
        })
    };
    eventually("the processes have ended", || !running());
    eventually("the control groups are gone", || {
        let mut groups: Vec<String> =
            tests::census::cgroup::all_of_instance(&sampan.data_root()).into_iter().collect();
        groups.sort_by_key(|path| std::cmp::Reverse(path.len()));
        groups.iter().all(|path| fs::remove_dir(path).is_ok())
    });
    let _ = Invocation::new("sh", ["-c", "ip -o link | cut -d: -f2 | cut -d@ -f1 | grep -v lo | xargs -rn1 ip link delete; nft flush ruleset"]).run();
    for line in fs::read_to_string("/proc/self/mountinfo").unwrap().lines().rev() {
        let point = line.split(' ').nth(4).unwrap();
        if point.starts_with(sampan.directory().to_str().unwrap()) {
            let _ = Invocation::new("umount", ["--lazy", point]).run().ok();
        }
    }
    fs::remove_dir_all(sampan.exec_root()).unwrap();
    let boot_id = sampan.directory().join("boot-id");
    fs::write(&boot_id, format!("00000000-0000-4000-8000-{number:012}\n")).unwrap();
    if number == 1 {
        let to = "/proc/sys/kernel/random/boot_id";
        let _ = Invocation::new("mount", ["--bind", boot_id.to_str().unwrap(), to]).run().ok();
    }
}

/// dockerd's truth table: what runs after a boot, by policy and by who ended it before.
#[test]
fn a_boot_starts_what_policy_wants() {
    isolated(|sampan| {
        sampan.load_busybox();
        for policy in ["no", "always", "unless-stopped", "on-failure"] {
            let _ = sampan.background(
                &["--name", &format!("running-{policy}"), "--restart", policy],
                "echo run; sleep 100",
            );
            let stopped = format!("stopped-{policy}");
            let _ = sampan.background(&["--name", &stopped, "--restart", policy], "echo run; sleep 100");
            let _ = sampan.run(["stop", "-t", "0", &stopped]).ok();
        }
        let _ = sampan.background(&["--name", "gone", "--rm"], "sleep 100");
        let _ =
            sampan.run(["create", "--name", "created-always", "--restart", "always", BUSYBOX, "true"]).ok();
        reboot(sampan, 1);
        // Reading changes nothing, and tells the truth.
        assert_eq!(sampan.field("running-always", "{{.State.Status}} {{.State.Running}}"), "exited false");
        let _ = sampan.run(["ps", "-q"]).ok().prints("");
        let _ = sampan.run(["system", "boot"]).ok();
        let mut up: Vec<String> =
            sampan.run(["ps", "--format", "{{.Names}}"]).ok().stdout().lines().map(String::from).collect();
        up.sort();
        // What a reboot killed did not end with 0: on-failure wants it, as dockerd does.
        let expected = [
            "running-always",
            "running-on-failure",
            "running-unless-stopped",
            "stopped-always",
            "stopped-on-failure",
        ];
        assert_eq!(
            up.iter().map(String::as_str).filter(|name| *name != "created-always").collect::<Vec<_>>(),
            expected
        );
        assert!(!sampan.names().contains(&String::from("gone")), "a container with --rm is still there");
        eventually("both runs are in the log", || {
            sampan.run(["logs", "running-always"]).ok().stdout() == "run\nrun\n"
        });
        let _ = sampan.run(["system", "check"]).ok();
        let _ = Invocation::new("umount", ["/proc/sys/kernel/random/boot_id"]).run().ok();
    });
}

#[test]
fn a_published_port_and_a_volume_come_back_after_a_boot() {
    isolated(|sampan| {
        sampan.load_busybox();
        let script = "echo run >> /data/log; echo hello > /tmp/index.html; httpd -p 80 -h /tmp; sleep 100";
        let _ = sampan.background(
            &["--name", "one", "--restart", "always", "-p", "44000:80", "-v", "data:/data"],
            script,
        );
        let answers = || crate::network::fetch(std::net::Ipv4Addr::LOCALHOST, 44000).is_some();
        eventually("it answers", answers);
        reboot(sampan, 1);
        assert!(!answers());
        let _ = sampan.run(["system", "boot"]).ok();
        eventually("it answers again", answers);
        let _ = sampan.inside("one", "cat /data/log").ok().prints("run\nrun\n");
        let _ = Invocation::new("umount", ["/proc/sys/kernel/random/boot_id"]).run().ok();
    });
}

#[test]
fn a_lost_monitor_is_replaced() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "one"], "while :; do echo tick; sleep 0.1; done");
        sampan.await_log("one", "tick");
        let pid = sampan.field("one", "{{.State.Pid}}");
        kill_monitor_of(&pid);
        // The container goes on; reading tells so and repairs nothing.
        let _ = sampan.run(["ps", "-q"]).ok();
        assert!(fs::exists(format!("/proc/{pid}")).unwrap(), "the container died with its monitor");
        let _ = sampan.inside("one", "true").ok();
        assert_eq!(sampan.field("one", "{{.State.Pid}}"), pid);
        let before = sampan.run(["logs", "one"]).ok().stdout().len();
        eventually("the log goes on", || sampan.run(["logs", "one"]).ok().stdout().len() > before);
        let _ = sampan.run(["stop", "-t", "1", "one"]).ok();
        assert_eq!(sampan.field("one", "{{.State.Status}}"), "exited");
    });
}

#[test]
fn check_finds_and_repairs_a_lost_monitor() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "one", "--network", "bridge"], "sleep 100");
        let pid = sampan.field("one", "{{.State.Pid}}");
        kill_monitor_of(&pid);
        let _ = Invocation::new("kill", ["-9", &pid]).run().ok();
        let found = sampan.run(["system", "check"]);
        assert_ne!(found.code(), 0, "{found}");
        let _ = sampan.run(["system", "check", "--repair"]);
        let _ = sampan.run(["system", "check"]).ok();
        assert_eq!(sampan.field("one", "{{.State.Status}}"), "exited");
    });
}

/// Kills the parent of the container's first process.
fn kill_monitor_of(pid: &str) {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let parent = stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().to_owned();
    let line = fs::read_to_string(format!("/proc/{parent}/cmdline")).unwrap();
    assert!(line.contains("monitor"), "the parent of {pid} is {parent}: {line:?}");
    let _ = Invocation::new("kill", ["-9", &parent]).run().ok();
    eventually("the monitor has ended", || {
        !fs::read_to_string(format!("/proc/{parent}/stat")).is_ok_and(|stat| !stat.contains(") Z"))
    });
}

#[test]
fn the_caller_may_go_away() {
    isolated(|sampan| {
        sampan.load_busybox();
        let words = sampan.run_words(
            &["--name", "one"],
            BUSYBOX,
            &["sh", "-c", "echo ready; sleep 0.5; echo later; sleep 100"],
        );
        let running = sampan.command(words).start();
        running.wait_for_stdout("ready");
        // Dropping kills the command as the shell's kill -9 does.
        drop(running);
        assert_eq!(sampan.field("one", "{{.State.Status}}"), "running");
        sampan.await_log("one", "later");
    });
}

#[test]
fn prune_removes_what_is_not_used() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.run(sampan.run_words(&["--name", "ended"], DEMO_IMAGE, &["true"])).ok();
        let _ = sampan.background(&["--name", "up"], "sleep 100");
        let _ = sampan.command(["system", "prune"]).input("n\n").run().shows("WARNING!");
        assert_eq!(sampan.names(), ["ended", "up"]);
        let _ = sampan.run(["system", "prune", "--force"]).ok().shows("Total reclaimed space");
        assert_eq!(sampan.names(), ["up"]);
        let _ = sampan.run(["system", "prune", "--all", "--force"]).ok();
        let _ = sampan.run(["image", "inspect", BUSYBOX]).ok();
    });
}

#[test]
fn df_counts_what_is_stored() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan
            .background(&["--name", "one", "-v", "data:/data"], "head -c 2000000 /dev/zero > /x; sleep 100");
        let table = sampan.run(["system", "df"]).ok().stdout();
        for kind in ["TYPE", "Images", "Containers", "Local Volumes"] {
            assert!(table.contains(kind), "no {kind} in\n{table}");
        }
        eventually("the container's two megabytes are counted", || {
            sampan
                .run(["system", "df", "--format", "{{.Type}} {{.Size}}"])
                .ok()
                .stdout()
                .contains("Containers 2")
        });
    });
}
