//! What can go wrong between us and a registry.

use crate::policy::PolicyError;
use crate::url::Url;
use content::ContentError;
use std::io;
use std::path::PathBuf;

/// What a registry is spoken to for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Reading from a repository.
    Pull,
    /// Writing to it.
    Push,
    /// Finding out whether credentials are good.
    Login,
}

impl Purpose {
    fn denied(self, subject: &str) -> String {
        match self {
            Self::Pull => format!(
                "pull access denied for {subject}, repository does not exist or may require 'docker login'"
            ),
            Self::Push => format!(
                "push access denied for {subject}; log in with 'sampan login' as somebody who may write there"
            ),
            Self::Login => format!("{subject} refuses the login"),
        }
    }

    /// What a token for a repository must allow.
    pub(crate) fn actions(self) -> &'static str {
        match self {
            Self::Push => "pull,push",
            Self::Pull | Self::Login => "pull",
        }
    }
}

/// A registry could not give what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A URL in the configuration or in an answer cannot be used.
    #[error("cannot use the URL {url:?}: {problem}")]
    Url {
        /// The URL, shortened.
        url: String,
        /// Why not.
        problem: &'static str,
    },
    /// A file that says how registries are spoken to cannot be used.
    #[error("cannot find out how to reach the registry")]
    Policy {
        /// Why not.
        source: PolicyError,
    },
    /// A file forbids it.
    #[error("{name} is blocked by {}", path.display())]
    Blocked {
        /// Registry and repository.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// Nobody answers there.
    #[error("cannot reach {host}")]
    Connect {
        /// Host and port.
        host: String,
        /// Why not.
        source: io::Error,
    },
    /// The encrypted connection could not be made.
    #[error(
        "cannot speak TLS with {host}; if the registry has an authority of its own, put its certificate into /etc/docker/certs.d/{host}/ca.crt, and if it has no TLS at all, list it under insecure-registries"
    )]
    Tls {
        /// Host and port.
        host: String,
        /// Why not.
        source: io::Error,
    },
    /// Certificates of the configuration cannot be used.
    #[error("cannot use the certificates in {}", path.display())]
    Certificates {
        /// The file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It took too long.
    #[error("{host} did not {doing} within {seconds} seconds")]
    Timeout {
        /// Host and port.
        host: String,
        /// What it did not, as a verb.
        doing: &'static str,
        /// How long we waited.
        seconds: u64,
    },
    /// The connection broke, or what came is no HTTP.
    #[error("the connection to {host} broke")]
    Broken {
        /// Host and port.
        host: String,
        /// How.
        source: hyper::Error,
    },
    /// The credentials are wrong, or there are none and some are needed, or the repository does not exist.
    #[error("{}: {message}", purpose.denied(subject))]
    Denied {
        /// What we came for.
        purpose: Purpose,
        /// The repository as people call it; the registry for a login.
        subject: String,
        /// What the registry says.
        message: String,
    },
    /// There is no such manifest.
    #[error("manifest for {reference} not found: {message}")]
    NotFound {
        /// What was asked for, as people call it.
        reference: String,
        /// What the registry says.
        message: String,
    },
    /// The registry has had enough of us.
    #[error("{registry} refuses more requests for now: {message}")]
    TooManyRequests {
        /// The registry.
        registry: String,
        /// What it says.
        message: String,
    },
    /// An answer that means failure.
    #[error("{url} answered {status}: {message}")]
    Status {
        /// What was asked.
        url: String,
        /// The status code.
        status: u16,
        /// What the answer says.
        message: String,
    },
    /// An answer that cannot be.
    #[error("{url} answered what cannot be: {problem}")]
    Answer {
        /// What was asked.
        url: String,
        /// What is wrong.
        problem: String,
    },
    /// Sent from here to there for too long.
    #[error("{url} leads through more than {limit} redirects")]
    Redirects {
        /// Where it began.
        url: String,
        /// How many are followed.
        limit: u32,
    },
    /// From an encrypted place to one that is not.
    #[error("{from} leads to the unencrypted {to}, which is refused")]
    Downgrade {
        /// Where it began.
        from: String,
        /// Where it leads.
        to: String,
    },
    /// The registry asks for a kind of authorisation that we do not have.
    #[error("{registry} asks for the authorisation {offered:?}; Basic and Bearer are supported")]
    Scheme {
        /// The registry.
        registry: String,
        /// What it asks for.
        offered: String,
    },
    /// Credentials could not be had.
    #[error("cannot get the credentials for {registry}")]
    Credentials {
        /// The registry.
        registry: String,
        /// Why not.
        source: CredentialError,
    },
    /// Credentials could not be kept or forgotten.
    #[error("cannot change the credentials for {registry}")]
    Keep {
        /// The registry.
        registry: String,
        /// Why not.
        source: CredentialError,
    },
    /// What came is not what was promised, or could not be stored.
    #[error("cannot store what {host} sent")]
    Content {
        /// Host and port.
        host: String,
        /// Why not.
        source: ContentError,
    },
    /// Who asked wants no more of it.
    #[error("the transfer was stopped")]
    Stopped,
    /// The runtime could not be started.
    #[error("cannot start the network runtime")]
    Runtime {
        /// Why not.
        source: io::Error,
    },
}

/// Credentials could not be had.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is no JSON of its kind.
    #[error("cannot understand {}", path.display())]
    Syntax {
        /// Which.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no place for them.
    #[error("there is no file for them; set HOME, DOCKER_CONFIG or REGISTRY_AUTH_FILE")]
    Nowhere,
    /// An `auth` is not the base64 of `user:password`.
    #[error("the auth is not the base64 of user:password; log in again with 'sampan login'")]
    Auth,
    /// The name of a helper is none.
    #[error("{name:?} is no name of a credential helper")]
    HelperName {
        /// The name.
        name: String,
    },
    /// A helper could not be run.
    #[error("cannot run {program}")]
    Helper {
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// A helper failed, or said what cannot be understood.
    #[error("{program} failed: {message}")]
    HelperFailed {
        /// The program.
        program: String,
        /// What it said.
        message: String,
    },
}

impl RegistryError {
    /// Whether another try may succeed.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            // Who cannot be reached at all is not waited for: the name or the address is wrong, or they are down.
            Self::Timeout { doing, .. } => *doing != "connect",
            Self::Broken { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }

    /// Whether the other side could not even be spoken to, so that another way may be tried.
    pub(crate) fn is_no_connection(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Tls { .. } | Self::Broken { .. })
    }

    pub(crate) fn answer(url: &Url, problem: impl Into<String>) -> Self {
        Self::Answer { url: url.to_string(), problem: problem.into() }
    }
}
