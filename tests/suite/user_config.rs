//! `~/.docker/config.json`: what the user has set counts, what is typed counts more, and a broken file is told.

use std::fs;
use tests::sampan::DEMO_IMAGE;
use tests::{Sampan, isolated};

fn write(sampan: &Sampan, text: &str) {
    let directory = sampan.directory().join("docker-config");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("config.json"), text).unwrap();
}

fn environment(sampan: &Sampan, options: &[&str]) -> Vec<String> {
    let printed = sampan.demo(options, &["env"]).ok().stdout();
    let mut lines: Vec<String> =
        printed.lines().filter(|line| line.to_lowercase().contains("proxy")).map(String::from).collect();
    lines.sort();
    lines
}

#[test]
fn proxies_are_in_the_environment_and_give_way_to_what_is_typed() {
    isolated(|sampan| {
        write(
            sampan,
            r#"{"proxies":{"default":{"httpProxy":"http://p:1","httpsProxy":"http://p:2","noProxy":"*.lan","ftpProxy":"http://p:3","allProxy":"socks://p:4"}}}"#,
        );
        assert_eq!(
            environment(sampan, &[]),
            [
                "ALL_PROXY=socks://p:4",
                "FTP_PROXY=http://p:3",
                "HTTPS_PROXY=http://p:2",
                "HTTP_PROXY=http://p:1",
                "NO_PROXY=*.lan",
                "all_proxy=socks://p:4",
                "ftp_proxy=http://p:3",
                "http_proxy=http://p:1",
                "https_proxy=http://p:2",
                "no_proxy=*.lan",
            ]
        );
        let seen = environment(sampan, &["-e", "HTTP_PROXY=", "-e", "no_proxy=mine"]);
        assert!(
            seen.contains(&"HTTP_PROXY=".to_owned()) && seen.contains(&"no_proxy=mine".to_owned()),
            "{seen:?}"
        );
        assert!(seen.contains(&"http_proxy=http://p:1".to_owned()), "{seen:?}");
        let id = sampan.run(["create", "--network", "none", DEMO_IMAGE]).ok().word();
        assert!(sampan.field(&id, "{{.Config.Env}}").contains("HTTPS_PROXY=http://p:2"));

        // This machine has a name of its own in the file.
        write(
            sampan,
            r#"{"proxies":{"default":{"httpProxy":"http://p:1"},"unix:///var/run/docker.sock":{"httpProxy":"http://own:9"}}}"#,
        );
        assert_eq!(environment(sampan, &[]), ["HTTP_PROXY=http://own:9", "http_proxy=http://own:9"]);
    });
}

#[test]
fn formats_are_the_users_until_one_is_typed() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.run(["volume", "create", "data"]).ok();
        let _ = sampan.run(["create", "--name", "web", "busybox"]).ok();
        write(
            sampan,
            r#"{"psFormat":"ps {{.Names}}","imagesFormat":"image {{.Repository}}","volumesFormat":"volume {{.Name}}",
                "networksFormat":"network {{.Name}}","statsFormat":"stats {{.Name}}"}"#,
        );
        let _ = sampan.run(["ps", "-a"]).ok().prints("ps web\n");
        let _ = sampan.run(["container", "ls", "-a"]).ok().prints("ps web\n");
        let _ = sampan.run(["images"]).ok().prints("image busybox\n");
        let _ = sampan.run(["volume", "ls"]).ok().prints("volume data\n");
        let _ = sampan.run(["network", "ls"]).ok().shows("network bridge\n");
        let _ = sampan.run(["stats", "-a", "--no-stream"]).ok().prints("stats web\n");
        let _ = sampan.run(["ps", "-a", "--format", "{{.Image}}"]).ok().prints("busybox\n");
        let _ = sampan.run(["ps", "-aq"]).ok().lacks("web");
        let _ = sampan.run(["volume", "ls", "-q"]).ok().prints("data\n");
    });
}

#[test]
fn keys_to_detach_are_the_users_until_some_are_typed() {
    isolated(|sampan| {
        sampan.load_busybox();
        write(sampan, r#"{"detachKeys":"ctrl-1"}"#);
        let told = sampan.run(["run", "--rm", "busybox", "true"]).fails_with(125);
        let _ = told.says("invalid detach keys: unknown character: 'ctrl-1'").says_one_line();
        let _ = sampan.run(["run", "--rm", "--detach-keys", "ctrl-x", "busybox", "true"]).ok();
        write(sampan, r#"{"detachKeys":"ctrl-x,q"}"#);
        let words = ["run", "-it", "--network", "none", "--name", "box", "busybox", "sh"];
        let terminal = tests::Terminal::start(sampan.command(words), 24, 80);
        terminal.expect("# ");
        terminal.press("\u{18}q");
        assert_eq!(terminal.wait().0, 0);
        assert_eq!(sampan.field("box", "{{.State.Running}}"), "true");
    });
}

#[test]
fn filters_of_prunes_are_added_unless_they_contradict() {
    isolated(|sampan| {
        sampan.load_busybox();
        for (name, label) in [("keep", "team=a"), ("go", "team=b"), ("more", "team=c")] {
            let _ = sampan.run(["create", "--name", name, "--label", label, "busybox"]).ok();
        }
        write(sampan, r#"{"pruneFilters":["label!=team=a","nonsense"]}"#);
        let _ = sampan.run(["container", "prune", "-f", "--filter", "label=team=b"]).ok();
        let names = || sampan.run(["ps", "-a", "--format", "{{.Names}}"]).ok().stdout();
        assert_eq!(names(), "more\nkeep\n");
        let asked = sampan.command(["system", "prune"]).input("n\n").run().ok();
        let _ = asked.shows("filtered with:\n  - label!=team=a\n");
        let _ = sampan.run(["container", "prune", "-f"]).ok();
        assert_eq!(names(), "keep\n");
        // What is typed wins.
        let _ = sampan.run(["container", "prune", "-f", "--filter", "label=team=a"]).ok();
        assert_eq!(names(), "");
    });
}

#[test]
fn a_broken_file_is_told_with_its_line_and_hides_nothing_else() {
    isolated(|sampan| {
        let path = sampan.directory().join("docker-config/config.json");
        let told = format!("WARNING: Error parsing config file ({}): ", path.display());
        write(sampan, "{\n  \"psFormat\": \"x\",\n  oops\n}");
        let _ = sampan.run(["ps", "-q"]).ok().prints("").says(&told).says("line 3").says_one_line();
        write(sampan, "{\n  \"psFormat\": 3,\n  \"currentContext\": \"far\"\n}");
        let refused = sampan.run(["ps"]).fails_with(1).says(&told).says("line 2");
        let _ = refused.says("context \"far\": context not found");
        write(
            sampan,
            r#"{"currentContext":"","nobodyKnowsThis":{"a":1},"HttpHeaders":{"X":"y"},"plugins":{}}"#,
        );
        let _ = sampan.run(["ps", "-q"]).ok().prints("").is_quiet();
        write(sampan, "");
        let _ = sampan.run(["ps", "-q"]).ok().prints("").is_quiet();
    });
}

#[test]
fn another_directory_of_settings_can_be_named() {
    isolated(|sampan| {
        let directory = sampan.directory().join("other");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("config.json"), r#"{"volumesFormat":"{{.Driver}}!"}"#).unwrap();
        let _ = sampan.run(["volume", "create", "data"]).ok();
        let other = directory.to_str().unwrap();
        let _ = sampan.run(["--config", other, "volume", "ls"]).ok().prints("local!\n");
        let _ = sampan
            .run(["--config", other, "context", "create", "far", "--docker", "host=tcp://192.0.2.1:1"])
            .ok();
        assert!(directory.join("contexts/meta").is_dir());
        let _ = sampan.run(["context", "ls", "-q"]).ok().prints("default\n");
    });
}
