//! Who is measured: ours, and of docker and podman the newest that is there.

use super::scene::Scene;
use crate::workspace::output;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A program that runs containers, ready to be measured.
pub(super) struct Contender {
    /// With its version.
    pub(super) name: String,
    program: PathBuf,
    arguments: Vec<String>,
    daemon: Option<Child>,
}

/// Name of the image, and of the container that `exec` and `ps` look at.
const IMAGE: &str = "bench";
const CONTAINER: &str = "bench-sleeper";

impl Contender {
    /// A command line of it.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null());
        command.args(arguments.iter().map(|argument| match *argument {
            "IMAGE" => IMAGE,
            "CONTAINER" => CONTAINER,
            other => other,
        }));
        command
    }

    /// Takes the image and starts the container that stays.
    fn warm_up(&self, archive: &Path) -> Result<()> {
        let archive = archive.to_string_lossy();
        output(&mut self.command(&["import", &archive, IMAGE]))?;
        output(&mut self.command(&["run", "-d", "--name", CONTAINER, "IMAGE", "/bin/sleep", "100000"]))?;
        Ok(())
    }

    /// Removes what stayed and ends the daemon.
    pub(super) fn finish(mut self) {
        // Nothing to do about a failure but to go on with the others.
        let _ = output(&mut self.command(&["rm", "-f", "CONTAINER"]));
        if let Some(daemon) = &mut self.daemon {
            let _ = Command::new("kill").arg(daemon.id().to_string()).status();
            let _ = daemon.wait();
        }
    }
}

/// Every contender that runs here, ours first, and the names of those that do not.
pub(super) fn all(scene: &Scene) -> Result<(Vec<Contender>, Vec<String>)> {
    let ours = sampan(scene);
    ours.warm_up(&scene.archive)?;
    let (mut contenders, mut missing) = (vec![ours], Vec::new());
    for (name, make) in [("docker", docker as fn(&Scene) -> Result<Contender>), ("podman", podman)] {
        match make(scene).and_then(|peer| peer.warm_up(&scene.archive).map(|()| peer)) {
            Ok(peer) => contenders.push(peer),
            Err(error) => missing.push(format!("{name}: {error:#}")),
        }
    }
    Ok((contenders, missing))
}

fn sampan(scene: &Scene) -> Contender {
    let path = |name: &str| scene.root.join(name).to_string_lossy().into_owned();
    Contender {
        name: "sampan".to_owned(),
        program: scene.dist.join("sampan"),
        arguments: vec!["--data-root".into(), path("data"), "--exec-root".into(), path("exec")],
        daemon: None,
    }
}

pub(super) fn version_of(program: &Path) -> Result<String> {
    let text = output(Command::new(program).arg("--version"))?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let number =
        text.split([' ', ',', '\n']).find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()));
    Ok(number.unwrap_or("of unknown version").trim().to_owned())
}

fn docker(scene: &Scene) -> Result<Contender> {
    let daemon_program = scene.peer("dockerd").context("dockerd is not installed")?;
    let client = scene.peer("docker").context("docker is not installed")?;
    let root = scene.root.join("docker");
    fs::create_dir_all(&root)?;
    let socket = format!("unix://{}", root.join("socket").display());
    let log = fs::File::create(root.join("log"))?;
    let daemon = Command::new(&daemon_program)
        .arg("--data-root")
        .arg(root.join("data"))
        .arg("--exec-root")
        .arg(root.join("exec"))
        .arg("-p")
        .arg(root.join("pid"))
        .args(["-H", &socket])
        .env("PATH", scene.peer_path())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot start {}", daemon_program.display()))?;
    let below = ["containerd", "runc"].map(|name| {
        let version = scene.peer(name).and_then(|path| version_of(&path).ok());
        format!("{name} {}", version.unwrap_or_else(|| "of unknown version".to_owned()))
    });
    let docker = Contender {
        name: format!("docker {} ({})", version_of(&daemon_program)?, below.join(", ")),
        program: client,
        arguments: vec!["-H".into(), socket],
        daemon: Some(daemon),
    };
    let patience = Instant::now() + Duration::from_secs(60);
    while output(&mut docker.command(&["ps"])).is_err() {
        if Instant::now() > patience {
            docker.finish();
            bail!("dockerd did not come up within a minute: see {}", root.join("log").display());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(docker)
}

fn podman(scene: &Scene) -> Result<Contender> {
    let program = scene.peer("podman").context("podman is not installed")?;
    let crun = scene.peer("crun").context("crun is not installed")?;
    let conmon = scene.peer("conmon").context("conmon is not installed")?;
    scene.mount_hugetlb()?;
    let path = |name: &str| scene.root.join("podman").join(name).to_string_lossy().into_owned();
    let options = ["--cgroup-manager", "cgroupfs", "--runtime", "crun", "--storage-driver", "overlay"];
    // Its own default limits are above what this process may set; everything else is its default.
    let mut text = String::from(
        "[containers]\ndefault_ulimits = [\"nofile=1000:1000\", \"nproc=1000:1000\"]\nlog_driver = \"k8s-file\"\n",
    );
    if let Some(profile) = scene.peer_file("usr/share/containers/seccomp.json") {
        text.push_str(&format!("seccomp_profile = \"{}\"\n", profile.display()));
    }
    text.push_str(&format!("[engine]\nconmon_path = [\"{}\"]\n", conmon.display()));
    if let Some(helpers) = scene.peer_file("usr/lib/podman") {
        text.push_str(&format!("helper_binaries_dir = [\"{}\"]\n", helpers.display()));
    }
    text.push_str(&format!("[engine.runtimes]\ncrun = [\"{}\"]\n", crun.display()));
    let configuration = scene.root.join("containers.conf");
    fs::write(&configuration, text)?;
    let name = format!("podman {} (crun {})", version_of(&program)?, version_of(&crun)?);
    let mut arguments = vec![
        format!("CONTAINERS_CONF={}", configuration.display()),
        "PODMAN_IGNORE_CGROUPSV1_WARNING=1".to_owned(),
        program.to_string_lossy().into_owned(),
        "--root".into(),
        path("root"),
        "--runroot".into(),
        path("runroot"),
    ];
    arguments.extend(options.map(String::from));
    Ok(Contender { name, program: "/usr/bin/env".into(), arguments, daemon: None })
}
