//! Compiles `sampan-init` for this architecture and tells the library where the program lies.
//!
//! The program wants its own target (static, musl), profile (small) and therefore its own cargo run; that run has a
//! target directory of its own, `target/init`, because the outer cargo holds the lock of the usual one. All profiles
//! of this crate share the result.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The profile of the root Cargo.toml that makes it small.
const PROFILE: &str = "dist-init";

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=SAMPAN_INIT_BIN");
    let program = match env::var_os("SAMPAN_INIT_BIN") {
        Some(path) => {
            println!("cargo::rerun-if-changed={}", PathBuf::from(&path).display());
            PathBuf::from(path)
        }
        // Not named to cargo: it is younger than this run's start, so cargo would run this again.
        None => build()?,
    };
    let copy = PathBuf::from(variable("OUT_DIR")?).join("sampan-init");
    std::fs::copy(&program, &copy).map_err(|error| format!("{}: {error}", program.display()))?;
    println!("cargo::rustc-env=SAMPAN_INIT_PATH={}", copy.display());
    Ok(())
}

fn build() -> Result<PathBuf, String> {
    let root = workspace_root()?;
    for source in ["crates/sampan-init", "crates/foundation/kernel", "Cargo.toml", "rust-toolchain.toml"] {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    let target_directory = target_directory()?.join("init");
    let target = target()?;
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .current_dir(&root)
        .args(["build", "--quiet", "--package", "sampan-init", "--profile", PROFILE, "--target", &target])
        .arg("--target-dir")
        .arg(&target_directory)
        // The outer run's flags and lints are not this program's.
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env("RUSTFLAGS", if target.ends_with("-gnu") { "-C target-feature=+crt-static" } else { "" });
    let status = cargo.status().map_err(|error| format!("cannot run cargo: {error}"))?;
    if !status.success() {
        return Err(format!("sampan-init does not build for {target}: {status}"));
    }
    Ok(target_directory.join(target).join(PROFILE).join("sampan-init"))
}

/// The static musl target where its standard library is installed, else static glibc.
fn target() -> Result<String, String> {
    let architecture = variable("CARGO_CFG_TARGET_ARCH")?;
    let musl = format!("{architecture}-unknown-linux-musl");
    let output = Command::new(variable("RUSTC")?)
        .args(["--print", "target-libdir", "--target", &musl])
        .output()
        .map_err(|error| format!("cannot run rustc: {error}"))?;
    let directory = String::from_utf8_lossy(&output.stdout);
    let installed = output.status.success() && Path::new(directory.trim()).is_dir();
    Ok(if installed { musl } else { format!("{architecture}-unknown-linux-gnu") })
}

fn workspace_root() -> Result<PathBuf, String> {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    manifest
        .ancestors()
        .nth(3)
        .map(Path::to_path_buf)
        .ok_or_else(|| String::from("no workspace above this crate"))
}

/// Four floors above `target/[triple/]profile/build/embedded-hash/out`: `target`, or the triple's directory in it.
fn target_directory() -> Result<PathBuf, String> {
    let out = PathBuf::from(variable("OUT_DIR")?);
    let found = out.ancestors().nth(4).map(Path::to_path_buf);
    found.ok_or_else(|| format!("no target directory above {}", out.display()))
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}
