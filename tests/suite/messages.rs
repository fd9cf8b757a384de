//! What is said to a person: complaints about what was typed, names, templates, documents.

use tests::container::BUSYBOX;
use tests::isolated;

#[test]
fn complaints_about_what_was_typed_show_the_usage() {
    isolated(|sampan| {
        let told = |words: &[&str], code: i32| sampan.run(words).fails_with(code).prints("").stderr();
        let run = "\n\nUsage:  sampan run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\n\
                   Run 'sampan run --help' for more information\n";
        assert_eq!(told(&["run", "--foo", "x"], 125), format!("sampan: unknown flag: --foo{run}"));
        assert_eq!(told(&["run", "--memory"], 125), format!("sampan: flag needs an argument: --memory{run}"));
        assert_eq!(told(&["run"], 1), format!("sampan: 'sampan run' requires at least 1 argument{run}"));
        let group = "\n\nUsage:  sampan volume COMMAND\n\nRun 'sampan volume --help' for more information\n";
        assert_eq!(
            told(&["volume", "frob"], 1),
            format!("sampan: unknown command: sampan volume frob{group}")
        );
        let program =
            "\n\nUsage:  sampan [OPTIONS] COMMAND [ARG...]\n\nRun 'sampan --help' for more information\n";
        assert_eq!(told(&["--frob"], 125), format!("sampan: unknown flag: --frob{program}"));
        assert_eq!(
            told(&["imags"], 1),
            "sampan: unknown command: sampan imags (did you mean sampan images?)\n\n\
             Run 'sampan --help' for more information\n"
        );
    });
}

#[test]
fn h_alone_means_help_where_it_is_no_flag() {
    isolated(|sampan| {
        let _ = sampan.run(["-h"]).ok().shows("Usage:  sampan [OPTIONS] COMMAND").is_quiet();
        let _ = sampan.run(["ps", "-h"]).ok().shows("Usage:  sampan ps [OPTIONS]").is_quiet();
        let _ = sampan.demo(&["-h", "boat"], &["env"]).ok().shows("HOSTNAME=boat");
    });
}

#[test]
fn what_docker_has_and_this_version_has_not_is_no_typing_mistake() {
    isolated(|sampan| {
        for words in [&["swarm"][..], &["service", "ls"]] {
            let _ = sampan.run(words).fails_with(1).says("is not in this version of sampan").says_one_line();
        }
    });
}

#[test]
fn what_is_missing_is_called_by_its_kind() {
    isolated(|sampan| {
        for (words, told) in [
            (&["inspect", "x"][..], "sampan: No such object: x\n"),
            (&["inspect", "x", "y"], "sampan: No such object: x\nsampan: No such object: y\n"),
            (&["container", "inspect", "x"], "sampan: No such container: x\n"),
            (&["image", "inspect", "x"], "sampan: No such image: x\n"),
            (&["inspect", "--type", "volume", "x"], "sampan: No such volume: x\n"),
        ] {
            assert_eq!(sampan.run(words).fails_with(1).prints("[]\n").stderr(), told);
        }
    });
}

#[test]
fn a_field_that_is_not_there_is_a_mistake() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "one", "--label", "a=1"], "sleep 100");
        let inspect = |format: &str| sampan.run(["inspect", "--format", format, "one"]);
        for (format, told) in [
            ("{{.Foo}}", "map has no entry for key \"Foo\""),
            ("{{.State.Statsu}}", "map has no entry for key \"Statsu\" (did you mean Status?)"),
            ("{{.State.Health.Status}}", "map has no entry for key \"Status\""),
            ("{{.Name.First}}", "can't evaluate field First in type string"),
        ] {
            let _ = inspect(format).fails_with(1).prints("").says(told).says_one_line();
        }
        let _ = inspect("{{").fails_with(64).says("unclosed action");
        // A key of a map that people fill is no mistake, and neither is a field that Docker's JSON leaves out.
        let _ = inspect("{{.Config.Labels.b}}|{{index .Config.Labels \"b\"}}").ok().prints("<no value>|\n");
        let _ = inspect("{{.Config.ExposedPorts}} {{len .HostConfig.Sysctls}}").ok().prints("map[] 0\n");
        let _ = inspect("{{.ID}}").ok().shows(&sampan.field("one", "{{.Id}}"));
        let _ = sampan.run(["version", "--format", "{{.Foo}}"]).fails_with(1).says("Foo");
        let _ = sampan.run(["info", "--format", "{{.Foo}}"]).fails_with(1).says("Foo");
        // Lists say what there is, also when they are empty.
        let list = |words: &[&str]| sampan.run(words).fails_with(1).prints("").says("no field \"Foo\"");
        let _ = list(&["ps", "--format", "{{.Foo}}"]).says("there are: Command, CreatedAt, ID,");
        let _ = list(&["ps", "--filter", "name=nobody", "--format", "table {{.Foo}}"]);
        let _ = list(&["volume", "ls", "--format", "{{.Foo}}"]).says("there are: ");
        let _ = sampan.run(["ps", "--format", "{{.Label \"b\"}}|{{.Label \"a\"}}"]).ok().prints("|1\n");
    });
}

#[test]
fn inspect_keeps_dockers_order() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "one"], "sleep 100");
        let text = sampan.run(["inspect", "one"]).ok().stdout();
        let fields: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("        \"")?.split('"').next())
            .take(5)
            .collect();
        assert_eq!(fields, ["Id", "Created", "Path", "Args", "State"]);
        assert!(text.starts_with("[\n    {\n        \"Id\": \"") && text.ends_with("    }\n]\n"), "{text}");
        let line = sampan.run(["inspect", "--format", "json", "one", BUSYBOX]).ok();
        assert!(line.stdout().starts_with("[{\"Id\":\"") && line.stdout().lines().count() == 1, "{line}");
        assert_eq!(line.json().as_array().unwrap().len(), 2);
    });
}

#[test]
fn what_was_asked_for_comes_first_in_the_environment() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "one", "-e", "ZED=1", "-e", "ALPHA=2"], "sleep 100");
        assert_eq!(sampan.field("one", "{{.Config.Env}}"), "[ZED=1 ALPHA=2 PATH=/bin]");
    });
}

#[test]
fn containers_are_called_as_they_were_typed() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--name", "one"], "sleep 100");
        let _ = sampan.run(["unpause", "one"]).fails_with(1).says("container one is not paused");
        let _ = sampan.run(["pause", "one"]).ok();
        let _ = sampan.run(["pause", "one"]).fails_with(1).says("container one is already paused");
        let _ = sampan.run(["exec", "one", "true"]).fails_with(1).says("container one is paused");
        let _ = sampan.run(["rm", "--force", "one"]).ok();
        let _ = sampan.run(["create", "--name", "two", BUSYBOX]).ok();
        for verb in ["kill", "pause", "top"] {
            let _ = sampan.run([verb, "two"]).fails_with(1).says("container two is not running");
        }
        let _ = sampan.run(["exec", "two", "true"]).fails_with(1).says("container two is not running");
    });
}

#[test]
fn no_server_has_no_api_version() {
    isolated(|sampan| {
        let text = sampan.run(["version"]).ok().stdout();
        assert!(!text.contains("API") && text.contains("works without a daemon"), "{text}");
        let _ = sampan.run(["version", "--format", "{{.Server.APIVersion}}|"]).ok().prints("|\n");
    });
}

#[test]
fn helps_fit_a_small_terminal() {
    isolated(|sampan| {
        let help = sampan.run(["--help"]).ok().stdout();
        let wide: Vec<&str> = help.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{wide:?}");
    });
}

#[test]
fn a_reason_is_said_once_and_in_words() {
    isolated(|sampan| {
        let told = sampan.run(["load", "--input", "/nonexistent"]).fails_with(1).stderr();
        assert_eq!(told, "sampan: cannot read /nonexistent: No such file or directory\n");
    });
}

#[test]
fn images_in_use_leave_nothing_to_reclaim() {
    isolated(|sampan| {
        sampan.load_busybox();
        let images = || {
            let rows = sampan.run(["system", "df", "--format", "{{.Type}} {{.Size}} {{.Reclaimable}}"]).ok();
            rows.stdout().lines().find(|row| row.starts_with("Images ")).map(String::from).unwrap()
        };
        // Layers and blobs, on both sides.
        let unused = images();
        let words: Vec<&str> = unused.split(' ').collect();
        assert_eq!((words[1], words[3]), (words[2], "(100%)"), "{unused}");
        let _ = sampan.background(&[], "sleep 100");
        assert!(images().ends_with(" 0B (0%)"), "{}", images());
    });
}

#[test]
fn a_temporary_file_system_is_no_nameless_mount() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["-v", "data:/data", "--tmpfs", "/t"], "sleep 100");
        let _ = sampan.run(["ps", "--format", "{{.Mounts}}|"]).ok().prints("data|\n");
    });
}

#[test]
fn what_happens_to_images_is_told() {
    isolated(|sampan| {
        sampan.load_busybox();
        let root = tests::fixture::busybox_root();
        let _ = sampan.run(["import", root.to_str().unwrap(), "tool"]).ok();
        let _ = sampan.run(["tag", "tool", "other"]).ok();
        let format = "{{.Type}} {{.Action}} {{.Actor.Attributes.name}}";
        let told =
            sampan.run(["events", "--since", "10m", "--until", "0s", "--format", format]).ok().stdout();
        let told: Vec<&str> = told.lines().collect();
        let id = sampan.field("tool", "{{.Id}}");
        let import = format!("image import {id}");
        assert_eq!(
            told,
            ["image load busybox:latest", &import, "image tag tool:latest", "image tag other:latest"]
        );
    });
}

#[test]
fn a_name_of_one_letter_is_told_why_not() {
    isolated(|sampan| {
        let words = ["create", "--name", "x", tests::sampan::DEMO_IMAGE];
        let _ = sampan.run(words).fails_with(1).says("(x)").says("two characters or more").says_one_line();
    });
}

#[test]
fn conflicting_flags_are_both_named() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.run(["create", "--name", "web", "--network", "none", "busybox"]).ok();
        for (verb, flags, code, named) in [
            ("run", &["--rm", "--restart", "always"][..], 125, &["--restart", "--rm"][..]),
            ("run", &["-d", "-a", "stdout"], 125, &["--attach", "--detach"]),
            ("run", &["--no-healthcheck", "--health-cmd", "x"], 125, &["--no-healthcheck", "--health-"]),
            ("run", &["--cpus", "1", "--cpu-quota", "1000"], 125, &["Nano CPUs", "CPU Period or Quota"]),
            (
                "create",
                &["--network", "container:web", "-p", "80"],
                1,
                &["port publishing", "container type network"],
            ),
            ("create", &["--network", "container:web", "-h", "x"], 1, &["hostname", "network mode"]),
            (
                "create",
                &["--network", "container:web", "--link", "web"],
                1,
                &["container type network", "links"],
            ),
            ("create", &["--network", "host", "--link", "web"], 1, &["host type networking", "links"]),
            ("create", &["--uts", "host", "-h", "x"], 1, &["hostname", "UTS mode"]),
        ] {
            let words = [verb].iter().chain(flags).chain(&["busybox", "true"]).copied().collect::<Vec<_>>();
            let mut outcome = sampan.run(words).fails_with(code).prints("").says_one_line();
            for text in named {
                outcome = outcome.says(text);
            }
        }
        let _ = sampan.run(["ps", "-a", "--format", "{{.Names}}"]).ok().prints("web\n");
        // No conflict: the one is for the end, the other for now.
        let _ = sampan.run(["run", "-d", "--rm", "--network", "none", "busybox", "true"]).ok();
        let words = ["create", "--network", "host", "-p", "80:80", "busybox"];
        let _ = sampan
            .run(words)
            .ok()
            .says("WARNING: Published ports are discarded when using host network mode");
    });
}
