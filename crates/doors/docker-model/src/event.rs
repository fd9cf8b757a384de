//! `GET /events`.

use crate::StringMap;
use serde::{Deserialize, Serialize};

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventMessage {
    /// As `action`; for containers and images only, kept for old clients.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// As `actor.id`; kept for old clients.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The image; kept for old clients.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// `container`, `image`, `network`, `volume`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// What happened.
    #[serde(rename = "Action")]
    pub action: String,
    /// To what.
    #[serde(rename = "Actor")]
    pub actor: EventActor,
    /// `local`.
    pub scope: String,
    /// Seconds since 1970.
    pub time: i64,
    /// Nanoseconds since 1970.
    #[serde(rename = "timeNano")]
    pub time_nano: i64,
}

/// What an event is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventActor {
    /// Id or name.
    #[serde(rename = "ID")]
    pub id: String,
    /// Name, image, labels, exit code …
    #[serde(rename = "Attributes")]
    pub attributes: StringMap,
}
