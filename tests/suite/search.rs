//! `search`: the hub's own search under its own name, and what is said when there is none.

use crate::hub::{Etc, Plain};
use std::fs;
use std::path::Path;
use tests::tls::{Front, Identity};
use tests::{Sampan, isolated};

const INDEX: &str = "index.docker.io";

const ANSWER: &str = r#"{"num_results":3,"query":"nginx","results":[
    {"name":"nginx/ingress","description":"Ingress for\nmany machines, told in far more words than anybody reads","star_count":90,"is_official":false,"is_automated":false},
    {"name":"nginx","description":"Official build of Nginx.","star_count":20000,"is_official":true,"is_automated":false},
    {"name":"evil","description":"\u001b[31mred","star_count":1,"is_official":false}]}"#;

/// The hub's index, encrypted, trusted as a user has Docker trust a registry's own authority.
struct Index {
    plain: Plain,
    _front: Front,
    _etc: Etc,
}

fn index(sampan: &Sampan) -> Index {
    let directory = sampan.directory().join("index");
    fs::create_dir(&directory).unwrap();
    let etc = Etc::cover(&directory);
    let identity = Identity::new(&directory, &[INDEX]);
    let plain = Plain::start(|asked| match asked.path.starts_with("/v1/search?") {
        true => (200, ANSWER.as_bytes().to_vec()),
        false => (404, Vec::new()),
    });
    let front = Front::start("127.0.0.5:443", &identity, &plain.host);
    fs::write("/etc/hosts", format!("127.0.0.1 localhost\n127.0.0.5 {INDEX}\n")).unwrap();
    let trusted = Path::new("/etc/docker/certs.d/docker.io");
    fs::create_dir_all(trusted).unwrap();
    fs::copy(&identity.authority, trusted.join("ca.crt")).unwrap();
    Index { plain, _front: front, _etc: etc }
}

#[test]
fn the_hub_is_searched() {
    isolated(|sampan| {
        let index = index(sampan);
        let _ = sampan.run(["search", "nginx"]).ok().is_quiet().prints(
            "NAME            DESCRIPTION                                     STARS     OFFICIAL\n\
             nginx           Official build of Nginx.                        20000     [OK]\n\
             nginx/ingress   Ingress for many machines, told in far more …   90        \n\
             evil             [31mred                                        1         \n",
        );
        let whole = sampan.run(["search", "--no-trunc", "nginx"]).ok();
        let _ = whole.shows("Ingress for many machines, told in far more words than anybody reads");
        let _ =
            sampan.run(["search", "-f", "is-official=true", "nginx"]).ok().shows("nginx ").lacks("ingress");
        let stars = sampan.run(["search", "-f", "stars=50", "--format", "{{.Name}} {{.StarCount}}", "nginx"]);
        let _ = stars.ok().prints("nginx 20000\nnginx/ingress 90\n");
        let json = sampan.run(["search", "--format", "json", "--limit", "5", "library/nginx"]).ok();
        let first: serde_json::Value = serde_json::from_str(json.stdout().lines().next().unwrap()).unwrap();
        assert_eq!(
            first,
            serde_json::json!({"Description": "Official build of Nginx.", "IsAutomated": "false",
                "IsOfficial": "true", "Name": "nginx", "StarCount": "20000"})
        );
        let asked: Vec<String> = index.plain.asked().into_iter().map(|one| one.path).collect();
        assert_eq!(asked[0], "/v1/search?q=nginx&n=25");
        assert_eq!(asked[asked.len() - 1], "/v1/search?q=nginx&n=5");
        drop(index);
    });
}

#[test]
fn what_cannot_be_searched_is_told() {
    isolated(|sampan| {
        for (words, code, told) in [
            (&["--limit", "101", "x"][..], 1, "limit 101 is outside the range of [1, 100]"),
            (&["--limit", "-1", "x"], 1, "limit -1 is outside the range of [1, 100]"),
            (&["-f", "stars=many", "x"], 1, "invalid filter 'stars=many'"),
            (&["-f", "colour=red", "x"], 1, "invalid filter 'colour'"),
            (&["https://x/y"], 1, "should not have a scheme"),
            (&["--format", "{{.Nmae}}", "x"], 1, "no field \"Nmae\""),
        ] {
            let _ = sampan
                .run(["search"].iter().chain(words))
                .fails_with(code)
                .prints("")
                .says(told)
                .says_one_line();
        }
        // Nobody listens there.
        let _ = sampan
            .run(["search", "localhost:1/x"])
            .fails_with(1)
            .says("cannot reach localhost:1")
            .says_one_line();
        let plain = Plain::start(|_| (404, Vec::new()));
        let term = format!("{}/tool", plain.host);
        let refused = sampan.run(["search", &term]).fails_with(1).says_one_line();
        let _ = refused.says("/v1/search answered 404: this registry cannot be searched");
        drop(plain);
    });
}
