//! `ps`, `images`, `inspect`, `info`, `version`: Docker's tables, templates and filters.

use tests::container::BUSYBOX;
use tests::isolated;
use tests::sampan::DEMO_IMAGE;

#[test]
fn ps_prints_dockers_table() {
    isolated(|sampan| {
        sampan.load_busybox();
        let header = "CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n";
        let _ = sampan.run(["ps"]).ok().prints(header);
        let id = sampan.background(&["--name", "one"], "sleep 100");
        let table = sampan.run(["ps"]).ok().stdout();
        let row = table.lines().nth(1).unwrap();
        for part in [&id[..12], "busybox", "\"sh -c 'sleep 100'\"", "Less than a second ago", "Up", "one"] {
            let part = if part.starts_with("Less") { "ago" } else { part };
            assert!(row.contains(part), "no {part:?} in {row:?}");
        }
        let _ =
            sampan.run(sampan.run_words(&["--name", "two"], BUSYBOX, &["sh", "-c", "exit 3"])).fails_with(3);
        assert_eq!(sampan.run(["ps", "-q"]).ok().stdout().lines().count(), 1);
        let _ = sampan.run(["ps", "--all"]).ok().shows("Exited (3) ");
        assert_eq!(sampan.run(["ps", "-l", "--format", "{{.Names}}"]).ok().stdout(), "two\n");
        assert_eq!(sampan.run(["ps", "--last", "1", "--format", "{{.Names}}"]).ok().stdout(), "two\n");
        let _ = sampan.run(["ps", "--no-trunc", "-q"]).ok().prints(&format!("{id}\n"));
        let _ = sampan.run(["container", "ls", "-q"]).ok().prints(&format!("{}\n", &id[..12]));
        let _ = sampan.run(["ps", "-s", "--format", "{{.Size}}"]).ok().shows("(virtual ");
    });
}

#[test]
fn ps_takes_templates() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(&["--name", "one", "--label", "a=1"], "sleep 100");
        let ps = |format: &str| sampan.run(["ps", "--no-trunc", "--format", format]).ok().stdout();
        assert_eq!(ps("{{.ID}}|{{.Names}}|{{.Image}}|{{.State}}"), format!("{id}|one|busybox|running\n"));
        assert_eq!(ps("{{.Label \"a\"}} {{.Labels}}"), "1 a=1\n");
        assert_eq!(ps("table {{.Names}}\t{{.State}}"), "NAMES     STATE\none       running\n");
        assert_eq!(ps("{{json .Names}} {{upper .State}}"), "\"one\" RUNNING\n");
        let row: serde_json::Value = serde_json::from_str(&ps("json")).unwrap();
        assert_eq!(
            (&row["Names"], &row["State"], &row["ID"]),
            (&"one".into(), &"running".into(), &id.into())
        );
        let _ = sampan.run(["ps", "--format", "{{"]).says("template");
    });
}

#[test]
fn ps_takes_filters() {
    isolated(|sampan| {
        sampan.load_busybox();
        let first = sampan.background(&["--name", "first", "--label", "tier=web"], "sleep 100");
        let _ = sampan.run(sampan.run_words(
            &["--name", "second", "-v", "data:/d"],
            BUSYBOX,
            &["sh", "-c", "exit 3"],
        ));
        let _ = sampan.run(["create", "--name", "third", DEMO_IMAGE, "true"]).ok();
        let matching = |filters: &[&str]| {
            let words = filters.iter().flat_map(|filter| ["--filter", filter]);
            let listed =
                sampan.run(["ps", "-a", "--format", "{{.Names}}"].into_iter().chain(words)).ok().stdout();
            let mut names: Vec<String> = listed.lines().map(String::from).collect();
            names.sort();
            names.join(" ")
        };
        for (filters, expected) in [
            (&["name=ir"][..], "first third"),
            (&["name=^/?first$"], "first"),
            (&[&format!("id={}", &first[..8])], "first"),
            (&["status=running"], "first"),
            (&["status=exited"], "second"),
            (&["status=created"], "third"),
            (&["status=exited", "status=created"], "second third"),
            (&["exited=3"], "second"),
            (&["exited=0"], ""),
            (&["label=tier=web"], "first"),
            (&["label=tier", "status=exited"], ""),
            (&["ancestor=busybox"], "first second"),
            (&["volume=data"], "second"),
            (&["since=first"], "second third"),
            (&["before=second"], "first"),
            (&["network=none"], "first second"),
        ] {
            assert_eq!(matching(filters), expected, "{filters:?}");
        }
        let _ = sampan.run(["ps", "--filter", "colour=red"]).fails_with(1).says("colour");
        let _ = sampan.run(["ps", "--filter", "status=asleep"]).fails_with(1).says("asleep");
    });
}

#[test]
fn images_print_dockers_table() {
    isolated(|sampan| {
        let _ = sampan.run(["images"]).ok().prints("REPOSITORY   TAG       IMAGE ID   CREATED   SIZE\n");
        sampan.load_busybox();
        let _ = sampan.run(["tag", BUSYBOX, "example.org/team/tool:1.0"]).ok();
        let row = |format: &str| sampan.run(["images", "--format", format, BUSYBOX]).ok().stdout();
        assert_eq!(row("{{.Repository}}:{{.Tag}}"), "busybox:latest\n");
        let id = sampan.field(BUSYBOX, "{{.Id}}");
        assert_eq!(row("{{.ID}}"), format!("{}\n", &id[7..19]));
        let _ = sampan.run(["images", "--no-trunc", "-q", BUSYBOX]).ok().prints(&format!("{id}\n"));
        let _ = sampan.run(["images"]).ok().shows("example.org/team/tool").shows("1.0").shows("MB");
        let filtered =
            |filter: &str| sampan.run(["images", "-q", "--filter", filter]).ok().stdout().lines().count();
        assert_eq!(filtered("reference=example.org/*/*"), 1);
        assert_eq!(filtered("reference=nothing*"), 0);
        assert_eq!(filtered("dangling=true"), 0);
        let _ = sampan.run(["images", "--digests"]).ok().shows("DIGEST");
        let _ = sampan.run(["image", "ls", "--format", "json"]).ok().shows("\"Repository\":\"busybox\"");
        let _ = sampan.run(["images", "--filter", "colour=red"]).fails_with(1).says("colour");
    });
}

#[test]
fn inspect_is_dockers_document() {
    isolated(|sampan| {
        sampan.load_busybox();
        let id = sampan.background(
            &["--name", "one", "-e", "A=1", "--memory", "64m", "--init", "-w", "/tmp"],
            "sleep 100",
        );
        let document = sampan.inspected("one");
        for (pointer, expected) in [
            ("/Id", serde_json::json!(id)),
            ("/Name", "/one".into()),
            ("/Path", "sh".into()),
            ("/Args/1", "sleep 100".into()),
            ("/State/Status", "running".into()),
            ("/State/Running", true.into()),
            ("/State/ExitCode", 0.into()),
            ("/RestartCount", 0.into()),
            ("/Config/WorkingDir", "/tmp".into()),
            ("/Config/Image", "busybox".into()),
            ("/Config/Hostname", serde_json::json!(&id[..12])),
            ("/HostConfig/Memory", (64 * 1024 * 1024).into()),
            ("/HostConfig/NetworkMode", "none".into()),
            ("/HostConfig/Init", true.into()),
            ("/HostConfig/RestartPolicy/Name", "no".into()),
            ("/HostConfig/LogConfig/Type", "json-file".into()),
        ] {
            assert_eq!(document.pointer(pointer), Some(&expected), "{pointer} of {document:#}");
        }
        assert!(document["Created"].as_str().unwrap().ends_with('Z'));
        assert!(document["Config"]["Env"].as_array().unwrap().contains(&"A=1".into()));
        let variables = sampan.field("one", "{{range .Config.Env}}{{println .}}{{end}}");
        assert!(variables.lines().any(|line| line == "A=1"), "{variables}");
        assert_eq!(sampan.run(["inspect", "one", BUSYBOX]).ok().json().as_array().unwrap().len(), 2);
        let _ = sampan.run(["inspect", "--type", "image", "one"]).fails_with(1).says("one");
        let _ = sampan.run(["inspect", "nothing"]).fails_with(1).prints("[]\n").says("nothing");
    });
}

#[test]
fn info_and_version_are_told() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&[], "sleep 100");
        let info = sampan.run(["info"]).ok();
        let _ = info
            .shows(" Running: 1\n")
            .shows("Cgroup Version: ")
            .shows("Storage Driver: ")
            .shows(sampan.data_root().to_str().unwrap());
        let _ = sampan
            .run(["info", "--format", "{{.ContainersRunning}} {{.NCPU}}"])
            .ok()
            .prints(&format!("1 {}\n", std::thread::available_parallelism().unwrap()));
        assert_eq!(sampan.run(["info", "--format", "json"]).ok().json()["Images"], 1);
        let _ = sampan.run(["version"]).ok().shows("Version:").shows("Arch");
        let version = sampan.run(["version", "--format", "{{.Client.Version}}"]).ok().word();
        assert!(version.starts_with(|letter: char| letter.is_ascii_digit()), "{version}");
    });
}
