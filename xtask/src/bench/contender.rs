//! Who is measured, and where: a directory of its own, and, for the whole program, a network and a mount namespace of
//! their own (`docker` leaves rules behind, `podman` wants the hugetlb controller on cgroup v1).

use crate::workspace::{Workspace, output};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where everything happens; removed at the end.
pub(super) struct Scene {
    pub(super) root: PathBuf,
    pub(super) dist: PathBuf,
    /// A root file system with busybox.
    archive: PathBuf,
}

/// Says to the program itself that it is inside its namespaces already.
const INSIDE: &str = "SAMPAN_BENCH_INSIDE";

impl Scene {
    /// Enters namespaces (by running the program anew) and makes the image.
    pub(super) fn prepare(workspace: &Workspace) -> Result<Self> {
        if std::env::var_os(INSIDE).is_none() {
            enter_namespaces()?;
        }
        output(Command::new("ip").args(["link", "set", "lo", "up"]))?;
        let root = PathBuf::from("/tmp/sampan-bench");
        let _ = fs::remove_dir_all(&root);
        let tree = root.join("rootfs");
        fs::create_dir_all(tree.join("bin"))?;
        fs::copy("/bin/busybox", tree.join("bin/busybox")).context("install the package busybox-static")?;
        for applet in ["true", "sleep", "sh"] {
            std::os::unix::fs::symlink("busybox", tree.join("bin").join(applet))?;
        }
        let archive = root.join("busybox.tar");
        output(Command::new("tar").arg("-C").arg(&tree).arg("-cf").arg(&archive).arg("."))?;
        Ok(Self { root, dist: workspace.target.join("dist"), archive })
    }

    /// Gives crun, which refuses a hybrid machine whose hugetlb controller is on v2, that controller on v1.
    pub(super) fn settle_hugetlb() -> Result<()> {
        let hugetlb = "/sys/fs/cgroup/hugetlb";
        if Path::new("/sys/fs/cgroup/memory").exists() && !Path::new(hugetlb).exists() {
            fs::create_dir_all(hugetlb)?;
            output(Command::new("mount").args(["-t", "cgroup", "-o", "hugetlb", "cgroup", hugetlb]))?;
        }
        Ok(())
    }
}

/// Replaces the program by itself in new network and mount namespaces.
fn enter_namespaces() -> Result<()> {
    use std::os::unix::process::CommandExt;
    let program = std::env::current_exe()?;
    let error = Command::new("unshare")
        .args(["--net", "--mount", "--"])
        .arg(program)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .exec();
    bail!("cannot run unshare: {error}");
}

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

pub(super) fn version_of(program: &str) -> Result<String> {
    let text = output(Command::new(program).arg("--version"))?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let number =
        text.split([' ', ',', '\n']).find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()));
    Ok(number.unwrap_or("of unknown version").trim().to_owned())
}

fn docker(scene: &Scene) -> Result<Contender> {
    let root = scene.root.join("docker");
    fs::create_dir_all(&root)?;
    let socket = format!("unix://{}", root.join("socket").display());
    let log = fs::File::create(root.join("log"))?;
    let daemon = Command::new("dockerd")
        .arg("--data-root")
        .arg(root.join("data"))
        .arg("--exec-root")
        .arg(root.join("exec"))
        .arg("-p")
        .arg(root.join("pid"))
        .args(["-H", &socket])
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("dockerd is not installed")?;
    let docker = Contender {
        name: format!("docker {}", version_of("dockerd")?),
        program: "/usr/bin/docker".into(),
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
    let version = version_of("podman")?;
    let crun = version_of("crun").unwrap_or_default();
    Scene::settle_hugetlb()?;
    let path = |name: &str| scene.root.join("podman").join(name).to_string_lossy().into_owned();
    let options = ["--cgroup-manager", "cgroupfs", "--runtime", "crun", "--storage-driver", "overlay"];
    let mut arguments = vec!["--root".into(), path("root"), "--runroot".into(), path("runroot")];
    arguments.extend(options.map(String::from));
    // Its own default limits are above what this process may set.
    let configuration = scene.root.join("containers.conf");
    fs::write(
        &configuration,
        "[containers]\ndefault_ulimits = [\"nofile=1000:1000\", \"nproc=1000:1000\"]\nlog_driver = \"k8s-file\"\n",
    )?;
    let mut program = vec![format!("CONTAINERS_CONF={}", configuration.display()), "podman".to_owned()];
    program.append(&mut arguments);
    Ok(Contender {
        name: format!("podman {version} (crun {crun})"),
        program: "/usr/bin/env".into(),
        arguments: program,
        daemon: None,
    })
}
