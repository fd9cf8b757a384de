//! Volumes: what is in them outlives containers.

use std::fs;
use std::time::Duration;
use tests::{Sampan, eventually, fixture, isolated};

#[test]
fn a_volume_survives_its_containers() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.busybox(&["-v", "data:/data"], "echo kept > /data/x").ok();
        let _ = sampan.busybox(&["-v", "data:/other"], "cat /other/x").ok().prints("kept\n");
        assert_eq!(fs::read_to_string(sampan.data_root().join("volumes/data/_data/x")).unwrap(), "kept\n");
        let id = sampan.background(&["-v", "data:/data:ro"], "sleep 100");
        let mount = &sampan.inspected(&id)["Mounts"][0];
        assert_eq!(
            (&mount["Type"], &mount["Name"], &mount["Destination"], &mount["RW"]),
            (&"volume".into(), &"data".into(), &"/data".into(), &false.into())
        );
    });
}

#[test]
fn an_empty_volume_gets_what_the_image_has() {
    isolated(|sampan| {
        sampan.load_busybox();
        let listing = "ls -ln /etc | grep -v total";
        let own = sampan.busybox(&[], "ls -ln /etc/passwd /etc/group").ok().stdout();
        let _ = sampan.busybox(&["-v", "copied:/etc"], "ls -ln /etc/passwd /etc/group").ok().prints(&own);
        let _ = sampan
            .busybox(
                &["--mount", "type=volume,source=bare,target=/etc,volume-nocopy"],
                &format!("{listing} | grep -c passwd"),
            )
            .prints("0\n");
        // What somebody wrote stays, also when the image has something else.
        let _ = sampan.busybox(&["-v", "full:/data"], "echo mine > /data/passwd").ok();
        let _ = sampan.busybox(&["-v", "full:/etc"], "cat /etc/passwd").ok().prints("mine\n");
    });
}

#[test]
fn containers_share_a_volume() {
    isolated(|sampan| {
        sampan.load_busybox();
        let reader = sampan
            .background(&["-v", "shared:/s"], "while ! cat /s/x 2>/dev/null; do sleep 0.05; done; sleep 100");
        let _ = sampan.busybox(&["-v", "shared:/s"], "echo passed > /s/x").ok();
        sampan.await_log(&reader, "passed");
    });
}

#[test]
fn volumes_are_made_listed_and_removed() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.run(["volume", "create", "made"]).ok().prints("made\n");
        let _ = sampan.run(["volume", "ls", "--quiet"]).ok().prints("made\n");
        let id = sampan.background(&["-v", "made:/m"], "sleep 100");
        let _ = sampan.run(["volume", "rm", "made"]).fails_with(1).says("volume is in use").says(&id[..12]);
        let _ = sampan.run(["rm", "--force", &id]).ok();
        let point = sampan.run(["volume", "inspect", "--format", "{{.Mountpoint}}", "made"]).ok().word();
        assert!(fs::metadata(&point).unwrap().is_dir());
        let _ = sampan.run(["volume", "rm", "made"]).ok().prints("made\n");
        assert!(!fs::exists(&point).unwrap());
        let _ = sampan.run(["volume", "rm", "made"]).fails_with(1).says("made");
    });
}

#[test]
fn prune_takes_anonymous_volumes_and_others_when_asked() {
    isolated(|sampan| {
        sampan.load_busybox();
        let names = || sampan.run(["volume", "ls", "--quiet"]).ok().stdout();
        let _ = sampan.run(["volume", "create", "named"]).ok();
        let _ =
            sampan.run(sampan.run_words(&["--name", "one", "-v", "/anonymous"], "busybox", &["true"])).ok();
        let user = sampan.background(&["-v", "used:/used"], "sleep 100");
        let _ = sampan.run(["rm", "one"]).ok();
        assert_eq!(names().lines().count(), 3);
        let _ = sampan.run(["volume", "prune", "--force"]).ok().shows("Total reclaimed space");
        assert_eq!(names(), "named\nused\n");
        let _ = sampan.run(["volume", "prune", "--all", "--force"]).ok().shows("named");
        assert_eq!(names(), "used\n");
        let _ = sampan.run(["rm", "--force", &user]).ok();
    });
}

#[test]
fn rm_takes_anonymous_volumes_with_v_only() {
    isolated(|sampan| {
        sampan.load_busybox();
        let count = || fs::read_dir(sampan.data_root().join("volumes")).map_or(0, Iterator::count);
        for (words, left) in [(&["rm"][..], 1), (&["rm", "--volumes"], 1)] {
            let _ = sampan
                .run(sampan.run_words(&["--name", "one", "-v", "/anonymous"], "busybox", &["true"]))
                .ok();
            let _ = sampan.run(words.iter().chain(&["one"])).ok();
            assert_eq!(count(), left, "{words:?}");
        }
    });
}

fn import_debian(sampan: &Sampan) {
    let root = fixture::debian_root();
    let words = ["import", root.to_str().unwrap(), "debian"];
    let _ = sampan.command(words).limit(Duration::from_secs(120)).run().ok();
}

#[test]
fn redis_and_postgresql_keep_their_data() {
    isolated(|sampan| {
        import_debian(sampan);
        redis(sampan);
        postgresql(sampan);
    });
}

fn redis(sampan: &Sampan) {
    let words = [
        "run",
        "-d",
        "--name",
        "cache",
        "-v",
        "cache:/data",
        "-w",
        "/data",
        "debian",
        "redis-server",
        "--dir",
        "/data",
        "--appendonly",
        "yes",
    ];
    let client =
        |words: &[&'static str]| sampan.run(["exec", "cache", "redis-cli"].iter().chain(words).copied());
    for expected in ["", "kept"] {
        let _ = sampan.run(words).ok();
        eventually("redis answers", || client(&["ping"]).stdout() == "PONG\n");
        let _ = client(&["get", "key"]).ok().prints(&format!("{expected}\n"));
        let _ = client(&["set", "key", "kept"]).ok().prints("OK\n");
        let _ = sampan.run(["stop", "cache"]).ok();
        assert_eq!(sampan.field("cache", "{{.State.ExitCode}}"), "0");
        let _ = sampan.run(["rm", "cache"]).ok();
    }
}

fn postgresql(sampan: &Sampan) {
    let bin = "/usr/lib/postgresql/15/bin";
    // As the official image does it: the directory is made once, by the first container.
    let script = format!(
        "chown postgres: /data && export PGDATA=/data/db && [ -d $PGDATA ] || su postgres -c '{bin}/initdb -N -A trust /data/db >/dev/null'; exec su postgres -c 'exec {bin}/postgres -D /data/db -k /tmp -c fsync=off'"
    );
    let words = [
        "run",
        "-d",
        "--init",
        "--name",
        "base",
        "--stop-signal",
        "INT",
        "-v",
        "base:/data",
        "--shm-size",
        "128m",
        "debian",
        "sh",
        "-c",
        &script,
    ];
    let query =
        |text: &str| sampan.run(["exec", "-u", "postgres", "base", "psql", "-h", "/tmp", "-Atc", text]);
    let _ = sampan.run(words).ok();
    eventually("PostgreSQL answers", || query("select 1").stdout() == "1\n");
    let _ = query("create table kept (x int); insert into kept values (42)").ok();
    let _ = sampan.run(["kill", "base"]).ok();
    let _ = sampan.run(["rm", "--force", "base"]).ok();
    let _ = sampan.run(words).ok();
    eventually("PostgreSQL answers after rm", || query("select 1").stdout() == "1\n");
    let _ = query("select x from kept").ok().prints("42\n");
}
