//! Where operations are killed: an instance with containers and an image that must survive, and what is looked at after
//! each kill.

use super::strike::Ended;
use std::fs;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};
use tests::census::Census;
use tests::registry::Registry;
use tests::sampan::DEMO_IMAGE;
use tests::strace::{Installation, Role};
use tests::{Invocation, Outcome, Sampan, small_image};

/// The name of the container, or of the image, that operations work on.
pub(super) const SWEPT: &str = "swept";

/// What the container is renamed to.
pub(super) const RENAMED: &str = "renamed";

/// Another name of the image.
pub(super) const TAGGED: &str = "swept:two";

/// The name in the archive that is loaded.
pub(super) const LOADED: &str = "small";

/// Lists the images, without what changes by itself.
const IMAGES: [&str; 4] = ["images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"];

/// How long containers that end by themselves may take to be gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is killed.
pub(super) struct Operation {
    /// For reports.
    pub(super) name: &'static str,
    /// Whose processes are killed.
    pub(super) roles: &'static [Role],
    /// Whether the monitor that is killed runs before the operation begins.
    pub(super) monitor_runs: bool,
    /// Whether it speaks with a registry.
    pub(super) wants_registry: bool,
    /// Brings about what the operation needs.
    pub(super) prepare: fn(&Bench),
    /// Happens just before the command, when a monitor is under watch already.
    pub(super) before: fn(&Bench),
    /// The command.
    pub(super) command: fn(&Bench) -> Vec<String>,
    /// Panics unless the outcome is one that this kill may have; runs before anything is repaired.
    pub(super) judge: fn(&Bench, &Ended),
    /// Whether the tidying itself repairs what a killed monitor left.
    pub(super) repaired_by_next: bool,
    /// Panics unless all is well after the repair, and takes away what the operation made.
    pub(super) tidy: fn(&Bench, &Ended),
}

/// The instance.
pub(super) struct Bench {
    pub(super) sampan: Sampan,
    pub(super) installation: Installation,
    registry: Option<Registry>,
    images: String,
    before: Mutex<Census>,
}

impl Bench {
    pub(super) fn new(sampan: &Sampan, operation: &Operation) -> Self {
        let registry = operation.wants_registry.then(|| filled_registry(sampan));
        let installation = Installation::new(&sampan.directory().join("bin"));
        let sampan = Sampan::new(sampan.directory(), installation.program());
        let run = |words: &[&str]| drop(sampan.run(words).ok());
        // What is made once per instance, or per network, is not what is swept.
        run(&["run", "--rm", "-p", "18079:80", DEMO_IMAGE, "true"]);
        run(&["create", "--name", "kept", "--network", "none", "-v", "kept:/kept", DEMO_IMAGE, "true"]);
        run(&["run", "-d", "--name", "bystander", DEMO_IMAGE, "sleep", "99999"]);
        let images = sampan.run(IMAGES).ok().stdout();
        let before = Mutex::new(sampan.settled_census());
        Self { sampan, installation, registry, images, before }
    }

    pub(super) fn run(&self, words: &[&str]) -> Outcome {
        self.sampan.run(words)
    }

    /// An image of the registry.
    pub(super) fn remote_image(&self) -> String {
        self.registry.as_ref().map(|registry| format!("{}/small:1", registry.host)).unwrap_or_default()
    }

    /// The state of a container, `None` when there is none of that name.
    pub(super) fn status(&self, name: &str) -> Option<String> {
        let outcome = self.run(&["container", "inspect", "--format", "{{.State.Status}}", name]);
        if outcome.code() == 0 {
            return Some(outcome.word());
        }
        let _ = outcome.fails_with(1).says("o such ");
        None
    }

    /// A field of the swept container.
    pub(super) fn field(&self, format: &str) -> String {
        self.run(&["container", "inspect", "--format", format, SWEPT]).ok().word()
    }

    /// The swept container's own process is gone, without any repair.
    pub(super) fn require_no_process_of_swept(&self) {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let line = |process: &fs::DirEntry| fs::read(process.path().join("cmdline")).unwrap_or_default();
        let left = processes.filter(|process| line(process) == b"sleep\x00100000\x00").count();
        assert_eq!(left, 0, "the container's process goes on");
    }

    /// What must hold after each kill, before anything is repaired.
    pub(super) fn require_usable(&self) {
        let _ = self.run(&["ps", "--all"]).ok().shows("kept").shows("bystander");
        let _ = self.sampan.demo(&[], &["echo", "next"]).ok().prints("next\n").is_quiet();
    }

    /// Repairs, unless whatever the operation's tidying does first has to: what a killed monitor held is given back by
    /// the next command that changes its container.
    pub(super) fn repair_unless_next(&self, operation: &Operation, role: Role) {
        if !operation.repaired_by_next || role != Role::Monitor {
            self.repair();
        }
    }

    /// Repairs until nothing is left to be repaired: containers that end by themselves may still be at it.
    pub(super) fn repair(&self) {
        let started = Instant::now();
        loop {
            let repaired = self.run(&["system", "check", "--repair"]);
            let checked = self.run(&["system", "check"]);
            if repaired.code() == 0 && checked.code() == 0 {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "not repaired:\n{repaired}\nand then\n{checked}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What must hold at the end of each attempt: containers and images that were there are there, nothing else is.
    pub(super) fn require_as_before(&self) {
        assert_eq!(self.status("kept").as_deref(), Some("created"));
        assert_eq!(self.status("bystander").as_deref(), Some("running"));
        let _ = self.run(&["system", "check"]).ok();
        assert_eq!(self.run(&IMAGES).ok().stdout(), self.images, "the images changed");
        // Copied: what panics while it holds the lock poisons it.
        let before = self.before.lock().unwrap().clone();
        self.sampan.require_no_leak_since(&before, Census::clone);
    }

    /// After a failed attempt: what it left must not fail the next ones too.
    pub(super) fn start_over(&self) {
        let _ = self.run(&["rm", "--force", "--volumes", SWEPT]);
        let _ = self.run(&["network", "prune", "--force"]);
        let _ = self.run(&["rm", "--force", "--volumes", RENAMED]);
        let _ = self.run(&["volume", "rm", "--force", SWEPT]);
        for image in [SWEPT, TAGGED, LOADED, &self.remote_image()] {
            let _ = self.run(&["rmi", "--force", image]);
        }
        let _ = self.run(&["system", "check", "--repair"]);
        *self.before.lock().unwrap() = self.sampan.settled_census();
    }

    /// One line about what there is.
    pub(super) fn summary(&self) -> String {
        self.before.lock().unwrap().summary()
    }
}

/// A registry that holds the small image.
fn filled_registry(sampan: &Sampan) -> Registry {
    let registry = Registry::start(sampan);
    let from = format!("oci:{}:latest", small_image::layout().display());
    let to = format!("docker://{}/small:1", registry.host);
    let words = ["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", &from, &to];
    let _ = Invocation::new("skopeo", words).run().ok();
    registry
}
