//! The black-box suite: one program, a file per subject.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod census;
mod changes;
mod compatibility;
mod cp;
mod differential;
mod drop_in;
mod errors;
mod escape;
mod flags_more;
mod flags_network;
mod flags_process;
mod flags_resources;
mod flags_security;
mod flags_sharing;
mod flags_storage;
mod health;
mod hub;
mod images;
mod kill_sweep;
mod lifecycle;
mod lists;
mod messages;
mod monitor;
mod network;
mod networks;
mod push;
mod refusals;
mod registry_auth;
mod registry_faults;
mod registry_policy;
mod run;
mod save;
mod soak;
mod system;
mod systemd;
mod tour;
mod tty;
mod usage;
mod volumes;
