//! Programs run on a small machine and on the kernel.

mod installed;
mod libseccomp;
mod machine;
mod meaning;

use super::*;
use machine::{Data, check, run};

/// Docker's default capabilities.
const DOCKER: [&str; 14] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
];
const ALLOW: u32 = 0x7fff_0000;
const EPERM: u32 = 0x0005_0001;
const ENOSYS: u32 = 0x0005_0026;
const KILL_THREAD: u32 = 0;

fn number(name: &str, arch: Arch) -> u32 {
    numbers::Call::named(name).unwrap().number(arch.column()).unwrap() | arch.base()
}

fn verdict(program: &Program, arch: Arch, number: u32, args: [u64; 6]) -> u32 {
    run(program.instructions(), Data { number, arch: arch.token(), args }).0
}

fn default_program(native: Arch, capabilities: &[&str]) -> Program {
    let profile = default_profile(native, CapabilitySet::from_names(capabilities));
    let (program, report) = Program::compile_for(native, &profile).unwrap();
    assert_eq!(report, Report::default());
    program
}

fn first(value: u64) -> [u64; 6] {
    [value, 0, 0, 0, 0, 0]
}

#[test]
fn the_default_profile_and_the_default_program_are_one() {
    let every: Vec<&str> = crate::capability::names().to_vec();
    for capabilities in [&DOCKER[..], &[], &every, &["CAP_SYS_ADMIN"]] {
        let direct = Program::default_for(CapabilitySet::from_names(capabilities)).unwrap();
        assert_eq!(direct, default_program(Arch::NATIVE, capabilities));
        check(direct.instructions());
    }
}

#[test]
fn docker_s_default_refuses_what_leads_out_of_a_container() {
    for native in [Arch::X86_64, Arch::Aarch64] {
        let program = default_program(native, &DOCKER);
        check(program.instructions());
        println!("{native:?}: {} instructions", program.instructions().len());
        for arch in std::iter::once(native).chain(native.companions().iter().copied()) {
            let answer = |name: &str, args| verdict(&program, arch, number(name, arch), args);
            for name in [
                "mount",
                "keyctl",
                "add_key",
                "unshare",
                "setns",
                "bpf",
                "reboot",
                "init_module",
                "io_uring_setup",
            ] {
                assert_eq!(answer(name, [0; 6]), EPERM, "{name} on {arch:?}");
            }
            for name in ["read", "execve", "openat", "exit_group", "futex", "chroot", "ptrace", "mseal"] {
                assert_eq!(answer(name, [0; 6]), ALLOW, "{name} on {arch:?}");
            }
            assert_eq!(answer("clone3", [0; 6]), ENOSYS);
            assert_eq!(answer("clone", first(0x0001_0f11)), ALLOW);
            for flag in [0x1000_0000u64, 0x0002_0000, 0x2000_0000, 0x4000_0000] {
                assert_eq!(answer("clone", first(flag | 17)), EPERM, "{flag:#x}");
            }
            assert_eq!(answer("personality", first(0xffff_ffff)), ALLOW);
            assert_eq!(answer("personality", first(0x0040_0000)), EPERM);
            assert_eq!(answer("socket", first(2)), ALLOW);
            assert_eq!(answer("socket", first(40)), EPERM);
            // The kernel looks at the low half alone.
            assert_ne!(answer("socket", first(0x1_0000_0028)), ALLOW);
            // x32 has its own calls above the common ones, so there the profile knows higher numbers.
            let newer = if arch == Arch::X32 { EPERM } else { ENOSYS };
            assert_eq!(answer("open_tree_attr", [0; 6]), newer, "newer than the profile, {arch:?}");
        }
    }
}

/// Compares with a copy of Docker's file (moby, seccomp/default.json) where the environment names one.
#[test]
fn docker_s_own_file_means_the_same() {
    let Some(path) = std::env::var_os("SAMPAN_TEST_DOCKER_PROFILE") else {
        eprintln!("skipped: SAMPAN_TEST_DOCKER_PROFILE names no file");
        return;
    };
    let profile = docker_profile::Profile::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let every: Vec<&str> = crate::capability::names().to_vec();
    for arch in [Arch::X86_64, Arch::Aarch64] {
        for names in [&DOCKER[..], &[], &every, &["CAP_SYS_ADMIN"], &["CAP_BPF", "CAP_SYS_TIME"]] {
            let capabilities = CapabilitySet::from_names(names);
            let situation = docker_profile::Situation { capabilities, kernel: (6, 18), arch };
            let theirs = Program::compile_for(arch, &profile.clone().resolve(situation)).unwrap().0;
            let ours = default_program(arch, names);
            for each in std::iter::once(arch).chain(arch.companions().iter().copied()) {
                for call in (0..600).chain(0xf_0000..0xf_0008) {
                    let call = call | each.base();
                    // Families that do not exist are refused by us and left to the kernel by Docker.
                    for value in [0, 1, 8, 17, 39, 40, 41, 45, 0x2_0000, 0x2_0008, 0xffff_ffff, 0x1000_0011] {
                        let is_socket = call == number("socket", each);
                        if !(is_socket && value > 45) {
                            let [ours, theirs] =
                                [&ours, &theirs].map(|one| verdict(one, each, call, first(value)));
                            assert_eq!(ours, theirs, "{each:?} {call} {value:#x} with {names:?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn capabilities_open_calls() {
    let call = |capabilities: &[&str], name: &str| {
        let program = default_program(Arch::X86_64, capabilities);
        verdict(&program, Arch::X86_64, number(name, Arch::X86_64), first(0x1000_0000))
    };
    for (capability, name) in [
        ("CAP_SYS_ADMIN", "mount"),
        ("CAP_SYS_ADMIN", "clone"),
        ("CAP_SYS_ADMIN", "clone3"),
        ("CAP_SYS_BOOT", "reboot"),
        ("CAP_SYS_TIME", "settimeofday"),
        ("CAP_BPF", "bpf"),
        ("CAP_PERFMON", "perf_event_open"),
        ("CAP_SYSLOG", "syslog"),
        ("CAP_SYS_NICE", "mbind"),
        ("CAP_DAC_READ_SEARCH", "open_by_handle_at"),
    ] {
        assert_ne!(call(&DOCKER, name), ALLOW, "{name}");
        assert_eq!(call(&[capability], name), ALLOW, "{name} with {capability}");
    }
    assert_eq!(call(&DOCKER, "chroot"), ALLOW);
    assert_eq!(call(&[], "chroot"), EPERM);
}

#[test]
fn foreign_architectures_die() {
    let program = default_program(Arch::X86_64, &DOCKER);
    assert_eq!(verdict(&program, Arch::Aarch64, 63, [0; 6]), KILL_THREAD);
    let strict = spec::runtime::Seccomp { default_action: "SCMP_ACT_ALLOW".into(), ..Default::default() };
    let (program, _) = Program::compile_for(Arch::X86_64, &strict).unwrap();
    assert_eq!(verdict(&program, Arch::X86, 3, [0; 6]), KILL_THREAD);
    assert_eq!(verdict(&program, Arch::X86_64, 0x4000_0000, [0; 6]), KILL_THREAD);
    // A call that a tracer skipped.
    assert_eq!(verdict(&program, Arch::X86_64, u32::MAX, [0; 6]), ALLOW);
    assert_eq!(verdict(&program, Arch::X86_64, 9999, [0; 6]), ALLOW);
}

#[test]
fn a_decision_takes_few_instructions() {
    let program = default_program(Arch::X86_64, &DOCKER);
    let steps =
        |number| run(program.instructions(), Data { number, arch: Arch::X86_64.token(), args: [0; 6] }).1;
    let worst = (0..480).map(steps).max().unwrap();
    let total: usize = (0..480).map(steps).sum();
    println!("at most {worst}, {} on average", total / 480);
    assert!(worst <= 40 && total / 480 <= 14);
}

#[test]
fn bytes_for_the_cache_come_back_and_damage_is_seen() {
    let program = default_program(Arch::X86_64, &DOCKER);
    let bytes = program.to_bytes();
    assert_eq!(Program::from_bytes(&bytes), Ok(program));
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert!(Program::from_bytes(&damaged).is_err(), "byte {at}");
    }
    for length in [0, 7, 8, 27, 28, bytes.len() - 1] {
        assert!(Program::from_bytes(&bytes[..length]).is_err(), "length {length}");
    }
}

#[test]
fn the_default_program_is_made_quickly() {
    let capabilities = CapabilitySet::from_names(&DOCKER);
    let rounds: u32 = 200;
    let start = std::time::Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(Program::default_for(std::hint::black_box(capabilities)).unwrap());
    }
    println!("{:?} per program", start.elapsed() / rounds);
}
