//! `bench oci`: the bare runtimes on one bundle, as engines call them.

use super::contender::version_of;
use super::scene::Scene;
use super::{Options, Samples};
use crate::workspace::{Workspace, output};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

/// A runtime and its own root directory.
struct Runtime {
    /// With its version.
    name: String,
    program: PathBuf,
    root: PathBuf,
    bundle: PathBuf,
}

/// What is measured: a name, and one round of it.
type Operation = (&'static str, fn(&Runtime) -> Result<()>);

const OPERATIONS: [Operation; 3] = [
    ("run /bin/true", |runtime| runtime.call(&["run", "--bundle", "BUNDLE", "a"])),
    ("create, start, delete of /bin/true", |runtime| {
        runtime.call(&["create", "--bundle", "BUNDLE", "a"])?;
        runtime.call(&["start", "a"])?;
        runtime.call(&["delete", "--force", "a"])
    }),
    ("exec /bin/true", |runtime| runtime.call(&["exec", "SLEEPER-ID", "/bin/true"])),
];

/// Rounds before the first that counts.
const WARM_UP: usize = 5;

impl Runtime {
    fn call(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(&self.program);
        command
            .arg("--root")
            .arg(&self.root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        for argument in arguments {
            match *argument {
                "BUNDLE" => command.arg(&self.bundle),
                "SLEEPER" => command.arg(self.bundle.with_file_name("sleeper")),
                // Runtimes name groups after containers, and two of them must not share one.
                "SLEEPER-ID" => command.arg(format!("sleeper-{}", self.name.replace(' ', "-"))),
                other => command.arg(other),
            };
        }
        // The container of `create` keeps the streams, so nothing is collected here.
        let status = command.status().with_context(|| format!("cannot run {}", self.name))?;
        anyhow::ensure!(status.success(), "{} {arguments:?} failed with {status}", self.name);
        Ok(())
    }
}

/// Measures every runtime that is installed.
///
/// # Errors
/// When ours cannot be run; a peer that is missing or refuses is left out and named.
pub(super) fn measure(workspace: &Workspace, options: &Options) -> Result<(Samples, Vec<String>)> {
    let scene = Scene::prepare(workspace, options.peers.as_deref())?;
    scene.mount_hugetlb()?;
    let bundle = bundle(&scene)?;
    let (mut runtimes, mut missing) = (Vec::new(), Vec::new());
    for name in ["sampan", "runc", "crun"] {
        let program = match name {
            "sampan" => scene.dist.join("sampan-runtime"),
            // A name that is not found is told when it is executed.
            _ => scene.peer(name).unwrap_or_else(|| PathBuf::from(name)),
        };
        let root = scene.root.join(format!("oci-{name}"));
        let shown = if name == "sampan" {
            Ok(name.to_owned())
        } else {
            version_of(&program).map(|version| format!("{name} {version}"))
        };
        let runtime = shown.map(|name| Runtime { name, program, root, bundle: bundle.clone() });
        let ready = runtime.and_then(|runtime| {
            runtime.call(&["run", "--detach", "--bundle", "SLEEPER", "SLEEPER-ID"])?;
            Ok(runtime)
        });
        match ready {
            Ok(runtime) => runtimes.push(runtime),
            Err(error) if name == "sampan" => return Err(error),
            Err(error) => missing.push(format!("{name}: {error:#}")),
        }
    }
    let mut samples = Samples::new();
    for (name, operation) in OPERATIONS {
        println!("bench: {name}");
        for round in 0..options.rounds + WARM_UP {
            for runtime in &runtimes {
                let begun = Instant::now();
                operation(runtime)?;
                let milliseconds = begun.elapsed().as_secs_f64() * 1000.0;
                if round >= WARM_UP {
                    samples
                        .entry(name)
                        .or_default()
                        .entry(runtime.name.clone())
                        .or_default()
                        .push(milliseconds);
                }
            }
        }
    }
    for runtime in &runtimes {
        runtime.call(&["delete", "--force", "SLEEPER-ID"])?;
    }
    Ok((samples, missing))
}

/// Two bundles on the scene's root file system: one that ends at once, and `sleeper`. It is the example of our own
/// `spec`, which is runc's, with the version that old peers accept.
fn bundle(scene: &Scene) -> Result<PathBuf> {
    let bundle = scene.root.join("oci-bundle");
    for (directory, program) in [
        (bundle.clone(), json!(["/bin/true"])),
        (scene.root.join("sleeper"), json!(["/bin/sleep", "100000"])),
    ] {
        fs::create_dir_all(&directory)?;
        let config = directory.join("config.json");
        let _ = fs::remove_file(&config);
        output(Command::new(scene.dist.join("sampan-runtime")).args(["spec", "--bundle"]).arg(&directory))?;
        let mut document: Value = serde_json::from_slice(&fs::read(&config)?)?;
        document["ociVersion"] = "1.0.2".into();
        document["process"]["args"] = program;
        document["process"]["terminal"] = false.into();
        document["root"]["path"] = scene.root.join("rootfs").to_string_lossy().into();
        fs::write(config, document.to_string())?;
    }
    Ok(bundle)
}
