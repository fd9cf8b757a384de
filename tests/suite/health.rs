//! Health checks, with nobody but the monitor there to run them.

use tests::{Sampan, eventually, isolated};

/// Healthy as long as a file is there.
const PROBE: [&str; 6] =
    ["--health-cmd", "test -e /tmp/well", "--health-interval", "200ms", "--health-timeout", "5s"];

fn options<'a>(more: &[&'a str]) -> Vec<&'a str> {
    PROBE.iter().chain(more).copied().collect()
}

fn await_health(sampan: &Sampan, name: &str, status: &str) {
    eventually(&format!("{name} is {status}"), || sampan.field(name, "{{.State.Health.Status}}") == status);
}

#[test]
fn a_container_becomes_healthy_and_unhealthy() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(
            &options(&["--name", "patient", "--health-retries", "2", "--health-start-period", "5m"]),
            "sleep 1000",
        );
        assert_eq!(sampan.field("patient", "{{.State.Health.Status}}"), "starting");
        let _ = sampan.run(["ps", "--format", "{{.Status}}"]).ok().shows("(health: starting)");
        let _ = sampan.inside("patient", "touch /tmp/well").ok();
        await_health(sampan, "patient", "healthy");
        let _ = sampan.run(["ps", "--format", "{{.Status}}"]).ok().shows("(healthy)");
        let _ = sampan.inside("patient", "rm /tmp/well").ok();
        await_health(sampan, "patient", "unhealthy");
        let health = &sampan.inspected("patient")["State"]["Health"];
        assert!(health["FailingStreak"].as_i64().unwrap() >= 2, "{health}");
        let log = health["Log"].as_array().unwrap();
        assert!(log.len() <= 5 && log.last().unwrap()["ExitCode"] == 1, "{health}");
        let _ = sampan
            .run(["ps", "-q", "--filter", "health=unhealthy"])
            .ok()
            .shows(&sampan.field("patient", "{{.Id}}")[..12]);
        let _ = sampan.run(["ps", "-q", "--filter", "health=healthy"]).ok().prints("");
        let _ = sampan.inside("patient", "touch /tmp/well").ok();
        await_health(sampan, "patient", "healthy");
        let events = sampan
            .run([
                "events",
                "--since",
                "1h",
                "--until",
                "0s",
                "--filter",
                "container=patient",
                "--format",
                "{{.Action}}",
            ])
            .ok()
            .stdout();
        let changes: Vec<&str> = events.lines().filter(|line| line.starts_with("health_status")).collect();
        assert_eq!(changes, ["health_status: healthy", "health_status: unhealthy", "health_status: healthy"]);
    });
}

#[test]
fn a_probe_that_outlasts_its_time_fails() {
    isolated(|sampan| {
        sampan.load_busybox();
        let slow = [
            "--name",
            "slow",
            "--health-cmd",
            "echo begun; sleep 50",
            "--health-interval",
            "100ms",
            "--health-timeout",
            "200ms",
            "--health-retries",
            "1",
        ];
        let _ = sampan.background(&slow, "sleep 100");
        await_health(sampan, "slow", "unhealthy");
        let probe = sampan.inspected("slow")["State"]["Health"]["Log"][0].clone();
        assert_eq!(probe["ExitCode"], -1, "{probe}");
        assert!(probe["Output"].as_str().unwrap().contains("exceeded timeout"), "{probe}");
        // The probe itself has gone, with its children.
        eventually("no probe is left", || {
            !sampan.inside("slow", "ps").ok().stdout().contains("sleep 50")
                || sampan.field("slow", "{{len .State.Health.Log}}") == "5"
        });
    });
}

#[test]
fn failures_in_the_start_period_do_not_count() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(
            &options(&["--name", "early", "--health-retries", "1", "--health-start-period", "1h"]),
            "sleep 100",
        );
        eventually("it was probed twice", || {
            sampan.field("early", "{{len .State.Health.Log}}").parse::<u32>().unwrap() >= 2
        });
        assert_eq!(sampan.field("early", "{{.State.Health.Status}}"), "starting");
        let _ = sampan.inside("early", "touch /tmp/well").ok();
        await_health(sampan, "early", "healthy");
        // One success ends the period.
        let _ = sampan.inside("early", "rm /tmp/well").ok();
        await_health(sampan, "early", "unhealthy");
    });
}

#[test]
fn the_start_period_has_an_interval_of_its_own() {
    isolated(|sampan| {
        sampan.load_busybox();
        let often = [
            "--name",
            "often",
            "--health-cmd",
            "true",
            "--health-interval",
            "1h",
            "--health-start-period",
            "1h",
            "--health-start-interval",
            "100ms",
        ];
        let _ = sampan.background(&often, "sleep 100");
        await_health(sampan, "often", "healthy");
    });
}

#[test]
fn health_checks_can_be_switched_off() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&["--no-healthcheck", "--name", "off"], "sleep 100");
        assert_eq!(
            sampan.field("off", "{{json .State.Health}} {{json .Config.Healthcheck.Test}}"),
            "null [\"NONE\"]"
        );
        let _ = sampan.background(&["--name", "without"], "sleep 100");
        assert!(sampan.inspected("without")["State"]["Health"].is_null());
        let _ = sampan
            .busybox(&["--no-healthcheck", "--health-cmd", "true"], "true")
            .fails_with(125)
            .says("--no-healthcheck");
    });
}

#[test]
fn health_values_are_checked() {
    isolated(|sampan| {
        sampan.load_busybox();
        for (flag, value) in [
            ("--health-interval", "soon"),
            ("--health-interval", "-1s"),
            ("--health-timeout", "1"),
            ("--health-retries", "some"),
            ("--health-retries", "-1"),
            ("--health-start-period", "-5s"),
        ] {
            let refused = sampan.busybox(&["--health-cmd", "true", flag, value], "true").fails_with(125);
            assert!(refused.stderr().to_lowercase().contains(&flag[9..]), "{refused}");
        }
    });
}

#[test]
fn a_stopped_container_is_not_probed() {
    isolated(|sampan| {
        sampan.load_busybox();
        let _ = sampan.background(&options(&["--name", "ended"]), "touch /tmp/well; sleep 100");
        await_health(sampan, "ended", "healthy");
        let _ = sampan.run(["stop", "-t", "0", "ended"]).ok();
        let status = sampan.run(["ps", "-a", "--format", "{{.Status}}"]).ok().stdout();
        assert!(!status.contains("health"), "{status}");
        let _ = sampan.run(["start", "ended"]).ok();
        await_health(sampan, "ended", "healthy");
    });
}
