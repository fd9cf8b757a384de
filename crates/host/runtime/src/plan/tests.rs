use super::*;
use crate::options::Recursion;
use kernel::seqpacket::FDS_MAX;
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
    let source = BindSource { path: "/source".into(), recursion: Recursion::All, idmap: None };
    assert_eq!(plan.binds, [source]);
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
    assert_eq!(refused(&shared), "hostname: \"h\" needs a uts namespace");

    let mut machine = spec();
    if let Some(linux) = &mut machine.linux {
        linux.sysctl.insert("vm.swappiness".into(), "1".into());
    }
    assert_eq!(refused(&machine), "linux.sysctl: \"vm.swappiness\" is a parameter of the whole machine");

    let mut unmapped = spec();
    if let Some(linux) = &mut unmapped.linux {
        linux.namespaces.push(Namespace { kind: "user".into(), path: None });
    }
    assert_eq!(refused(&unmapped), "linux.uidMappings is missing for a new user namespace");

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

/// A spec with a new user namespace.
fn mapped() -> Spec {
    let mut spec = spec();
    if let Some(linux) = &mut spec.linux {
        linux.namespaces.push(Namespace { kind: "user".into(), path: None });
        let line = spec::runtime::IdMapping { container_id: 0, host_id: 100_000, size: 65_536 };
        (linux.uid_mappings, linux.gid_mappings) = (vec![line], vec![line]);
    }
    spec
}

#[test]
fn a_user_namespace_is_mapped_before_anything_is_made_in_it() {
    let mut spec = mapped();
    if let Some(process) = &mut spec.process {
        process.oom_score_adj = Some(7);
        process.rlimits = vec![Rlimit { kind: "RLIMIT_NOFILE".into(), hard: 9, soft: 9 }];
    }
    let plan = create(&spec, Situation::default()).unwrap();
    assert!(plan.namespaces.contains(Kind::User) && !plan.through);
    let order = [
        at(&plan, |step| *step == Step::EnterCgroup),
        at(&plan, |step| *step == Step::AwaitParent),
        at(&plan, |step| *step == Step::BecomeRoot),
        at(&plan, |step| matches!(step, Step::Hostname(_))),
        at(&plan, |step| *step == Step::AttachRoot),
    ];
    assert!(order.is_sorted(), "{order:?}");
    // Rights of the initial user namespace are the parent's.
    assert_eq!(plan.granted, Granted { oom_score: Some(7), hard_limits: vec![(7, 9)] });
    assert!(!plan.steps.iter().any(|step| matches!(step, Step::OomScore(_))));
}

#[test]
fn what_exists_is_entered_by_a_process_in_between() {
    let mut spec = mapped();
    if let Some(linux) = &mut spec.linux {
        linux.namespaces[1].path = Some("/run/netns/x".into());
    }
    let plan = create(&spec, Situation::default()).unwrap();
    assert!(plan.through && plan.mappings.is_some() && !plan.joins_user());
    if let Some(linux) = &mut spec.linux {
        linux.namespaces[6].path = Some("/proc/7/ns/user".into());
    }
    let plan = create(&spec, Situation::default()).unwrap();
    assert!(plan.through && plan.mappings.is_none() && plan.joins_user());
    assert!(!plan.steps.contains(&Step::EnterNamespaces) && plan.steps.contains(&Step::BecomeRoot));
}

#[test]
fn bind_sources_are_fetched_in_runs() {
    let mut spec = spec();
    let bind = |at: usize| mount("bind", &format!("/b{at}"), &[]);
    spec.mounts.extend((0..FDS_MAX + 2).map(bind));
    spec.mounts.push(mount("tmpfs", "/t", &[]));
    spec.mounts.push(bind(FDS_MAX + 2));
    let plan = create(&spec, Situation::default()).unwrap();
    let fetches: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::FetchBinds { first, count } => Some((*first, *count)),
            _ => None,
        })
        .collect();
    assert_eq!(fetches, [(0, FDS_MAX), (FDS_MAX, 2), (FDS_MAX + 2, 1)]);
}

#[test]
fn an_idmapped_mount_needs_a_mapping() {
    let mut spec = spec();
    spec.mounts.push(mount("bind", "/data", &["idmap"]));
    assert_eq!(
        refused(&spec),
        "mounts.options: \"/data\" has idmap but no mappings, and there is no user namespace"
    );
    let mut spec = mapped();
    spec.mounts.push(mount("bind", "/data", &["rbind", "ridmap"]));
    let plan = create(&spec, Situation::default()).unwrap();
    let Some((IdMap::Listed(mappings), Recursion::All)) = &plan.binds[0].idmap else {
        panic!("{:?}", plan.binds)
    };
    assert_eq!(Some(mappings), plan.mappings.as_ref());
}

#[test]
fn a_shared_mount_namespace_has_its_root_changed_in_place() {
    let mut spec = spec();
    if let Some(linux) = &mut spec.linux {
        linux.namespaces.retain(|namespace| namespace.kind != "mount");
    }
    let plan = create(&spec, Situation::default()).unwrap();
    assert!(plan.shares_mounts && plan.steps.contains(&Step::ChangeRoot));
    assert!(!plan.steps.contains(&Step::IsolateMounts) && !plan.steps.contains(&Step::PivotRoot));
}
