//! The registry client: the distribution protocol (distribution-spec 1.1) as values, with a thin HTTP client below.
//!
//! `Images::pull` opens a [`Session`] for one repository, reads manifests and has blobs written into the content
//! store. What to ask, whom to trust and what an answer means is decided by pure modules ([`url`], [`challenge`],
//! [`endpoint`], [`retry`], [`answer`]); `transport` alone touches the network.
//!
//! Contract: a session blocks its thread and starts its own single-threaded runtime; TLS and root certificates are
//! loaded with the first encrypted connection, not before. Credentials go to the registry, and to the token server
//! that it names, and to nobody else: a redirect to another host is followed without them, one from HTTPS to HTTP not
//! at all.
//!
//! Limits: HTTP/1.1, anonymous, Basic and Bearer authorisation, no proxies.

mod answer;
mod authorization;
mod blob;
mod body;
mod challenge;
mod config;
mod credentials;
mod endpoint;
mod error;
mod exchange;
mod login;
mod manifest;
mod policy;
mod retry;
mod search;
mod session;
mod tls;
mod transport;
mod upload;
mod url;

pub use blob::{BlobEvent, BlobJob};
pub use config::Config;
pub use credentials::Kept;
pub use error::{CredentialError, Purpose, RegistryError};
pub use login::{login, logout};
pub use manifest::{Fetched, ManifestTarget};
pub use policy::PolicyError;
pub use search::{Found, registry_of, search};
pub use session::Session;
pub use upload::{UploadEvent, UploadJob};
