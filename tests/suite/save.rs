//! `save` and `history`.

use std::fs;
use std::path::Path;
use tests::container::BUSYBOX;
use tests::{Invocation, Sampan, isolated, small_image};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn what_is_saved_is_loaded_by_everybody() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.run(["load", "-i", text(&small_image::archive())]).ok();
        let _ = sampan.run(["tag", BUSYBOX, "busybox:other"]).ok();
        let id = sampan.field(BUSYBOX, "{{.Id}}");
        let path = sampan.directory().join("saved.tar");
        let _ = sampan.run(["save", "-o", text(&path), "busybox", "small:latest"]).ok().prints("");
        let piped = sampan.run(["image", "save", "busybox", "small:latest"]).ok();
        assert_eq!(piped.stdout_bytes(), fs::read(&path).unwrap());
        // Ours, in another instance.
        let other = Sampan::new(&sampan.directory().join("other"), sampan.program().to_owned());
        fs::create_dir(other.directory()).unwrap();
        let loaded = other.run(["load", "-i", text(&path)]).ok().stdout();
        for name in ["busybox:latest", "busybox:other", "small:latest"] {
            assert!(loaded.contains(&format!("Loaded image: {name}\n")), "{loaded}");
        }
        assert_eq!(other.field("busybox:other", "{{.Id}}"), id);
        let _ = other
            .run(["run", "--rm", "--network", "none", "small", "/bin/sh", "-c", small_image::SCRIPT])
            .ok()
            .prints(small_image::WORD);
        other.require_nothing_left();
        // Other people's: as a docker archive and as an OCI one.
        for (from, name) in
            [("docker-archive", "busybox:other"), ("docker-archive", "small:latest"), ("oci-archive", "")]
        {
            let to = format!("dir:{}", text(&sampan.directory().join(format!("copy-{from}-{}", name.len()))));
            let one = sampan.directory().join("one.tar");
            let _ = sampan.run(["save", "--output", text(&one), "small:latest"]).ok();
            let from = match name {
                "" => format!("{from}:{}", text(&one)),
                name => format!("{from}:{}:{name}", text(&path)),
            };
            let _ =
                Invocation::new("skopeo", ["--insecure-policy", "copy", "--quiet", &from, &to]).run().ok();
        }
        // An image without a name, and what is refused.
        let _ = sampan.run(["save", "-o", text(&path), &id]).ok();
        let _ = other.run(["load", "-i", text(&path)]).ok().shows(&format!("Loaded image ID: {id}"));
        let _ = other.run(["rmi", "-f", "busybox", "busybox:other", "small"]);
        let refused = |words: &[&str], told: &str| {
            let _ =
                sampan.run(["save"].iter().chain(words)).fails_with(1).says(told).says_one_line().prints("");
        };
        refused(&["nobody"], "No such image: nobody:latest");
        refused(&["busybox", "nobody"], "No such image: nobody:latest");
        refused(
            &["--platform", "plan9/mips", "busybox"],
            "does not provide the specified platform (plan9/mips)",
        );
        let _ = sampan.run(["save"]).fails_with(1).says("requires at least 1 argument");
    });
}

#[test]
fn history_tells_the_steps() {
    isolated(|sampan| {
        let _ = sampan.run(["load", "-i", text(&small_image::archive())]).ok();
        let table = sampan.run(["history", "small"]).ok().stdout();
        let lines: Vec<&str> = table.lines().collect();
        assert!(
            lines[0].starts_with("IMAGE") && lines[0].contains("CREATED BY") && lines[0].contains("COMMENT"),
            "{table}"
        );
        let id = sampan.field("small", "{{.Id}}");
        assert!(lines[1].starts_with(&id[7..19]) && lines[2].starts_with("<missing>"), "{table}");
        let steps =
            |words: &[&str]| sampan.run(["history"].iter().chain(words).chain(&["small"])).ok().stdout();
        assert_eq!(steps(&["--quiet", "--no-trunc"]).lines().next(), Some(id.as_str()));
        let sizes: u64 = steps(&["--human=false", "--format", "{{.Size}}"])
            .lines()
            .map(|line| line.parse::<u64>().unwrap())
            .sum();
        assert_eq!(sizes.to_string(), sampan.field("small", "{{.Size}}"));
        assert!(
            steps(&["--format", "json"]).lines().all(|line| line.starts_with('{')),
            "{}",
            steps(&["--format", "json"])
        );
        let _ = sampan
            .run(["image", "history", "nobody"])
            .fails_with(1)
            .says("No such image: nobody")
            .says_one_line();
        let _ = sampan.run(["history", "--platform", "plan9/mips", "small"]).fails_with(1).says("plan9/mips");
    });
}
