//! What is wrong with a request. The words are Docker's where it has some.

/// A request that cannot be carried out as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Neither request nor image says what to run.
    #[error("no command specified")]
    NoCommand,
    /// Not absolute.
    #[error("the working directory '{path}' is invalid, it needs to be an absolute path")]
    WorkingDirectory {
        /// What was asked.
        path: String,
    },
    /// Not a host name.
    #[error("invalid hostname {name:?}: at most 64 letters, digits, '-' and '.'")]
    Hostname {
        /// What was asked.
        name: String,
    },
    /// Not a variable.
    #[error("invalid environment variable: {text}")]
    Environment {
        /// What was asked.
        text: String,
    },
    /// Not one of capabilities(7).
    #[error("invalid {field}: unknown capability: {name:?}")]
    Capability {
        /// `CapAdd` or `CapDrop`.
        field: &'static str,
        /// What was asked.
        name: String,
    },
    /// No such signal.
    #[error("invalid signal: {text}")]
    Signal {
        /// What was asked.
        text: String,
    },
    /// A limit that contradicts another, or is out of range.
    #[error("{0}")]
    Limit(String),
    /// Not a limit of getrlimit(2).
    #[error("invalid ulimit type: {name}")]
    UlimitType {
        /// What was asked.
        name: String,
    },
    /// More in force than the ceiling.
    #[error("ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}")]
    UlimitOrder {
        /// In force.
        soft: u64,
        /// Ceiling.
        hard: u64,
    },
    /// A kernel parameter that is not the container's own.
    #[error("sysctl '{name}' is not allowed: it does not belong to the container's namespaces")]
    Sysctl {
        /// What was asked.
        name: String,
    },
    /// A network parameter where the network is shared.
    #[error("sysctl {name:?} can't be set when network={mode}")]
    SysctlNetwork {
        /// What was asked.
        name: String,
        /// `host` or `container`.
        mode: &'static str,
    },
    /// A parameter of an IPC namespace that is the host's.
    #[error("sysctl {name:?} can't be set when ipc=host")]
    SysctlIpc {
        /// What was asked.
        name: String,
    },
    /// A container that shares with nobody. The words are Docker's.
    #[error(
        "failed to join IPC namespace: container {container}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)"
    )]
    NotShareable {
        /// As it was asked for.
        container: String,
    },
    /// Not a security option.
    #[error("invalid --security-opt: {text:?}")]
    SecurityOption {
        /// What was asked.
        text: String,
    },
    /// Not a filter of system calls.
    #[error("invalid seccomp profile: {problem}")]
    Seccomp {
        /// What is wrong with it.
        problem: String,
    },
    /// A mount that cannot be.
    #[error("invalid mount config for type \"{kind}\": {problem}")]
    Mount {
        /// `bind`, `volume`, `tmpfs`.
        kind: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Two mounts at one place.
    #[error("Duplicate mount point: {target}")]
    DuplicateMount {
        /// Where.
        target: String,
    },
    /// Not a port.
    #[error("invalid port {text:?}: expected port[-port][/tcp|/udp]")]
    Port {
        /// What was found.
        text: String,
    },
    /// A name that the image does not know.
    #[error("unable to find user {name}: no matching entries in passwd file")]
    UnknownUser {
        /// What was asked.
        name: String,
    },
    /// A name that the image does not know.
    #[error("unable to find group {name}: no matching entries in group file")]
    UnknownGroup {
        /// What was asked.
        name: String,
    },
    /// A number that is no id.
    #[error("uids and gids must be in range 0-2147483647")]
    IdRange,
    /// No such driver.
    #[error("logger: no log driver named '{name}' is registered")]
    LogDriver {
        /// What was asked.
        name: String,
    },
    /// Not an option of the driver.
    #[error("unknown log opt '{option}' for {driver} log driver")]
    LogOption {
        /// What was asked.
        option: String,
        /// The driver.
        driver: String,
    },
    /// Not a value of the option.
    #[error("invalid value for log opt '{option}': {value:?}")]
    LogValue {
        /// The option.
        option: String,
        /// What was asked.
        value: String,
    },
    /// A probe that makes no sense.
    #[error("{0}")]
    Health(&'static str),
    /// Restarted and removed at once.
    #[error("can't create 'AutoRemove' container with restart policy")]
    AutoRemoveRestart,
    /// Two choices that exclude each other.
    #[error("conflicting options: {0}")]
    Conflict(&'static str),
}
