//! Random filters mean what a plain reading of their rules says.

use super::*;
use proptest::prelude::*;
use spec::runtime::{Seccomp, SyscallArg, SyscallRule};

/// Calls of every kind: on some architectures only, with different numbers, behind socketcall, newest, unknown.
const CALLS: [&str; 16] = [
    "read",
    "write",
    "mmap2",
    "ioctl",
    "socket",
    "socketcall",
    "bind",
    "ipc",
    "semget",
    "clone",
    "mseal",
    "cacheflush",
    "recvmmsg",
    "set_tls",
    "openat2",
    "not_a_call",
];

fn actions() -> impl Strategy<Value = (String, Option<u32>)> {
    prop_oneof![
        Just(("SCMP_ACT_ALLOW".to_owned(), None)),
        (0u32..4).prop_map(|errno| ("SCMP_ACT_ERRNO".to_owned(), Some(errno))),
        Just(("SCMP_ACT_ERRNO".to_owned(), None)),
        Just(("SCMP_ACT_KILL_PROCESS".to_owned(), None)),
        Just(("SCMP_ACT_TRAP".to_owned(), None)),
        Just(("SCMP_ACT_LOG".to_owned(), None)),
    ]
}

fn values() -> impl Strategy<Value = u64> {
    prop_oneof![
        0u64..4,
        Just(u64::from(u32::MAX)),
        Just(1 << 32),
        Just((1 << 32) + 2),
        Just(u64::MAX),
        any::<u64>(),
    ]
}

fn arguments() -> impl Strategy<Value = Vec<SyscallArg>> {
    let op = prop::sample::select(vec!["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"]);
    let one = (0u32..3, values(), values(), op).prop_map(|(index, value, value_two, op)| SyscallArg {
        index,
        value,
        value_two,
        op: format!("SCMP_CMP_{op}"),
    });
    prop_oneof![2 => Just(Vec::new()), 3 => prop::collection::vec(one, 0..4)]
}

fn filters() -> impl Strategy<Value = Seccomp> {
    let names = prop::sample::subsequence(CALLS.to_vec(), 1..6);
    let rule = (names, actions(), arguments()).prop_map(|(names, (action, errno_ret), args)| SyscallRule {
        names: names.into_iter().map(str::to_owned).collect(),
        action,
        errno_ret,
        args,
    });
    let others = ["SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_ARM", "SCMP_ARCH_MIPS"];
    let architectures = prop::sample::subsequence(others.to_vec(), 0..4);
    (actions(), architectures, prop::collection::vec(rule, 0..8)).prop_map(
        |(default, architectures, syscalls)| Seccomp {
            default_action: default.0,
            default_errno_ret: default.1,
            architectures: architectures.into_iter().map(str::to_owned).collect(),
            syscalls,
            ..Seccomp::default()
        },
    )
}

fn action(name: &str, errno: Option<u32>) -> u32 {
    match name {
        "SCMP_ACT_ALLOW" => 0x7fff_0000,
        "SCMP_ACT_ERRNO" => 0x0005_0000 | errno.unwrap_or(1),
        "SCMP_ACT_KILL_PROCESS" => 0x8000_0000,
        "SCMP_ACT_TRAP" => 0x0003_0000,
        "SCMP_ACT_LOG" => 0x7ffc_0000,
        other => panic!("{other}"),
    }
}

fn holds(arg: &SyscallArg, short: bool, args: [u64; 6]) -> bool {
    let cut = |value: u64| if short { value & 0xffff_ffff } else { value };
    let (is, value) = (cut(args[arg.index as usize]), cut(arg.value));
    match arg.op.as_str() {
        "SCMP_CMP_NE" => is != value,
        "SCMP_CMP_LT" => is < value,
        "SCMP_CMP_LE" => is <= value,
        "SCMP_CMP_EQ" => is == value,
        "SCMP_CMP_GE" => is >= value,
        "SCMP_CMP_GT" => is > value,
        _ => is & value == cut(arg.value_two),
    }
}

/// Whether the rule speaks of this call, by its own number or through a call that stands for it.
fn speaks_of(rule: &SyscallRule, arch: Arch, call: u32, args: [u64; 6]) -> Option<bool> {
    let has = |name: &str| rule.names.iter().any(|one| one == name);
    let column = arch.column();
    let direct = rule
        .names
        .iter()
        .filter_map(|name| numbers::Call::named(name))
        .any(|one| one.number(column).is_some_and(|number| number | arch.base() == call));
    if direct {
        return Some(rule.args.is_empty());
    }
    let selects = |multiplexer: &str, name: &str, selector: u64| {
        arch == Arch::X86
            && call == number(multiplexer, arch)
            && has(name)
            && args[0] & 0xffff_ffff == selector
    };
    let through = selects("socketcall", "socket", 1)
        || selects("socketcall", "bind", 2)
        || selects("socketcall", "recvmmsg", 19)
        || selects("ipc", "semget", 2);
    // What stands for a call is told by an argument, so it is a rule with a condition.
    (through && rule.args.is_empty()).then_some(false)
}

fn expected(seccomp: &Seccomp, arch: Arch, call: u32, args: [u64; 6]) -> u32 {
    let default = action(&seccomp.default_action, seccomp.default_errno_ret);
    let verdict = |rule: &SyscallRule| action(&rule.action, rule.errno_ret);
    let rules: Vec<&SyscallRule> = seccomp.syscalls.iter().filter(|rule| verdict(rule) != default).collect();
    let speaking: Vec<(&SyscallRule, bool)> = rules
        .iter()
        .filter_map(|rule| speaks_of(rule, arch, call, args).map(|unconditional| (*rule, unconditional)))
        .collect();
    if let Some((rule, _)) = speaking.iter().find(|(_, unconditional)| *unconditional) {
        return verdict(rule);
    }
    let short = arch.has_short_arguments();
    let matching = speaking.iter().find(|(rule, _)| {
        let repeated = (0..6).any(|index| rule.args.iter().filter(|arg| arg.index == index).count() > 1);
        match repeated {
            true => rule.args.iter().any(|arg| holds(arg, short, args)),
            false => rule.args.iter().all(|arg| holds(arg, short, args)),
        }
    });
    if let Some((rule, _)) = matching {
        return verdict(rule);
    }
    // Arm's private calls are no newer than others.
    if arch == Arch::Arm && call >= 0xf_0000 {
        return default;
    }
    let named =
        seccomp.syscalls.iter().flat_map(|rule| &rule.names).filter_map(|name| numbers::Call::named(name));
    let newest = named.filter_map(|one| one.number(arch.column())).filter(|number| *number < 0xf_0000).max();
    let permissive = matches!(default, 0x7fff_0000 | 0x7ffc_0000);
    match newest {
        Some(newest) if !permissive && call > newest | arch.base() => ENOSYS,
        _ => default,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn programs_mean_what_the_rules_say(
        seccomp in filters(),
        native in prop::sample::select(vec![Arch::X86_64, Arch::Aarch64]),
        probes in prop::collection::vec((0usize..16, 0u32..3, values(), values(), values()), 60),
    ) {
        let (program, report) = Program::compile_for(native, &seccomp).unwrap();
        check(program.instructions());
        let unknown = seccomp.syscalls.iter().flat_map(|rule| &rule.names).filter(|name| *name == "not_a_call");
        prop_assert_eq!(unknown.count(), report.unknown_calls.len());
        let arches = Arch::select(native, &seccomp.architectures).unwrap();
        for (call, offset, a, b, c) in probes {
            for arch in &arches {
                let Some(start) = numbers::Call::named(CALLS[call]).and_then(|one| one.number(arch.column())) else {
                    continue;
                };
                let probe = (start + offset) | arch.base();
                let args = [a, b, c, 0, 0, 0];
                prop_assert_eq!(
                    verdict(&program, *arch, probe, args),
                    expected(&seccomp, *arch, probe, args),
                    "{:?} {} {:?}", arch, probe, args
                );
            }
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn wide_filters_need_long_jumps_and_stay_right(values in prop::collection::vec(any::<u64>(), 40..120)) {
        // Every second call with a comparison of its own, so that neighbours never join.
        let even = |name: &str| numbers::Call::named(name).is_some_and(|call| {
            call.number(0).is_some_and(|number| number.is_multiple_of(2))
        });
        let names: Vec<&str> = numbers::TABLE.iter().map(|row| row.0).filter(|name| even(name)).collect();
        let rules = names.iter().zip(values.iter()).map(|(name, value)| SyscallRule {
            names: vec![(*name).to_owned()],
            action: "SCMP_ACT_ALLOW".to_owned(),
            errno_ret: None,
            args: vec![SyscallArg { index: 1, value: *value, value_two: 0, op: "SCMP_CMP_GE".to_owned() }],
        });
        let seccomp = Seccomp {
            default_action: "SCMP_ACT_ERRNO".to_owned(),
            architectures: vec!["SCMP_ARCH_X86".to_owned()],
            syscalls: rules.collect(),
            ..Seccomp::default()
        };
        let (program, _) = Program::compile_for(Arch::X86_64, &seccomp).unwrap();
        check(program.instructions());
        for arch in [Arch::X86_64, Arch::X86] {
            for probe in 0..470 {
                let args = [0, values[probe as usize % values.len()], 0, 0, 0, 0];
                prop_assert_eq!(verdict(&program, arch, probe, args), expected(&seccomp, arch, probe, args));
            }
        }
    }
}

proptest! {
    #[test]
    fn any_document_is_compiled_or_refused(
        default in "SCMP_ACT_(ALLOW|ERRNO|NOTIFY|KILL|X)",
        errno in any::<Option<u32>>(),
        flag in "SECCOMP_FILTER_FLAG_(LOG|TSYNC|X)",
        op in "(SCMP_CMP_EQ|SCMP_CMP_MASKED_EQ|.{0,4})",
        index in 0u32..9,
        value in any::<u64>(),
    ) {
        let args = vec![SyscallArg { index, value, value_two: value, op }];
        let rule = SyscallRule { names: vec!["read".to_owned()], action: default.clone(), errno_ret: errno, args };
        let seccomp = Seccomp {
            default_action: default,
            default_errno_ret: errno,
            flags: vec![flag],
            syscalls: vec![rule],
            ..Seccomp::default()
        };
        if let Ok((program, _)) = Program::compile(&seccomp) {
            check(program.instructions());
        }
    }
}

#[test]
fn a_filter_that_the_kernel_cannot_hold_is_refused() {
    let args = |value| vec![SyscallArg { index: 0, value, value_two: 0, op: "SCMP_CMP_EQ".to_owned() }];
    let rule = |value| SyscallRule {
        names: vec!["read".to_owned()],
        action: "SCMP_ACT_ALLOW".to_owned(),
        errno_ret: None,
        args: args(value),
    };
    let seccomp = Seccomp {
        default_action: "SCMP_ACT_ERRNO".to_owned(),
        syscalls: (0..2000).map(rule).collect(),
        ..Seccomp::default()
    };
    assert!(matches!(Program::compile(&seccomp), Err(CompileError::TooLarge { max: 4096, .. })));
}

#[test]
fn an_agent_must_be_reachable() {
    let rule = SyscallRule {
        names: vec!["mkdir".to_owned()],
        action: "SCMP_ACT_NOTIFY".to_owned(),
        ..SyscallRule::default()
    };
    let mut seccomp =
        Seccomp { default_action: "SCMP_ACT_ALLOW".to_owned(), syscalls: vec![rule], ..Seccomp::default() };
    assert_eq!(Program::compile(&seccomp).unwrap_err(), CompileError::NoListener);
    seccomp.listener_path = Some("/run/agent".into());
    assert!(Program::compile(&seccomp).unwrap().0.notifies());
    seccomp.default_action = "SCMP_ACT_NOTIFY".to_owned();
    assert_eq!(Program::compile(&seccomp).unwrap_err(), CompileError::NotifyByDefault);
}
