use super::*;
use crate::options::Recursion;
use spec::runtime::{Capabilities, Mount, Namespace, Process, Root};

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn mount(kind: &str, destination: &str, options: &[&str]) -> Mount {
    Mount {
        destination: destination.into(),
        kind: kind.into(),
        source: Some("/source".into()),
        options: words(options),
        ..Mount::default()
    }
}

fn spec() -> Spec {
    Spec {
        process: Some(Process { cwd: "/".into(), args: words(&["true"]), ..Process::default() }),
        root: Some(Root::default()),
        hostname: "h".into(),
        mounts: vec![mount("proc", "/proc", &[]), mount("tmpfs", "/dev", &["mode=755"])],
        linux: Some(Linux {
            namespaces: ["pid", "network", "ipc", "uts", "mount", "cgroup"]
                .map(|kind| Namespace { kind: kind.into(), path: None })
                .to_vec(),
            masked_paths: vec!["/proc/kcore".into()],
            readonly_paths: vec!["/proc/sys".into()],
            ..Linux::default()
        }),
        ..Spec::default()
    }
}

fn at(plan: &Plan, wanted: impl Fn(&Step) -> bool) -> usize {
    plan.steps.iter().position(wanted).expect("the step is in the plan")
}

fn refused(spec: &Spec) -> String {
    create(spec, Situation::default()).unwrap_err().to_string()
}

#[test]
fn the_order_is_the_one_that_works() {
    let situation = Situation { seccomp: Some(FilterKind::Asking), terminal: true, ..Situation::default() };
    let plan = create(&spec(), situation).unwrap();
    let order = [
        at(&plan, |step| matches!(step, Step::EnterCgroup)),
        at(&plan, |step| matches!(step, Step::MakeNamespaces(kinds) if kinds.contains(Kind::Cgroup))),
        at(&plan, |step| matches!(step, Step::IsolateMounts)),
        at(&plan, |step| matches!(step, Step::AttachRoot)),
        at(&plan, |step| matches!(step, Step::Mount(_))),
        at(&plan, |step| matches!(step, Step::Device(_))),
        at(&plan, |step| matches!(step, Step::Terminal { .. })),
        at(&plan, |step| matches!(step, Step::Readonly(_))),
        at(&plan, |step| matches!(step, Step::Mask(_))),
        at(&plan, |step| matches!(step, Step::PivotRoot)),
        at(&plan, |step| matches!(step, Step::FinishRoot { .. })),
        at(&plan, |step| matches!(step, Step::WorkingDirectory(_))),
        at(&plan, |step| matches!(step, Step::Identity(_))),
        at(&plan, |step| matches!(step, Step::FindProgram { .. })),
        at(&plan, |step| matches!(step, Step::Seccomp)),
    ];
    assert!(order.is_sorted(), "{order:?}");
    assert!(!plan.namespaces.contains(Kind::Cgroup) && plan.namespaces.contains(Kind::Pid));
}

#[test]
fn a_filter_comes_last_unless_an_agent_has_to_be_told() {
    let may_filter = |plan: &Plan| match &plan.steps[at(plan, |step| matches!(step, Step::Identity(_)))] {
        Step::Identity(identity) => identity.may_filter,
        _ => false,
    };
    let plain = Situation { seccomp: Some(FilterKind::Plain), ..Situation::default() };
    let plan = create(&spec(), plain).unwrap();
    assert!(plan.seccomp_last && !plan.steps.contains(&Step::Seccomp) && may_filter(&plan));
    let mut spec = spec();
    if let Some(process) = &mut spec.process {
        process.no_new_privileges = true;
    }
    // With `no_new_privs` nobody needs a right to filter himself.
    let plan = create(&spec, plain).unwrap();
    assert!(plan.seccomp_last && plan.steps.contains(&Step::NoNewPrivileges) && !may_filter(&plan));
    let asking = Situation { seccomp: Some(FilterKind::Asking), ..Situation::default() };
    let plan = create(&spec, asking).unwrap();
    assert!(!plan.seccomp_last && plan.steps.contains(&Step::Seccomp));
}

#[test]
fn joined_namespaces_are_not_made() {
    let situation = Situation { joined: Kinds::NONE.with(Kind::Network), ..Situation::default() };
    let plan = create(&spec(), situation).unwrap();
    assert!(!plan.namespaces.contains(Kind::Network));
    // The loopback interface of an existing namespace is its maker's affair.
    assert!(!plan.steps.contains(&Step::Loopback));
}

#[test]
fn a_namespace_with_a_path_is_opened_by_the_parent() {
    let mut spec = spec();
    if let Some(linux) = &mut spec.linux {
        linux.namespaces[1].path = Some("/run/netns/x".into());
    }
    let plan = create(&spec, Situation::default()).unwrap();
    assert_eq!(plan.namespace_paths, [(Kind::Network, PathBuf::from("/run/netns/x"))]);
    assert!(!plan.namespaces.contains(Kind::Network));
}

#[test]
fn a_read_only_dev_is_filled_first() {
    let mut spec = spec();
    spec.mounts[1] = mount("tmpfs", "/dev/", &["ro"]);
    let plan = create(&spec, Situation::default()).unwrap();
    let readonly = at(&plan, |step| *step == Step::Readonly(PathBuf::from("/dev")));
    assert!(readonly > at(&plan, |step| matches!(step, Step::Link { .. })));
    let ro = rustix::mount::MountAttrFlags::MOUNT_ATTR_RDONLY;
    assert!(plan.steps.iter().all(|step| match step {
        Step::Mount(mount) => !mount.options.own.set.contains(ro),
        _ => true,
    }));
}

#[test]
fn the_host_s_dev_is_left_as_it_is() {
    let mut spec = spec();
    spec.mounts[1] = mount("bind", "/dev", &["rbind"]);
    let plan = create(&spec, Situation::default()).unwrap();
    assert!(!plan.steps.iter().any(|step| matches!(step, Step::Device(_) | Step::Link { .. })));
    assert_eq!(plan.binds, [BindSource { path: "/source".into(), recursion: Recursion::All }]);
}

#[test]
fn a_device_of_the_spec_replaces_the_default_one() {
    let mut spec = spec();
    if let Some(linux) = &mut spec.linux {
        linux.devices = vec![spec::runtime::Device {
            path: "/dev/null".into(),
            kind: "c".into(),
            major: 1,
            minor: 3,
            file_mode: Some(0o600),
            ..spec::runtime::Device::default()
        }];
    }
    let plan = create(&spec, Situation::default()).unwrap();
    let modes: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Device(device) if device.path.ends_with("null") => Some(device.mode),
            _ => None,
        })
        .collect();
    assert_eq!(modes, [0o600]);
}

#[test]
fn unknown_capabilities_are_warned_about_once() {
    let mut spec = spec();
    if let Some(process) = &mut spec.process {
        process.capabilities = Some(Capabilities {
            bounding: words(&["CAP_KILL", "CAP_FLY"]),
            effective: words(&["CAP_FLY"]),
            ..Capabilities::default()
        });
    }
    let plan = create(&spec, Situation::default()).unwrap();
    assert_eq!(plan.warnings.len(), 1);
    assert!(plan.warnings[0].contains("CAP_FLY"));
    let Step::Identity(identity) = &plan.steps[at(&plan, |step| matches!(step, Step::Identity(_)))] else {
        return;
    };
    assert_eq!((identity.capabilities.bounding, identity.capabilities.effective), (1 << 5, 0));
}

#[test]
fn sysctls_are_paths_below_proc_sys() {
    assert_eq!(sysctl_path("net.ipv4.ip_forward").unwrap(), "net/ipv4/ip_forward");
    assert_eq!(sysctl_path("net.ipv4.conf.eth0/1.forwarding").unwrap(), "net/ipv4/conf/eth0.1/forwarding");
    assert_eq!(sysctl_path("net/ipv4/conf/eth0.1/forwarding").unwrap(), "net/ipv4/conf/eth0.1/forwarding");
    for name in ["", "net..x", "../x", "net/../../x", "/net"] {
        assert!(sysctl_path(name).is_err(), "{name}");
    }
}

#[test]
fn what_cannot_be_obeyed_is_named() {
    let mut without = spec();
    without.process = None;
    assert_eq!(refused(&without), "process is missing");

    let mut relative = spec();
    relative.mounts[0].destination = "proc".into();
    assert_eq!(refused(&relative), "mounts.destination: \"proc\" must be absolute");

    let mut shared = spec();
    shared.linux = None;
    assert_eq!(refused(&shared), "linux.namespaces: \"mount\" must be a new namespace");

    let mut rdt = spec();
    if let Some(linux) = &mut rdt.linux {
        linux.intel_rdt = Some(spec::runtime::IntelRdt::default());
    }
    assert_eq!(refused(&rdt), "linux.intelRdt is not possible yet");

    let mut offsets = spec();
    if let Some(linux) = &mut offsets.linux {
        linux.time_offsets.insert("monotonic".into(), spec::runtime::TimeOffset::default());
    }
    assert_eq!(refused(&offsets), "linux.timeOffsets needs a new time namespace");

    let mut limits = spec();
    if let Some(process) = &mut limits.process {
        process.rlimits = vec![Rlimit { kind: "RLIMIT_NOFILE".into(), hard: 1, soft: 2 }];
    }
    assert_eq!(refused(&limits), "process.rlimits: \"RLIMIT_NOFILE\" has a soft limit above the hard one");
}

#[test]
fn exec_enters_everything_but_the_pid_namespace_itself() {
    let process = Process { cwd: "/".into(), args: words(&["true"]), ..Process::default() };
    let target = Kinds::NONE.with(Kind::Mount).with(Kind::Pid);
    let plan = exec(&process, target, Situation::default()).unwrap();
    assert_eq!(plan.steps[..2], [Step::EnterCgroup, Step::EnterTarget(Kinds::NONE.with(Kind::Mount))]);
    assert!(plan.namespaces.is_empty());
}
