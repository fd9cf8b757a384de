//! The sentences that many tests begin with: a busybox container in the foreground, one in the background, what
//! `inspect` says of it.
//!
//! Containers have no network unless the test asks for one: it is quicker, and what is tested is something else.

use crate::census::cgroup;
use crate::fixture;
use crate::invocation::Outcome;
use crate::patience::stretched;
use crate::sampan::Sampan;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

/// The name of the image that [`Sampan::load_busybox`] loads.
pub const BUSYBOX: &str = "busybox";
/// How long [`eventually`] waits.
const PATIENCE: Duration = Duration::from_secs(20);
/// Options that say which network a container has, or need one.
const NETWORK_OPTIONS: [&str; 5] = ["--network", "--net", "-p", "--publish", "-P"];

/// Waits until `condition` holds.
///
/// # Panics
/// When it does not within twenty seconds.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let (started, patience) = (Instant::now(), stretched(PATIENCE));
    while !condition() {
        assert!(started.elapsed() < patience, "waited {patience:?} in vain: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

impl Sampan {
    /// Loads the busybox image.
    ///
    /// # Panics
    /// When that fails.
    pub fn load_busybox(&self) {
        let archive = fixture::busybox_archive();
        let _ = self.run(["load", "--input", archive.to_str().unwrap()]).ok();
    }

    /// The words of `run`, without network unless the options name one.
    #[must_use]
    pub fn run_words<'a>(&self, options: &[&'a str], image: &'a str, command: &[&'a str]) -> Vec<&'a str> {
        let says_network = options
            .iter()
            .any(|word| NETWORK_OPTIONS.iter().any(|option| word.split('=').next() == Some(option)));
        let network: &[&str] = if says_network { &[] } else { &["--network", "none"] };
        let mut words = vec!["run"];
        words.extend(network.iter().chain(options));
        words.push(image);
        words.extend(command);
        words
    }

    /// `run --rm` of a busybox script.
    #[must_use]
    pub fn busybox(&self, options: &[&str], script: &str) -> Outcome {
        let options: Vec<&str> = ["--rm"].iter().chain(options).copied().collect();
        self.run(self.run_words(&options, BUSYBOX, &["sh", "-c", script]))
    }

    /// `run -d` of a busybox script; the container's id.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn background(&self, options: &[&str], script: &str) -> String {
        let options: Vec<&str> = ["-d"].iter().chain(options).copied().collect();
        self.run(self.run_words(&options, BUSYBOX, &["sh", "-c", script])).ok().word()
    }

    /// `exec` of a script in a container.
    #[must_use]
    pub fn inside(&self, container: &str, script: &str) -> Outcome {
        self.run(["exec", container, "sh", "-c", script])
    }

    /// What `inspect` says about a container or an image.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn inspected(&self, name: &str) -> Value {
        self.run(["inspect", name]).ok().json()[0].clone()
    }

    /// What `inspect --format` prints.
    ///
    /// # Panics
    /// When there is no such object.
    #[must_use]
    pub fn field(&self, name: &str, template: &str) -> String {
        self.run(["inspect", "--format", template, name]).ok().word()
    }

    /// The process that owns a container, by the fact that it wrote (docs/on-disk-formats.md).
    ///
    /// # Panics
    /// When there is no such container, or it never ran.
    #[must_use]
    pub fn monitor_pid(&self, name: &str) -> u32 {
        let id = self.field(name, "{{.Id}}");
        let path = self.data_root().join("containers").join(id).join("started.json");
        let fact: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        u32::try_from(fact["monitor_pid"].as_u64().unwrap()).unwrap()
    }

    /// Waits until a monitor has left the control group of whoever started it; it stays where that is the topmost.
    ///
    /// # Panics
    /// When it does not within twenty seconds.
    pub fn await_settled_monitor(&self, name: &str) {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap();
        let names_groups =
            |line: &&str| !line.contains("::/") && !line.contains(":name=") && !line.ends_with(":/");
        let is_below =
            own.lines().any(|line| names_groups(&line) || line.starts_with("0::/") && line != "0::/");
        let group = format!("/proc/{}/cgroup", self.monitor_pid(name));
        eventually("the monitor has left our group", || {
            !is_below || fs::read_to_string(&group).unwrap_or_default().contains("/sampan-monitors")
        });
    }

    /// Waits until the container has this status.
    ///
    /// # Panics
    /// When it has not within twenty seconds.
    pub fn await_status(&self, name: &str, status: &str) {
        eventually(&format!("{name} is {status}"), || self.field(name, "{{.State.Status}}") == status);
    }

    /// Waits until the container's log holds `text`; the whole output, both streams.
    ///
    /// # Panics
    /// When it does not within twenty seconds.
    pub fn await_log(&self, name: &str, text: &str) -> String {
        let mut log = String::new();
        eventually(&format!("the log of {name} has {text:?}"), || {
            let outcome = self.run(["logs", name]).ok();
            log = outcome.stdout() + &outcome.stderr();
            log.contains(text)
        });
        log
    }

    /// Names of all containers, oldest first.
    ///
    /// # Panics
    /// When they cannot be listed.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let text = self.run(["ps", "--all", "--format", "{{.Names}}"]).ok().stdout();
        let mut names: Vec<String> = text.lines().map(String::from).collect();
        names.reverse();
        names
    }

    /// A file of the container's control group as the host sees it; the first name that exists (version 1, version 2).
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn cgroup_file(&self, id: &str, names: &[&str]) -> String {
        let groups = self.cgroups_of(id);
        let read = |name: &&str| {
            let mut texts = groups.iter().filter_map(|group| fs::read_to_string(group.join(name)).ok());
            // The container's own group is the deepest; its parents may have the same file.
            texts.next_back()
        };
        match names.iter().find_map(read) {
            Some(text) => text.trim().to_owned(),
            None => panic!("none of {names:?} in {groups:?}"),
        }
    }

    /// Whether the container's control group has a file of this name.
    #[must_use]
    pub fn has_cgroup_file(&self, id: &str, name: &str) -> bool {
        self.cgroups_of(id).iter().any(|group| group.join(name).exists())
    }

    fn cgroups_of(&self, id: &str) -> Vec<PathBuf> {
        let all = cgroup::of_instance(&self.data_root()).into_iter();
        all.filter(|path| path.contains(id)).map(Into::into).collect()
    }
}
