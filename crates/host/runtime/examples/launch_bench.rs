//! Launches `true` in a busybox root file system many times over and prints how long that took.
//!
//! `cargo run --example launch_bench -- [RUNS]`, as root. The container has what Docker gives one by default:
//! its own namespaces, an overlay root, the usual mounts, masked and read-only paths. Only the runtime is measured:
//! create, start, wait.

#![allow(clippy::unwrap_used, missing_docs)]

use spec::rootfs::Rootfs;
use spec::runtime::{Capabilities, Linux, Mount, Namespace, Process, Root, Spec};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn mount(kind: &str, destination: &str, options: &str) -> Mount {
    Mount {
        destination: destination.into(),
        kind: kind.into(),
        source: Some(kind.into()),
        options: options.split(',').map(str::to_owned).collect(),
        ..Mount::default()
    }
}

fn spec() -> Spec {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
    let given = names(&["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_SETGID", "CAP_SETUID", "CAP_KILL"]);
    Spec {
        process: Some(Process {
            cwd: "/".into(),
            args: names(&["true"]),
            env: names(&["PATH=/bin", "HOME=/root"]),
            capabilities: Some(Capabilities {
                bounding: given.clone(),
                effective: given.clone(),
                permitted: given,
                ..Capabilities::default()
            }),
            ..Process::default()
        }),
        root: Some(Root::default()),
        hostname: "bench".into(),
        mounts: vec![
            mount("proc", "/proc", "nosuid,noexec,nodev"),
            mount("tmpfs", "/dev", "nosuid,strictatime,mode=755,size=65536k"),
            mount("devpts", "/dev/pts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"),
            mount("sysfs", "/sys", "nosuid,noexec,nodev,ro"),
            mount("mqueue", "/dev/mqueue", "nosuid,noexec,nodev"),
            mount("tmpfs", "/dev/shm", "nosuid,noexec,nodev,mode=1777,size=67108864"),
        ],
        linux: Some(Linux {
            namespaces: ["pid", "network", "ipc", "uts", "mount"]
                .map(|kind| Namespace { kind: kind.into(), path: None })
                .to_vec(),
            masked_paths: paths(&[
                "/proc/acpi",
                "/proc/interrupts",
                "/proc/kcore",
                "/proc/keys",
                "/proc/latency_stats",
                "/proc/timer_list",
                "/proc/sched_debug",
                "/proc/scsi",
                "/sys/firmware",
            ]),
            readonly_paths: paths(&[
                "/proc/bus",
                "/proc/fs",
                "/proc/irq",
                "/proc/sys",
                "/proc/sysrq-trigger",
            ]),
            ..Linux::default()
        }),
        ..Spec::default()
    }
}

fn null() -> OwnedFd {
    std::fs::File::options().read(true).write(true).open("/dev/null").unwrap().into()
}

fn rootfs(base: &Path) -> Rootfs {
    let lower = base.join("lower");
    std::fs::create_dir_all(lower.join("bin")).unwrap();
    std::fs::copy("/bin/busybox", lower.join("bin/busybox")).unwrap();
    std::os::unix::fs::symlink("busybox", lower.join("bin/true")).unwrap();
    for directory in ["upper", "work"] {
        std::fs::create_dir(base.join(directory)).unwrap();
    }
    Rootfs::Overlay {
        lowers: vec![lower],
        upper: Some(base.join("upper")),
        work: Some(base.join("work")),
        userxattr: false,
    }
}

fn launch(spec: &Spec, rootfs: &Rootfs) -> [Duration; 3] {
    let streams = runtime::Streams { stdin: null(), stdout: null(), stderr: null() };
    let streams = if std::env::var_os("LAUNCH_BENCH_SHOW").is_some() {
        let dup = |fd: i32| {
            rustix::io::fcntl_dupfd_cloexec(
                if fd == 1 { rustix::stdio::stdout() } else { rustix::stdio::stderr() },
                3,
            )
            .unwrap()
        };
        runtime::Streams { stdin: null(), stdout: dup(1), stderr: dup(2) }
    } else {
        streams
    };
    let begin = Instant::now();
    let created = runtime::create(runtime::Launch::new(spec, rootfs, runtime::Stdio::Fds(streams))).unwrap();
    let created_after = begin.elapsed();
    let started = created.start().unwrap();
    let started_after = begin.elapsed();
    let exit = kernel::process::reap(started.pidfd.as_fd()).unwrap();
    assert_eq!(exit.code(), 0);
    [created_after, started_after, begin.elapsed()]
}

fn main() {
    let runs: usize = std::env::args().nth(1).map_or(100, |count| count.parse().unwrap());
    let base = std::env::temp_dir().join(format!("sampan-launch-bench-{}", std::process::id()));
    std::fs::create_dir(&base).unwrap();
    let (mut spec, rootfs) = (spec(), rootfs(&base));
    let command: Vec<String> = std::env::args().skip(2).collect();
    if !command.is_empty() {
        spec.process.as_mut().unwrap().args = command;
    }
    let mut samples: Vec<[Duration; 3]> = (0..runs).map(|_| launch(&spec, &rootfs)).collect();
    for (phase, name) in ["created", "started", "ended"].into_iter().enumerate() {
        samples.sort_by_key(|sample| sample[phase]);
        let at = |part: usize| samples[(runs - 1) * part / 100][phase].as_secs_f64() * 1000.0;
        println!("{name:8} after ms: min {:.2}  median {:.2}  p90 {:.2}", at(0), at(50), at(90));
    }
    std::fs::remove_dir_all(&base).unwrap();
}
