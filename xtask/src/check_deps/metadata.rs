//! What `cargo metadata` tells, reduced to the parts the rules ask for.

use crate::workspace::{Workspace, output};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::path::PathBuf;

/// The resolved workspace, for the platform the runtime is built for.
#[derive(Deserialize)]
pub(super) struct Metadata {
    pub(super) packages: Vec<Package>,
    pub(super) workspace_members: Vec<String>,
    pub(super) resolve: Resolve,
}

#[derive(Deserialize)]
pub(super) struct Package {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) version: String,
    /// An SPDX expression.
    pub(super) license: Option<String>,
    /// Where it comes from; nothing for a directory of this repository.
    pub(super) source: Option<String>,
    /// The registries it may be published in; nothing for all.
    pub(super) publish: Option<Vec<String>>,
    pub(super) manifest_path: PathBuf,
    /// The foreign library that the package links, if it says so.
    pub(super) links: Option<String>,
    pub(super) dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// The versions that will do.
    #[serde(default)]
    pub(super) req: String,
    /// Set when the dependency is a directory, so one of ours.
    pub(super) path: Option<PathBuf>,
}

#[derive(Deserialize)]
pub(super) struct Resolve {
    pub(super) nodes: Vec<Node>,
}

#[derive(Deserialize)]
pub(super) struct Node {
    pub(super) id: String,
    pub(super) deps: Vec<Edge>,
}

#[derive(Deserialize)]
pub(super) struct Edge {
    pub(super) pkg: String,
    pub(super) dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
pub(super) struct Kind {
    /// `dev`, `build`, or nothing for a normal dependency.
    pub(super) kind: Option<String>,
}

impl Metadata {
    pub(super) fn load(workspace: &Workspace) -> Result<Self> {
        let platform = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
        let mut cargo = workspace.cargo();
        cargo.args(["metadata", "--format-version", "1", "--filter-platform", &platform]);
        serde_json::from_slice(&output(&mut cargo)?).context("cargo metadata prints an unknown form")
    }

    /// The packages of this workspace.
    pub(super) fn members(&self) -> Vec<&Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id)).collect()
    }
}

impl Package {
    /// Whether it is published nowhere.
    pub(super) fn is_private(&self) -> bool {
        self.publish.as_ref().is_some_and(Vec::is_empty)
    }
}
