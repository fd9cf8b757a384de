//! `login`, `logout` and what credentials are used for; secrets are never shown.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use tests::registry::{OneLayer, Registry, Scripted};
use tests::{Invocation, Sampan, isolated};

const PASSWORD: &str = "s3cr3t-w0rd";
/// `PASSWORD`, by bcrypt: all that docker-registry takes.
const HASHED: &str = "$2b$04$/ZmIvcf0LyOK2wYohyZTxezshDXvCOVN3uiIJDjzsGQko0YziK.EO";

/// A registry that lets only `ann` in.
fn closed(sampan: &Sampan) -> Registry {
    let file = sampan.directory().join("htpasswd");
    fs::write(&file, format!("ann:{HASHED}\n")).unwrap();
    let text = format!("auth: {{htpasswd: {{realm: tests, path: {}}}}}", file.display());
    let registry = Registry::start_with(sampan, &text);
    registry.fill("busybox:1", &["--dest-creds", &format!("ann:{PASSWORD}")]);
    registry
}

fn config_file(sampan: &Sampan) -> PathBuf {
    sampan.directory().join("docker-config/config.json")
}

fn login(sampan: &Sampan, host: &str, password: &str) -> tests::Outcome {
    sampan
        .command(["login", "--username", "ann", "--password-stdin", host])
        .input(format!("{password}\n"))
        .run()
}

#[test]
fn logging_in_opens_a_registry_and_logging_out_closes_it() {
    isolated(|sampan| {
        let registry = closed(sampan);
        let name = format!("{}/busybox:1", registry.host);
        let _ = sampan
            .run(["pull", &name])
            .fails_with(1)
            .says("pull access denied")
            .says("login")
            .says_one_line();
        let wrong = login(sampan, &registry.host, "wr0ng").fails_with(1);
        let _ = wrong.says(&format!("{} refuses the login", registry.host)).says_one_line();
        assert!(!config_file(sampan).exists());

        let _ = login(sampan, &registry.host, PASSWORD).ok().prints("Login Succeeded\n").says("WARNING!");
        assert_eq!(fs::metadata(config_file(sampan)).unwrap().permissions().mode() & 0o777, 0o600);
        let _ = sampan.run(["pull", &name]).ok();
        let other = format!("{}/team/box:1", registry.host);
        let _ = sampan.run(["tag", &name, &other]).ok();
        let _ = sampan.run(["push", &other]).ok().shows(": Mounted from busybox");
        // Others read the same file.
        let (file, from) = (config_file(sampan), format!("docker://{other}"));
        let words = ["inspect", "--tls-verify=false", "--authfile", file.to_str().unwrap(), &from];
        let _ = Invocation::new("skopeo", words).run().ok();

        let gone = format!("Removing login credentials for {}\n", registry.host);
        let _ = sampan.run(["logout", &registry.host]).ok().prints(&gone);
        let _ = sampan
            .run(["logout", &registry.host])
            .ok()
            .prints(&format!("Not logged in to {}\n", registry.host));
        let _ = sampan
            .run(["push", &other])
            .fails_with(1)
            .says("push access denied")
            .says("login")
            .says_one_line();
        let _ = sampan.run(["pull", &name]).fails_with(1).says("denied");
    });
}

#[test]
fn passwords_are_taken_in_three_ways() {
    isolated(|sampan| {
        let registry = closed(sampan);
        let given = sampan.run(["login", "-u", "ann", "-p", PASSWORD, &registry.host]).ok();
        let _ = given.prints("Login Succeeded\n").says("--password-stdin");
        let _ = sampan
            .run(["login", "-u", "ann", &registry.host])
            .fails_with(1)
            .says("Cannot perform an interactive login from a non TTY device");
        let _ = sampan
            .command(["login", "--password-stdin", &registry.host])
            .input(PASSWORD)
            .run()
            .fails_with(1)
            .says("Must provide --username with --password-stdin");
        let _ = sampan
            .run(["login", "-u", "ann", "-p", "x", "--password-stdin", &registry.host])
            .fails_with(1)
            .says("mutually exclusive");
        let _ = login(sampan, &registry.host, "").fails_with(1).says("empty");
        let _ = login(sampan, "localhost:1", PASSWORD)
            .fails_with(1)
            .says("cannot reach localhost:1")
            .says_one_line();
    });
}

#[test]
fn helpers_keep_the_secret() {
    isolated(|sampan| {
        let registry = closed(sampan);
        let (programs, vault) = (sampan.directory().join("bin"), sampan.directory().join("vault"));
        fs::create_dir_all(&programs).unwrap();
        let helper = programs.join("docker-credential-vault");
        let script = format!(
            "#!/bin/sh\ncase $1 in\nstore) cat > {0};;\nget) if [ -f {0} ]; then cat {0}; else echo 'credentials not found'; exit 1; fi;;\nerase) rm -f {0};;\nesac\n",
            vault.display()
        );
        fs::write(&helper, script).unwrap();
        fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(config_file(sampan).parent().unwrap()).unwrap();
        let text = format!(r#"{{"credHelpers":{{"{}":"vault"}},"psFormat":"kept"}}"#, registry.host);
        fs::write(config_file(sampan), &text).unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let run = |words: &[&str], input: &str| {
            sampan.command(words).env("PATH", &path).input(input.to_owned()).run()
        };
        let name = format!("{}/busybox:1", registry.host);
        let _ = run(&["pull", &name], "").fails_with(1);
        let words = ["login", "-u", "ann", "--password-stdin", &registry.host];
        let kept = run(&words, PASSWORD).ok();
        assert!(!kept.stderr().contains("unencrypted"), "{kept}");
        assert!(fs::read_to_string(&vault).unwrap().contains(&format!(r#""ServerURL":"{}""#, registry.host)));
        assert_eq!(fs::read_to_string(config_file(sampan)).unwrap(), text);
        let _ = run(&["pull", &name], "").ok();
        let _ = run(&["logout", &registry.host], "").ok();
        assert!(!vault.exists());
    });
}

#[test]
fn an_auth_file_is_honoured() {
    isolated(|sampan| {
        let registry = closed(sampan);
        let file = sampan.directory().join("auth.json");
        let name = format!("{}/busybox:1", registry.host);
        // As podman and skopeo write it.
        let words = [
            "login",
            "--tls-verify=false",
            "--authfile",
            file.to_str().unwrap(),
            "-u",
            "ann",
            "-p",
            PASSWORD,
        ];
        let _ = Invocation::new("skopeo", words.iter().chain(&[registry.host.as_str()])).run().ok();
        let _ = sampan.run(["pull", &name]).fails_with(1);
        let _ = sampan.command(["pull", &name]).env("REGISTRY_AUTH_FILE", &file).run().ok();
        let _ = sampan.command(["logout", &registry.host]).env("REGISTRY_AUTH_FILE", &file).run().ok();
        assert!(!fs::read_to_string(&file).unwrap().contains(&registry.host));
    });
}

/// A registry and token server in one: it gives a token to `ann` alone, and one to keep.
fn with_tokens(image: &OneLayer) -> Scripted {
    let image = image.clone();
    Scripted::start(move |request, replier| {
        let host = request.header("host").unwrap_or_default().to_owned();
        if request.path.starts_with("/token") {
            let basic = request.header("authorization") == Some("Basic YW5uOnMzY3IzdC13MHJk");
            let refresh = String::from_utf8_lossy(&request.body).contains("refresh_token=r3fr3sh-t0k3n");
            if !basic && !refresh {
                return replier.reply(401, &[], br#"{"details":"incorrect username or password"}"#);
            }
            return replier.reply(200, &[], br#"{"token":"acc3ss-t0k3n","refresh_token":"r3fr3sh-t0k3n"}"#);
        }
        if request.header("authorization") == Some("Bearer acc3ss-t0k3n") {
            return match request.path.as_str() {
                "/v2/" => replier.reply(200, &[], b"{}"),
                _ => image.answer(request, replier),
            };
        }
        let challenge = format!("Bearer realm=\"http://{host}/token\",service=\"tests\"");
        replier.reply(401, &[("WWW-Authenticate", &challenge)], b"{}");
    })
}

#[test]
fn a_token_is_kept_instead_of_the_password() {
    isolated(|sampan| {
        let image = OneLayer::new(sampan, 1000);
        let server = with_tokens(&image);
        let _ = login(sampan, &server.host, "wr0ng").fails_with(1).says("incorrect username or password");
        let _ = login(sampan, &server.host, PASSWORD).ok();
        let text = fs::read_to_string(config_file(sampan)).unwrap();
        assert!(text.contains("r3fr3sh-t0k3n") && !text.contains("YW5uOnMzY3IzdC13MHJk"), "{text}");
        let _ = sampan.run(["pull", &format!("{}/web:1", server.host)]).ok();
        let scopes: Vec<_> = server
            .asked()
            .iter()
            .filter(|request| request.method == "POST")
            .map(|request| String::from_utf8_lossy(&request.body).into_owned())
            .collect();
        assert!(scopes.len() == 1 && scopes[0].contains("scope=repository%3Aweb%3Apull&"), "{scopes:?}");
    });
}

#[test]
fn secrets_are_never_shown() {
    isolated(|sampan| {
        let image = OneLayer::new(sampan, 1000);
        let server = with_tokens(&image);
        let secrets = [PASSWORD, "YW5uOnMzY3IzdC13MHJk", "r3fr3sh-t0k3n", "acc3ss-t0k3n", "wr0ng"];
        let shown = |outcome: &tests::Outcome| {
            let text = outcome.stdout() + &outcome.stderr();
            for secret in secrets {
                assert!(!text.contains(secret), "{secret} is shown:\n{text}");
            }
        };
        shown(&login(sampan, &server.host, "wr0ng"));
        shown(&login(sampan, &server.host, PASSWORD));
        let debug = |words: &[&str]| {
            let words: Vec<&str> = ["--debug"].iter().chain(words).copied().collect();
            shown(&sampan.run(words));
        };
        let name = format!("{}/web:1", server.host);
        debug(&["pull", &name]);
        debug(&["pull", &format!("{}/web:missing", server.host)]);
        debug(&["push", &name]);
        debug(&["info"]);
        let text = fs::read_to_string(config_file(sampan)).unwrap();
        fs::write(config_file(sampan), text.replace("r3fr3sh-t0k3n\"", "r3fr3sh-t0k3n\",\"x\":")).unwrap();
        debug(&["pull", &name]);
        fs::write(
            config_file(sampan),
            format!(r#"{{"auths":{{"{}":{{"auth":"s3cr3t-w0rd"}}}}}}"#, server.host),
        )
        .unwrap();
        debug(&["pull", &name]);
        debug(&["events", "--since", "1h", "--until", "0s"]);
    });
}

#[test]
fn credentials_are_kept_in_the_directory_that_was_named() {
    isolated(|sampan| {
        let registry = closed(sampan);
        let directory = sampan.directory().join("other-config");
        let other = directory.to_str().unwrap();
        let words = ["--config", other, "login", "-u", "ann", "--password-stdin", &registry.host];
        let login = sampan.command(words).input(format!("{PASSWORD}\n")).run().ok();
        let _ = login.says(&format!("{other}/config.json"));
        assert!(directory.join("config.json").is_file() && !config_file(sampan).exists());
        let name = format!("{}/busybox:1", registry.host);
        let _ = sampan.run(["pull", &name]).fails_with(1).says("pull access denied");
        let _ = sampan.run(["--config", other, "pull", &name]).ok();
    });
}
