//! What the instance and its host are.

use crate::Engine;
use crate::containers::{LookupError, host, observe};
use image::GetError;
use monitor::status::State;
use state::StateError;
use std::fs;
use std::path::PathBuf;

/// Programs and kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionInfo {
    /// Version of this program.
    pub version: String,
    /// Its build id, shared with the runtime program.
    pub build: String,
    /// `linux`.
    pub os: &'static str,
    /// GOARCH.
    pub architecture: String,
    /// Release of the kernel.
    pub kernel: String,
}

/// Which interface of control groups the host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CgroupVersion {
    /// One tree per controller.
    V1,
    /// One tree.
    V2,
}

/// The instance and its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemInfo {
    /// Part of every host-global name.
    pub instance: String,
    /// All containers.
    pub containers: usize,
    /// Those that run.
    pub running: usize,
    /// Those that are paused.
    pub paused: usize,
    /// The others.
    pub stopped: usize,
    /// Images.
    pub images: usize,
    /// Where the data is.
    pub data_root: PathBuf,
    /// Where the run-time files are.
    pub exec_root: PathBuf,
    /// The runtime program.
    pub runtime: PathBuf,
    /// Default log driver.
    pub log_driver: String,
    /// Interface of control groups.
    pub cgroup_version: CgroupVersion,
    /// Programs and kernel.
    pub version: VersionInfo,
    /// `PRETTY_NAME` of os-release(5).
    pub operating_system: String,
    /// Processors that this process may use.
    pub cpus: u32,
    /// Bytes of memory.
    pub memory: u64,
    /// The host's name.
    pub name: String,
    /// Security modules in force (`seccomp`, `apparmor` …), with Docker's spelling.
    pub security_options: Vec<String>,
    /// Registries that may be spoken to without verified TLS.
    pub insecure_registries: Vec<String>,
    /// Registries asked before the hub.
    pub registry_mirrors: Vec<String>,
    /// What a person should know, one line each.
    pub warnings: Vec<String>,
}

/// Why the instance could not be described.
#[derive(Debug, thiserror::Error)]
pub enum InfoError {
    /// Its containers.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Its images.
    #[error(transparent)]
    Images(#[from] GetError),
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
}

fn operating_system() -> String {
    let text = fs::read_to_string("/etc/os-release").or_else(|_| fs::read_to_string("/usr/lib/os-release"));
    let text = text.unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    value.map_or_else(|| "Linux".to_owned(), |value| value.trim_matches('"').to_owned())
}

fn memory() -> u64 {
    let info = rustix::system::sysinfo();
    // Fields of sysinfo(2) have the kernel's word size, which is 64 bits wherever we run.
    #[allow(clippy::useless_conversion, reason = "the types differ between architectures")]
    u64::from(info.totalram).saturating_mul(u64::from(info.mem_unit))
}

impl Engine {
    /// Programs and kernel; nothing of the instance is opened.
    #[must_use]
    pub fn version(&self) -> VersionInfo {
        let programs = &self.context().programs;
        VersionInfo {
            version: programs.version.clone(),
            build: programs.build.clone(),
            os: "linux",
            architecture: image::host_platform().architecture,
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
        }
    }

    /// The instance and its host.
    ///
    /// # Errors
    /// When containers or images cannot be listed.
    pub fn info(&self) -> Result<SystemInfo, InfoError> {
        let context = self.context();
        let ids = self.database()?.read(|reader| reader.containers(&context.namespace))?;
        let states: Vec<State> =
            ids.iter().map(|row| observe::observe(&self.directories(&row.id)).state).collect();
        let count = |wanted: &[State]| states.iter().filter(|state| wanted.contains(state)).count();
        let (running, paused) = (count(&[State::Running, State::Restarting]), count(&[State::Paused]));
        let images = self.images()?.list().map_err(GetError::from)?.len();
        let unified = host::is_unified();
        let mut warnings = Vec::new();
        if !host::has_swap_limit(unified) {
            warnings.push("No swap limit support".to_owned());
        }
        Ok(SystemInfo {
            instance: context.instance.to_string(),
            containers: states.len(),
            running,
            paused,
            stopped: states.len() - running - paused,
            images,
            data_root: context.roots.data.clone(),
            exec_root: context.roots.exec.clone(),
            runtime: context.programs.runtime.clone(),
            log_driver: context.config.log_driver.clone(),
            cgroup_version: if unified { CgroupVersion::V2 } else { CgroupVersion::V1 },
            version: self.version(),
            operating_system: operating_system(),
            cpus: host::cpus(),
            memory: memory(),
            name: crate::containers::files::host_name(),
            security_options: security_options(unified),
            insecure_registries: context.config.insecure_registries.clone(),
            registry_mirrors: context.config.registry_mirrors.clone(),
            warnings,
        })
    }
}

fn security_options(unified: bool) -> Vec<String> {
    let mut options = vec!["name=seccomp,profile=builtin".to_owned()];
    if unified {
        options.push("name=cgroupns".to_owned());
    }
    options
}
