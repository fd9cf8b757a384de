//! A filter with its texts turned into types, and the reading of the runtime specification's form.

use super::numbers::Call;
use super::{Arch, CompileError};
use kernel::seccomp::{Action, Flags};
use spec::runtime::{Seccomp, SyscallArg, SyscallRule};
use std::borrow::Cow;

/// What the kernel passes on as an errno at the most (`MAX_ERRNO`).
const ERRNO_MAX: u32 = 4095;
/// More rules than anybody writes; a program has 4096 instructions at the most.
const RULES_MAX: usize = 16_384;

/// What is done with a call: the 32 bits that a program returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Verdict(pub(super) u32);

impl Verdict {
    pub(super) const ALLOW: Self = Self(Action::Allow as u32);
    /// libseccomp's answer to an architecture that the filter does not have, and so runc's.
    pub(super) const FOREIGN: Self = Self(Action::KillThread as u32);

    pub(super) const fn errno(errno: u32) -> Self {
        Self(Action::Errno as u32 | errno)
    }

    /// Whether a call that nobody thought of goes through; a tracer is taken to know what it does.
    pub(super) fn is_permissive(self) -> bool {
        [Action::Allow, Action::Log, Action::Trace]
            .iter()
            .any(|action| self.0 & 0xffff_0000 == *action as u32)
    }

    fn notifies(self) -> bool {
        self.0 == Action::Notify as u32
    }

    /// An action by the specification's name, with its errno; EPERM where none is given.
    fn parse(name: &str, errno: Option<u32>) -> Result<Self, CompileError> {
        let errno = errno.unwrap_or(1);
        let with_errno = |action: Action| {
            if errno > ERRNO_MAX {
                Err(CompileError::Errno { errno })
            } else {
                Ok(Self(action as u32 | errno))
            }
        };
        let action = match name {
            "SCMP_ACT_ALLOW" => Action::Allow,
            "SCMP_ACT_ERRNO" => return with_errno(Action::Errno),
            "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => Action::KillThread,
            "SCMP_ACT_KILL_PROCESS" => Action::KillProcess,
            "SCMP_ACT_LOG" => Action::Log,
            "SCMP_ACT_NOTIFY" => Action::Notify,
            "SCMP_ACT_TRACE" => return with_errno(Action::Trace),
            "SCMP_ACT_TRAP" => Action::Trap,
            other => return Err(CompileError::Action { name: other.chars().take(80).collect() }),
        };
        Ok(Self(action as u32))
    }
}

/// `SCMP_CMP_…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Comparison {
    NotEqual,
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
    /// Equal after the argument's bits outside of the mask were cleared.
    MaskedEqual {
        mask: u64,
    },
}

/// One comparison of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Condition {
    /// 0 to 5.
    pub(super) index: u8,
    pub(super) comparison: Comparison,
    pub(super) value: u64,
}

impl Condition {
    pub(super) const fn new(index: u8, comparison: Comparison, value: u64) -> Self {
        Self { index, comparison, value }
    }

    fn parse(arg: &SyscallArg, call: &str) -> Result<Self, CompileError> {
        let index = u8::try_from(arg.index).ok().filter(|index| *index < 6);
        let index =
            index.ok_or_else(|| CompileError::Argument { index: arg.index, call: call.to_owned() })?;
        let (comparison, value) = match arg.op.as_str() {
            "SCMP_CMP_NE" => (Comparison::NotEqual, arg.value),
            "SCMP_CMP_LT" => (Comparison::Less, arg.value),
            "SCMP_CMP_LE" => (Comparison::LessOrEqual, arg.value),
            "SCMP_CMP_EQ" => (Comparison::Equal, arg.value),
            "SCMP_CMP_GE" => (Comparison::GreaterOrEqual, arg.value),
            "SCMP_CMP_GT" => (Comparison::Greater, arg.value),
            "SCMP_CMP_MASKED_EQ" => (Comparison::MaskedEqual { mask: arg.value }, arg.value_two),
            other => {
                let name = other.chars().take(80).collect();
                return Err(CompileError::Operator { name, call: call.to_owned() });
            }
        };
        Ok(Self { index, comparison, value })
    }
}

/// Calls that share a verdict, if all conditions hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) calls: Cow<'static, [Call]>,
    pub(super) verdict: Verdict,
    pub(super) conditions: Cow<'static, [Condition]>,
}

/// A whole filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) default: Verdict,
    /// Native first.
    pub(super) architectures: Vec<Arch>,
    pub(super) rules: Vec<Rule>,
    pub(super) flags: Flags,
    /// Whether a rule asks an agent.
    pub(super) notifies: bool,
    /// Names that no supported architecture has; they are passed over, as the specification allows.
    pub(super) unknown: Vec<String>,
}

impl Filter {
    pub(super) fn parse(native: Arch, seccomp: &Seccomp) -> Result<Self, CompileError> {
        if seccomp.syscalls.len() > RULES_MAX {
            let (count, what) = (seccomp.syscalls.len(), "rules");
            return Err(CompileError::TooLarge { count, what, max: RULES_MAX });
        }
        let default = Verdict::parse(&seccomp.default_action, seccomp.default_errno_ret)?;
        if default.notifies() {
            return Err(CompileError::NotifyByDefault);
        }
        let mut filter = Self {
            default,
            architectures: Arch::select(native, &seccomp.architectures)?,
            rules: Vec::with_capacity(seccomp.syscalls.len()),
            flags: flags(&seccomp.flags)?,
            notifies: false,
            unknown: Vec::new(),
        };
        for rule in &seccomp.syscalls {
            filter.add(rule)?;
        }
        if filter.notifies && seccomp.listener_path.is_none() {
            return Err(CompileError::NoListener);
        }
        Ok(filter)
    }

    fn add(&mut self, rule: &SyscallRule) -> Result<(), CompileError> {
        let first = rule.names.first().ok_or(CompileError::NoNames)?;
        let verdict = Verdict::parse(&rule.action, rule.errno_ret)?;
        self.notifies |= verdict.notifies();
        let mut calls = Vec::with_capacity(rule.names.len());
        for name in &rule.names {
            match Call::named(name) {
                Some(call) => calls.push(call),
                None => self.unknown.push(name.chars().take(80).collect()),
            }
        }
        let conditions =
            rule.args.iter().map(|arg| Condition::parse(arg, first)).collect::<Result<Vec<_>, _>>()?;
        let repeats = |index| conditions.iter().filter(|one| one.index == index).count() > 1;
        if (0..6).any(repeats) {
            // runc's reading, on which profiles rely: with two conditions on one argument, any of the rule's
            // conditions is enough (opencontainers/runc#2735).
            let calls: Cow<'static, [Call]> = calls.into();
            for one in conditions {
                self.rules.push(Rule { calls: calls.clone(), verdict, conditions: vec![one].into() });
            }
        } else {
            self.rules.push(Rule { calls: calls.into(), verdict, conditions: conditions.into() });
        }
        Ok(())
    }
}

/// runc's default where none is given: a filter costs no speculation mitigation (kernels before 5.16 would add it).
fn flags(names: &[String]) -> Result<Flags, CompileError> {
    if names.is_empty() {
        return Ok(Flags::SPEC_ALLOW);
    }
    let mut flags = Flags::default();
    for name in names {
        flags = flags
            | match name.as_str() {
                "SECCOMP_FILTER_FLAG_TSYNC" => Flags::TSYNC,
                "SECCOMP_FILTER_FLAG_LOG" => Flags::LOG,
                "SECCOMP_FILTER_FLAG_SPEC_ALLOW" => Flags::SPEC_ALLOW,
                "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" => Flags::WAIT_KILLABLE_RECV,
                other => return Err(CompileError::Flag { name: other.chars().take(80).collect() }),
            };
    }
    Ok(flags)
}
