//! An instance of Sampan that belongs to one test.

use crate::census::Census;
use crate::invocation::{Invocation, Outcome};
use crate::patience::stretched;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// The image that needs no network: our own static program.
pub const DEMO_IMAGE: &str = "localhost/sampan-demo";
/// How long what only the kernel works on may still be seen after a command returned.
const SETTLING_LIMIT: Duration = Duration::from_secs(5);
/// What does not change for so long has settled.
const SETTLED_FOR: Duration = Duration::from_millis(200);

/// The program under test with a data root and an exec root of its own.
pub struct Sampan {
    program: PathBuf,
    directory: PathBuf,
    start: Census,
}

impl Sampan {
    /// An instance below `directory`, which exists; the census of this moment is what must be there at the end.
    #[must_use]
    pub fn new(directory: &Path, program: PathBuf) -> Self {
        let mut sampan = Self { program, directory: directory.to_path_buf(), start: Census::default() };
        sampan.start = sampan.census();
        sampan
    }

    /// The test's own directory, also for its files.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Outlives a reboot.
    #[must_use]
    pub fn data_root(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Does not outlive a reboot.
    #[must_use]
    pub fn exec_root(&self) -> PathBuf {
        self.directory.join("exec")
    }

    /// A command of this instance, not yet run.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Invocation {
        self.settled(Invocation::new(&self.program, arguments))
    }

    /// The program under test.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// With the environment of this instance, for a command that starts [`Self::program`] in its own way.
    #[must_use]
    pub fn settled(&self, invocation: Invocation) -> Invocation {
        invocation
            .env("SAMPAN_DATA_ROOT", self.data_root())
            .env("SAMPAN_EXEC_ROOT", self.exec_root())
            // What the developer's own shell says must not change a test.
            .env("DOCKER_HOST", "")
            .env("DOCKER_CONTEXT", "")
            .env("DOCKER_CONFIG", self.directory.join("docker-config"))
    }

    /// Runs a command of this instance to its end.
    #[must_use]
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Outcome {
        self.command(arguments).run()
    }

    /// `run --rm` of the demo image, without network, with these arguments.
    #[must_use]
    pub fn demo<'a>(&self, options: &[&'a str], command: &[&'a str]) -> Outcome {
        let words =
            ["run", "--rm", "--network", "none"].iter().chain(options).chain(&[DEMO_IMAGE]).chain(command);
        self.run(words)
    }

    /// What this instance has on the machine now.
    #[must_use]
    pub fn census(&self) -> Census {
        Census::take(&self.data_root(), &self.exec_root())
    }

    /// The same once it has stopped changing: a command returns while the kernel and pid 1 still clear up after it.
    #[must_use]
    pub fn settled_census(&self) -> Census {
        let started = Instant::now();
        let mut last = self.census();
        loop {
            thread::sleep(SETTLED_FOR);
            let now = self.census();
            let settled = !now.has_zombies() && last.differences(&now).is_empty();
            if settled || started.elapsed() > stretched(SETTLING_LIMIT) {
                return now;
            }
            last = now;
        }
    }

    /// Removes every container, then requires what was there at the start and nothing else, apart from files of the
    /// store (images stay until they are removed).
    ///
    /// # Panics
    /// With the list of what is left.
    pub fn require_nothing_left(&self) {
        let ids = self.run(["ps", "--all", "--quiet", "--no-trunc"]).ok().stdout();
        if !ids.trim().is_empty() {
            let _ = self.run(["rm", "--force"].into_iter().chain(ids.split_whitespace())).ok();
        }
        let _ = self.run(["network", "prune", "--force"]).ok();
        self.require_no_leak_since(&self.start, Census::without_store);
        let _ = self.run(["system", "check"]).ok();
    }

    /// Removes what an instance keeps when it has no container: its control groups, its bridge and its table of rules.
    /// For one that is made besides the test's; the network namespace is the test's.
    ///
    /// # Panics
    /// When control groups of containers are left.
    pub fn forget(&self) {
        let left = crate::census::cgroup::remove_of_instance(&self.data_root());
        assert!(left.is_empty(), "control groups left behind: {left:?}");
        let links = Invocation::new("ip", ["-oneline", "link", "show", "type", "bridge"]).run().ok().stdout();
        for name in links.lines().filter_map(|line| line.split(": ").nth(1)) {
            let _ = Invocation::new("ip", ["link", "delete", name]).run().ok();
        }
        let _ = Invocation::new("nft", ["flush", "ruleset"]).run().ok();
    }

    /// Requires the census of now to equal `before`, both reduced by `part`; waits a little for the kernel.
    ///
    /// # Panics
    /// With the differences.
    pub fn require_no_leak_since(&self, before: &Census, part: fn(&Census) -> Census) {
        let before = part(before);
        let started = Instant::now();
        loop {
            let differences = before.differences(&part(&self.census()));
            if differences.is_empty() {
                return;
            }
            assert!(
                started.elapsed() < stretched(SETTLING_LIMIT),
                "left behind:\n  {}",
                differences.join("\n  ")
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}
