//! `dist`: the shipped set, in one directory, under one build id.
//!
//! Three programs, each with the profile and target it wants: `sampan-runtime` and `sampan-init` are exec'd for every
//! container and therefore static musl where that target is installed; `sampan` links glibc, for its name lookups.

use crate::build_id;
use crate::share;
use crate::workspace::{self, Workspace};
use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

/// How much the compiler may think.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// What users get.
    Dist,
    /// Compiles in a fraction of the time, for trying things out.
    Dev,
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "dist" => Ok(Self::Dist),
            "dev" => Ok(Self::Dev),
            other => Err(format!("unknown profile {other} (known: dist, dev)")),
        }
    }
}

impl Profile {
    /// Of the target directory.
    pub(crate) fn directory(self) -> &'static str {
        match self {
            Self::Dist => "dist",
            Self::Dev => "dist-dev",
        }
    }

    fn of_program(self) -> &'static str {
        match self {
            Self::Dist => "dist",
            Self::Dev => "dev",
        }
    }

    fn of_runtime(self) -> &'static str {
        match self {
            Self::Dist => "dist-runtime",
            Self::Dev => "dev",
        }
    }
}

pub(crate) fn run(workspace: &Workspace, profile: Profile) -> Result<()> {
    for path in build(workspace, profile)? {
        let size_kib = fs::metadata(&path).map_or(0, |metadata| metadata.len() / 1024);
        let shown = path.strip_prefix(&workspace.root).unwrap_or(&path);
        println!("{size_kib:>8} KiB  {}", shown.display());
    }
    Ok(())
}

fn build(workspace: &Workspace, profile: Profile) -> Result<Vec<PathBuf>> {
    let id = build_id::of(workspace)?;
    let (target, flags) = static_target(workspace)?;
    println!("build id {id}, runtime for {target}");
    let runtime = timed("sampan-runtime", || build_runtime(workspace, profile, &id, &target, flags))?;
    let program = timed("sampan", || build_program(workspace, profile, &id))?;
    let init = match env::var_os("SAMPAN_INIT_BIN") {
        Some(path) => PathBuf::from(path),
        None => workspace.target.join("init").join(&target).join("dist-init/sampan-init"),
    };
    let directory = workspace.target.join(profile.directory());
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let installed: Vec<PathBuf> =
        [program, runtime, init].iter().map(|built| install(built, &directory)).collect::<Result<_>>()?;
    share::write(&directory.join("sampan"), &directory)?;
    Ok(installed)
}

fn timed<T>(name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let done = step()?;
    println!("{:>8.1} s  building {name}", start.elapsed().as_secs_f64());
    Ok(done)
}

/// The target of what runs for every container, and the flags that make it static there.
fn static_target(workspace: &Workspace) -> Result<(String, &'static str)> {
    let musl = format!("{}-unknown-linux-musl", env::consts::ARCH);
    let query = ["--print", "target-libdir", "--target", &musl];
    let directory = workspace::output(workspace.tool("rustc").args(query))?;
    if Path::new(String::from_utf8_lossy(&directory).trim()).is_dir() {
        return Ok((musl, ""));
    }
    eprintln!("xtask: {musl} is not installed, so containers start about a millisecond slower;");
    eprintln!("xtask: `rustup target add {musl}` installs it");
    Ok((format!("{}-unknown-linux-gnu", env::consts::ARCH), "-C target-feature=+crt-static"))
}

fn build_runtime(
    workspace: &Workspace,
    profile: Profile,
    id: &str,
    target: &str,
    flags: &str,
) -> Result<PathBuf> {
    let name = profile.of_runtime();
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--package", "sampan-runtime", "--profile", name, "--target", target]);
    cargo.env("SAMPAN_BUILD_ID", id);
    if !flags.is_empty() {
        cargo.env("RUSTFLAGS", flags);
    }
    workspace::run(&mut cargo)?;
    Ok(workspace.target.join(target).join(output_directory(name)).join("sampan-runtime"))
}

/// Builds `sampan`; what it embeds is built by the build script of `embedded`, named here so that it exists.
fn build_program(workspace: &Workspace, profile: Profile, id: &str) -> Result<PathBuf> {
    let name = profile.of_program();
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--package", "sampan", "--package", "embedded", "--profile", name]);
    cargo.env("SAMPAN_BUILD_ID", id);
    workspace::run(&mut cargo)?;
    Ok(workspace.target.join(output_directory(name)).join("sampan"))
}

/// Cargo calls the directory of its `dev` profile `debug`.
fn output_directory(profile: &str) -> &str {
    if profile == "dev" { "debug" } else { profile }
}

/// Copies beside and renames: a program that runs from there keeps its file.
fn install(built: &Path, directory: &Path) -> Result<PathBuf> {
    let Some(name) = built.file_name() else { bail!("{} is no program", built.display()) };
    let path = directory.join(name);
    let mut beside = path.clone().into_os_string();
    beside.push(".new");
    fs::copy(built, &beside).with_context(|| format!("cannot copy {}", built.display()))?;
    fs::rename(&beside, &path).with_context(|| format!("cannot replace {}", path.display()))?;
    Ok(path)
}
