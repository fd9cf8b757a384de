//! Why a launch failed.

use crate::hooks::HookError;
use kernel::process::Exit;
use rustix::io::Errno;
use std::fmt;

/// A kernel error without the number that `std` adds, and in lower case like the messages of other runtimes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause(pub Errno);

/// Messages that musl words differently from glibc and Go, whose words people know and search for.
const WORDS: [(Errno, &str); 14] = [
    (Errno::LOOP, "too many levels of symbolic links"),
    (Errno::BUSY, "device or resource busy"),
    (Errno::OPNOTSUPP, "operation not supported"),
    (Errno::NOMEM, "cannot allocate memory"),
    (Errno::IO, "input/output error"),
    (Errno::XDEV, "invalid cross-device link"),
    (Errno::MFILE, "too many open files"),
    (Errno::NFILE, "too many open files in system"),
    (Errno::NAMETOOLONG, "file name too long"),
    (Errno::DQUOT, "disk quota exceeded"),
    (Errno::CHILD, "no child processes"),
    (Errno::NOTTY, "inappropriate ioctl for device"),
    (Errno::TOOBIG, "argument list too long"),
    (Errno::PROTO, "protocol error"),
];

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((_, words)) = WORDS.iter().find(|(errno, _)| *errno == self.0) {
            return f.write_str(words);
        }
        let text = std::io::Error::from(self.0).to_string();
        let text = text.split(" (os error").next().unwrap_or(&text);
        let mut letters = text.chars();
        match letters.next() {
            // Words that begin with two capitals are names and stay as they are.
            Some(first) if letters.as_str().starts_with(char::is_lowercase) => {
                write!(f, "{}{}", first.to_ascii_lowercase(), letters.as_str())
            }
            _ => f.write_str(text),
        }
    }
}

impl std::error::Error for Cause {}

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum StepKind {
    /// Preparing the child itself: descriptors, session, signals.
    Prepare,
    /// Entering the control group.
    EnterCgroup,
    /// Entering or making namespaces.
    Namespaces,
    /// Bringing up the loopback interface.
    Loopback,
    /// Setting the host name.
    Hostname,
    /// Setting the NIS domain name.
    Domainname,
    /// Mounting the root file system.
    RootFilesystem,
    /// Mounting.
    Mount,
    /// Making a device node.
    Device,
    /// Making a symbolic link.
    Link,
    /// Making the terminal.
    Terminal,
    /// Hiding a path.
    MaskPath,
    /// Making a path read-only.
    ReadonlyPath,
    /// Changing the root directory.
    PivotRoot,
    /// Setting a kernel parameter.
    Sysctl,
    /// Setting a resource limit.
    Rlimit,
    /// Setting the OOM score adjustment.
    OomScore,
    /// Setting scheduling policy, I/O priority, memory policy or execution domain.
    Scheduling,
    /// Setting the security label.
    Label,
    /// Making the session keyring.
    Keyring,
    /// Setting users and groups.
    User,
    /// Setting capabilities.
    Capabilities,
    /// Setting `no_new_privs`.
    NoNewPrivileges,
    /// Installing the seccomp filter.
    Seccomp,
    /// Changing to the working directory.
    WorkingDirectory,
    /// Running a hook.
    Hook,
    /// Looking the program up.
    FindProgram,
    /// Executing the program.
    Execute,
    /// Moves a network device in.
    NetworkDevice,
}

impl StepKind {
    /// Every kind, in the order of their numbers on the channel.
    pub(crate) const ALL: [StepKind; 29] = [
        StepKind::Prepare,
        StepKind::EnterCgroup,
        StepKind::Namespaces,
        StepKind::Loopback,
        StepKind::Hostname,
        StepKind::Domainname,
        StepKind::RootFilesystem,
        StepKind::Mount,
        StepKind::Device,
        StepKind::Link,
        StepKind::Terminal,
        StepKind::MaskPath,
        StepKind::ReadonlyPath,
        StepKind::PivotRoot,
        StepKind::Sysctl,
        StepKind::Rlimit,
        StepKind::OomScore,
        StepKind::Scheduling,
        StepKind::Label,
        StepKind::Keyring,
        StepKind::User,
        StepKind::Capabilities,
        StepKind::NoNewPrivileges,
        StepKind::Seccomp,
        StepKind::WorkingDirectory,
        StepKind::Hook,
        StepKind::FindProgram,
        StepKind::Execute,
        StepKind::NetworkDevice,
    ];

    fn phrase(self) -> &'static str {
        match self {
            StepKind::Prepare => "prepare the process",
            StepKind::EnterCgroup => "enter the cgroup",
            StepKind::Namespaces => "enter namespaces",
            StepKind::Loopback => "bring up the loopback interface",
            StepKind::Hostname => "set the host name",
            StepKind::Domainname => "set the domain name",
            StepKind::RootFilesystem => "mount the root file system",
            StepKind::Mount => "mount",
            StepKind::Device => "make device",
            StepKind::Link => "make link",
            StepKind::Terminal => "make the terminal",
            StepKind::MaskPath => "mask path",
            StepKind::ReadonlyPath => "make read-only",
            StepKind::PivotRoot => "change the root directory",
            StepKind::Sysctl => "set kernel parameter",
            StepKind::Rlimit => "set limit",
            StepKind::OomScore => "set the OOM score adjustment",
            StepKind::Scheduling => "set scheduling",
            StepKind::Label => "set the security label",
            StepKind::Keyring => "make the session keyring",
            StepKind::User => "set user",
            StepKind::Capabilities => "set capabilities",
            StepKind::NoNewPrivileges => "forbid new privileges",
            StepKind::Seccomp => "install the seccomp filter",
            StepKind::WorkingDirectory => "change to working directory",
            StepKind::Hook => "run hook",
            StepKind::FindProgram => "find program",
            StepKind::Execute => "execute",
            StepKind::NetworkDevice => "move network device",
        }
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.phrase())
    }
}

/// Why a process could not be launched. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// A field of the spec cannot be obeyed.
    #[error("{field}{} {problem}", value_of(.value))]
    Invalid {
        /// The field, as in config.json.
        field: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A bare command name that no directory of the container's `PATH` has.
    #[error("exec: {program:?}: executable file not found in $PATH")]
    NotInPath {
        /// The command.
        program: String,
    },
    /// The program cannot be executed.
    #[error("exec: {program:?}")]
    Program {
        /// The command as it was given.
        program: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A preparation on the host failed, before there was a process.
    #[error("{step}{}", after_space(.object))]
    Host {
        /// What was being done.
        step: StepKind,
        /// To what.
        object: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A step inside the new process failed.
    #[error("{step}{}{}", after_space(.object), note(.detail))]
    Step {
        /// What was being done.
        step: StepKind,
        /// To what.
        object: String,
        /// What the kernel or the runtime adds to it; may be empty.
        detail: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A hook in the caller's namespaces failed.
    #[error("the container was given up")]
    Hook(#[from] HookError),
    /// The process could not be made.
    #[error("clone the container's process")]
    Clone {
        /// Why.
        #[source]
        source: Cause,
    },
    /// The process ended before it was ready.
    #[error("the container's process ended during its set-up: {}", ending(.exit))]
    Died {
        /// How it ended, if that could be learnt.
        exit: Option<Exit>,
    },
    /// The process was kept from getting ready or from executing its program.
    #[error("the container's process {why} during its set-up and was killed")]
    Hindered {
        /// What happened to it.
        why: &'static str,
    },
    /// The channel to the process failed.
    #[error("talk with the container's process")]
    Channel {
        /// Why.
        #[source]
        source: Cause,
    },
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn value_of(value: &str) -> String {
    if value.is_empty() { String::new() } else { format!(": {value:?}") }
}

fn after_space(object: &str) -> String {
    if object.is_empty() { String::new() } else { format!(" {object}") }
}

fn note(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(" ({detail})") }
}

fn ending(exit: &Option<Exit>) -> String {
    match exit {
        Some(Exit::Code(code)) => format!("exit code {code}"),
        Some(Exit::Signal { number: 9, .. }) => "killed, perhaps for want of memory".to_owned(),
        Some(Exit::Signal { number, .. }) => format!("signal {number}"),
        None => "nobody knows how".to_owned(),
    }
}

impl LaunchError {
    /// What Docker's command line exits with: 127 when there is no such command, 126 when it cannot be executed,
    /// 125 for everything else.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self {
            LaunchError::NotInPath { .. } => 127,
            LaunchError::Program { source: Cause(Errno::NOENT | Errno::NOTDIR | Errno::LOOP), .. } => 127,
            LaunchError::Program { .. } => 126,
            _ => 125,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_read_like_the_rest_of_a_sentence() {
        assert_eq!(Cause(Errno::NOENT).to_string(), "no such file or directory");
        assert_eq!(Cause(Errno::ACCESS).to_string(), "permission denied");
        assert_eq!(Cause(Errno::LOOP).to_string(), "too many levels of symbolic links");
    }

    #[test]
    fn missing_and_refused_programs_have_docker_s_codes() {
        let program = |source| LaunchError::Program { program: "/x".into(), source: Cause(source) };
        assert_eq!(program(Errno::NOENT).exit_code(), 127);
        assert_eq!(program(Errno::ACCESS).exit_code(), 126);
        assert_eq!(program(Errno::ISDIR).exit_code(), 126);
        assert_eq!(LaunchError::NotInPath { program: "foo".into() }.exit_code(), 127);
        assert_eq!(LaunchError::Died { exit: None }.exit_code(), 125);
    }

    #[test]
    fn kinds_and_their_numbers_agree() {
        for (number, kind) in StepKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
        }
    }
}
