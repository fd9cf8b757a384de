//! `context`: names for other places, kept as Docker keeps them; and that nothing meant for another place runs here.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tests::{Sampan, isolated};

fn directory(sampan: &Sampan) -> PathBuf {
    sampan.directory().join("docker-config")
}

fn create(sampan: &Sampan, name: &str, words: &[&str]) {
    let made = sampan.run(["context", "create", name].iter().chain(words)).ok();
    let _ = made.prints(&format!("{name}\n")).says(&format!("Successfully created context \"{name}\""));
}

fn config_file(sampan: &Sampan) -> String {
    fs::read_to_string(directory(sampan).join("config.json")).unwrap_or_default()
}

/// The one directory below `contexts/<part>`.
fn only(sampan: &Sampan, part: &str) -> PathBuf {
    let found: Vec<PathBuf> = fs::read_dir(directory(sampan).join("contexts").join(part))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

#[test]
fn contexts_are_made_listed_inspected_changed_and_removed() {
    isolated(|sampan| {
        create(sampan, "far", &["--docker", "host=tcp://192.0.2.1:2375", "--description", "a machine"]);
        let meta = only(sampan, "meta");
        let text = fs::read_to_string(meta.join("meta.json")).unwrap();
        assert_eq!(
            text,
            r#"{"Name":"far","Metadata":{"Description":"a machine"},"Endpoints":{"docker":{"Host":"tcp://192.0.2.1:2375","SkipTLSVerify":false}}}"#
        );
        let hash = tests::Invocation::new("sha256sum", [] as [&str; 0]).input("far").run().ok().stdout();
        assert_eq!(meta.file_name().unwrap().to_str(), hash.split(' ').next());
        let _ = sampan.run(["context", "ls"]).ok().prints(
            "NAME        DESCRIPTION                               DOCKER ENDPOINT               ERROR\n\
             default *   Current DOCKER_HOST based configuration   unix:///var/run/docker.sock   \n\
             far         a machine                                 tcp://192.0.2.1:2375          \n",
        );
        let _ = sampan.run(["context", "ls", "-q"]).ok().prints("default\nfar\n");
        let format = "{{.Name}} {{.Current}}";
        let _ = sampan.run(["context", "ls", "--format", format]).ok().prints("default true\nfar false\n");
        let line = r#"{"Current":false,"Description":"a machine","DockerEndpoint":"tcp://192.0.2.1:2375","Error":"","Name":"far"}"#;
        let _ = sampan.run(["context", "ls", "--format", "json"]).ok().shows(line);

        let seen = sampan.run(["context", "inspect", "far", "gone"]).fails_with(1);
        let seen = seen.says("context \"gone\": context not found: open ").says_one_line().json();
        assert_eq!(seen[0]["Endpoints"]["docker"]["Host"], "tcp://192.0.2.1:2375");
        assert_eq!(seen[0]["Storage"]["MetadataPath"], meta.display().to_string());
        let _ = sampan.run(["context", "inspect", "-f", "{{.Name}}"]).ok().prints("default\n");

        let changed = sampan.run(["context", "update", "far", "--description", "another"]).ok();
        let _ = changed.prints("far\n").says("Successfully updated context \"far\"");
        create(sampan, "copy", &["--from", "far"]);
        let format = "{{.Metadata.Description}} {{.Endpoints.docker.Host}}";
        let shown = sampan.run(["context", "inspect", "-f", format, "copy"]).ok();
        let _ = shown.prints("another tcp://192.0.2.1:2375\n");

        let _ = sampan.run(["context", "rm", "far", "gone", "copy"]).fails_with(1).prints("far\ncopy\n");
        let _ = sampan.run(["context", "ls", "-q"]).ok().prints("default\n");
        assert!(!sampan.data_root().exists(), "a context made a data root");
    });
}

#[test]
fn what_makes_no_context_is_said_and_changes_nothing() {
    isolated(|sampan| {
        create(sampan, "far", &["--docker", "host=tcp://192.0.2.1:2375"]);
        for (words, code, told) in [
            (&["create", "far"][..], 1, "context \"far\" already exists"),
            (&["create", "a b"], 1, "context name \"a b\" is invalid"),
            (&["create", "default"], 1, "\"default\" is a reserved context name"),
            (&["create", "new", "--docker", "foo=bar"], 1, "unrecognized config key: foo"),
            (&["create", "new", "--docker", "host=bogus"], 1, "unable to parse docker host `bogus`"),
            (&["create", "new", "--docker", "host"], 125, "host must be formatted as key=value"),
            (&["create", "new", "--docker", "ca=/nonexistent"], 1, "open /nonexistent: No such file"),
            (&["create", "new", "--from", "gone"], 1, "context \"gone\": context not found"),
            (
                &["create", "new", "--from", "far", "--docker", "host=tcp://a:1"],
                1,
                "cannot use --docker flag",
            ),
            (&["update", "default"], 1, "\"default\" is a reserved context name"),
            (&["rm", "default"], 1, "context \"default\" cannot be removed"),
            (&["use", "gone"], 1, "context \"gone\": context not found"),
            (&["export", "default"], 1, "cannot be exported"),
        ] {
            let words = ["context"].iter().chain(words);
            let _ = sampan.run(words).fails_with(code).prints("").says(told).says_one_line();
        }
        let _ = sampan.run(["context", "ls", "-q"]).ok().prints("default\nfar\n");
        assert_eq!(config_file(sampan), "");
    });
}

#[test]
fn the_context_in_use_is_kept_and_everything_else_in_the_file_too() {
    isolated(|sampan| {
        fs::create_dir_all(directory(sampan)).unwrap();
        let file = directory(sampan).join("config.json");
        fs::write(&file, r#"{"auths":{"x":{"auth":"eDp5"}},"unknown":{"a":[1]}}"#).unwrap();
        create(sampan, "far", &["--docker", "host=tcp://192.0.2.1:2375"]);
        let used = sampan.run(["context", "use", "far"]).ok().prints("far\n");
        let _ = used.says("Current context is now \"far\"");
        let seen: serde_json::Value = serde_json::from_str(&config_file(sampan)).unwrap();
        assert_eq!(
            seen,
            serde_json::json!({"auths": {"x": {"auth": "eDp5"}}, "unknown": {"a": [1]}, "currentContext": "far"})
        );
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let _ = sampan.run(["context", "show"]).ok().prints("far\n");
        let _ = sampan.run(["context", "ls"]).ok().shows("far *     ");
        let _ = sampan.run(["context", "rm", "far"]).fails_with(1).says("context \"far\" is in use");
        let _ = sampan.run(["context", "rm", "-f", "far"]).ok().prints("far\n");
        let _ = sampan.run(["context", "show"]).ok().prints("default\n");
        // A file that cannot be understood is not written over.
        fs::write(&file, "{broken").unwrap();
        create(sampan, "far", &["--docker", "host=tcp://192.0.2.1:2375"]);
        let _ = sampan.run(["context", "use", "far"]).fails_with(1).says("line 1");
        assert_eq!(config_file(sampan), "{broken");
    });
}

#[test]
fn what_is_meant_for_another_place_does_not_run_here() {
    isolated(|sampan| {
        create(sampan, "far", &["--docker", "host=tcp://192.0.2.1:2375"]);
        create(sampan, "here", &["--docker", "host=unix:///var/run/docker.sock"]);
        let refused = |outcome: tests::Outcome| {
            let outcome = outcome.fails_with(125).prints("").says_one_line();
            let _ = outcome.says("context \"far\" leads to tcp://192.0.2.1:2375").says("--context default");
        };
        refused(sampan.run(["--context", "far", "ps"]));
        refused(sampan.run(["-c", "far", "run", "--rm", tests::sampan::DEMO_IMAGE, "true"]));
        refused(sampan.command(["images"]).env("DOCKER_CONTEXT", "far").run());
        let _ = sampan.run(["context", "use", "far"]).ok();
        refused(sampan.run(["volume", "create", "data"]));
        assert!(!sampan.data_root().exists(), "a refused command made a data root");
        let version = sampan.run(["version"]).fails_with(125).shows("Context:           far");
        let _ = version.says("leads to tcp://192.0.2.1:2375").lacks("Engine:");
        // What comes first decides.
        let _ = sampan.run(["--context", "here", "ps", "-q"]).ok().prints("");
        let _ = sampan.run(["-H", "unix:///var/run/docker.sock", "ps", "-q"]).ok().prints("");
        let _ = sampan.command(["ps", "-q"]).env("DOCKER_CONTEXT", "here").run().ok();
        let _ = sampan
            .command(["context", "show"])
            .env("DOCKER_HOST", "tcp://192.0.2.1:1")
            .run()
            .prints("default\n");
        let both = sampan.run(["--context", "far", "-H", "tcp://192.0.2.1:1", "ps"]).fails_with(1);
        let _ = both.says("conflicting options: cannot specify both --host and --context").says_one_line();
        let gone = sampan.run(["--context", "gone", "ps"]).fails_with(1).says_one_line();
        let _ = gone.says("unable to resolve docker endpoint: context \"gone\": context not found");
        let _ = sampan.command(["context", "ls"]).env("DOCKER_CONTEXT", "gone").run().ok().shows("gone *");
        let _ = sampan.run(["context", "use", "default"]).ok();
    });
}

#[test]
fn a_context_is_carried_in_a_file() {
    isolated(|sampan| {
        let pem = sampan.directory().join("ca.pem");
        fs::write(&pem, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n").unwrap();
        let spec = format!("host=tcp://192.0.2.1:2376,ca={}", pem.display());
        create(sampan, "far", &["--docker", &spec]);
        let file = sampan.directory().join("far.tar");
        let path = file.to_str().unwrap();
        let _ = sampan.run(["context", "export", "far", path]).ok().says("Written file");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let _ =
            sampan.run(["context", "export", "far", path]).fails_with(1).says("File exists").says_one_line();
        let names = tests::Invocation::new("tar", ["tf", path]).run().ok().stdout();
        assert_eq!(names, "meta.json\ntls/\ntls/docker/\ntls/docker/ca.pem\n");
        let streamed = sampan.run(["context", "export", "far", "-"]).ok();
        assert_eq!(streamed.stdout_bytes(), fs::read(&file).unwrap());

        let _ = sampan.run(["context", "rm", "far"]).ok();
        let took = sampan.run(["context", "import", "again", path]).ok().prints("again\n");
        let _ = took.says("Successfully imported context \"again\"");
        let seen = sampan.run(["context", "inspect", "again"]).ok().json();
        assert_eq!(seen[0]["Endpoints"]["docker"]["Host"], "tcp://192.0.2.1:2376");
        assert_eq!(seen[0]["TLSMaterial"], serde_json::json!({"docker": ["ca.pem"]}));
        let kept = only(sampan, "tls").join("docker/ca.pem");
        assert_eq!(fs::read(&kept).unwrap(), fs::read(&pem).unwrap());
        let from_stdin = sampan.command(["context", "import", "third", "-"]).input(fs::read(&file).unwrap());
        let _ = from_stdin.run().ok().prints("third\n");
        refuse_hostile(sampan, sampan.directory());
    });
}

/// Archives that would lead elsewhere, or are none.
fn refuse_hostile(sampan: &Sampan, directory: &Path) {
    let bad = directory.join("bad.tar");
    let script = r#"mkdir -p in && cd in && echo '{}' > meta.json && echo x > ../evil && tar cPf "$1" meta.json ../evil"#;
    let _ = tests::Invocation::new("sh", ["-c", script, "sh", bad.to_str().unwrap()])
        .directory(directory)
        .run()
        .ok();
    let _ =
        sampan.run(["context", "import", "bad", bad.to_str().unwrap()]).fails_with(1).says("unexpected file");
    let _ = sampan.run(["context", "import", "bad", "/nonexistent"]).fails_with(1).says("open /nonexistent");
    let zip = sampan.command(["context", "import", "bad", "-"]).input(&b"PK\x03\x04zip"[..]).run();
    let _ = zip.fails_with(1).says("zip archive").says_one_line();
    let none = sampan.command(["context", "import", "bad", "-"]).input("nothing").run();
    let _ = none.fails_with(1).says("invalid context").says_one_line();
    let _ = sampan.run(["context", "ls", "-q"]).ok().prints("again\ndefault\nthird\n");
}
