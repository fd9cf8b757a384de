//! Containers that somebody else starts, and hooks.

use crate::Test;
use crate::container::{Container, chain, output, reap, streams, text, words};
use runtime::{HookContext, Launch, Stdio};
use spec::runtime::{Hook, Hooks};
use std::os::fd::{AsFd, OwnedFd};

pub(crate) const TESTS: &[Test] = &[
    ("somebody_else_starts_a_container_at_its_gate", gate),
    ("a_refused_program_is_told_at_the_gate", gate_refusal),
    ("hooks_run_at_their_points", hooks),
    ("a_failing_hook_ends_the_launch", failing_hook),
];

fn gate_of(container: &Container) -> (OwnedFd, OwnedFd) {
    let directory = kernel::path::open_root(container.directory.path()).unwrap();
    let listener = kernel::seqpacket::listen(directory.as_fd(), "gate").unwrap();
    (directory, listener)
}

fn gate() {
    let container = Container::new("echo ran");
    let (directory, listener) = gate_of(&container);
    let out = output();
    let mut launch = Launch::new(&container.spec, &container.rootfs, Stdio::Fds(streams(&out)));
    launch.gate = Some(listener.as_fd());
    let process = runtime::create(launch).unwrap().leave().unwrap();
    drop(listener);
    // Somebody who only looks does not start it.
    drop(kernel::seqpacket::connect(directory.as_fd(), "gate").unwrap());
    let connection = kernel::seqpacket::connect(directory.as_fd(), "gate").unwrap();
    assert_eq!(kernel::process::try_reap(process.pidfd.as_fd()).unwrap(), None);
    runtime::start_at(connection.as_fd(), "sh").unwrap();
    assert_eq!((reap(&process), text(out).as_str()), (0, "ran\n"));
}

fn gate_refusal() {
    let mut container = Container::new("");
    std::fs::write(container.lower().join("bin/garbage"), "\x7fnonsense").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(container.lower().join("bin/garbage"), mode).unwrap();
    container.process().args = words(&["garbage"]);
    let (directory, listener) = gate_of(&container);
    let mut launch = Launch::new(&container.spec, &container.rootfs, Stdio::Fds(streams(&output())));
    launch.gate = Some(listener.as_fd());
    let process = runtime::create(launch).unwrap().leave().unwrap();
    let connection = kernel::seqpacket::connect(directory.as_fd(), "gate").unwrap();
    let error = runtime::start_at(connection.as_fd(), "garbage").unwrap_err();
    assert_eq!(chain(&error), "exec: \"garbage\": exec format error");
    assert_eq!(reap(&process), 125);
}

fn hook(path: &str, script: &str) -> Vec<Hook> {
    vec![Hook { path: path.into(), args: words(&["sh", "-c", script]), ..Hook::default() }]
}

fn launch_with_hooks(container: &Container, out: &OwnedFd) -> Result<runtime::Created, runtime::LaunchError> {
    let mut launch = Launch::new(&container.spec, &container.rootfs, Stdio::Fds(streams(out)));
    launch.hooks = Some(HookContext { id: "c1", bundle: container.directory.path() });
    runtime::create(launch)
}

fn hooks() {
    let mut container = Container::new("/bin/cat /hooked");
    let log = container.directory.path().join("log");
    let note = |name: &str| {
        format!(
            "echo {name} $(cat | grep -o '\"pid\":[0-9]*') $(readlink /proc/self/ns/uts) >> {}",
            log.display()
        )
    };
    container.spec.hooks = Some(Hooks {
        prestart: hook("/bin/sh", &note("prestart")),
        create_runtime: hook("/bin/sh", &note("createRuntime")),
        create_container: hook("/bin/sh", &note("createContainer")),
        // In the container there is only what the image has.
        start_container: hook("/bin/sh", "/bin/cat > /hooked"),
        ..Hooks::default()
    });
    let out = output();
    let created = launch_with_hooks(&container, &out).unwrap();
    let pid = created.pid();
    let of = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/uts")).unwrap().display().to_string();
    let (host, inside) = (of("self"), of(&pid.to_string()));
    assert_eq!(
        std::fs::read_to_string(&log).unwrap(),
        format!(
            "prestart \"pid\":{pid} {host}\ncreateRuntime \"pid\":{pid} {host}\ncreateContainer \"pid\":{pid} {inside}\n"
        )
    );
    assert_eq!(reap(&created.start().unwrap()), 0);
    assert!(text(out).contains(&format!("\"status\":\"created\",\"pid\":{pid},")));
}

fn failing_hook() {
    let mut container = Container::new("true");
    container.spec.hooks = Some(Hooks { prestart: hook("/bin/sh", "exit 3"), ..Hooks::default() });
    let error = launch_with_hooks(&container, &output()).map(drop).unwrap_err();
    assert_eq!(chain(&error), "the container was given up: hook /bin/sh ended with exit code 3");
    container.spec.hooks = Some(Hooks { create_container: hook("/bin/nothing", ""), ..Hooks::default() });
    let error = launch_with_hooks(&container, &output()).map(drop).unwrap_err();
    assert!(chain(&error).contains("hook /bin/nothing: no such file or directory"), "{}", chain(&error));
}
