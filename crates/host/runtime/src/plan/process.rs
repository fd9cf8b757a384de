//! The part of a plan that shapes the process itself: limits, scheduling, identity, program.

use super::{CapabilitySets, Identity, Plan, Situation, Step, invalid};
use crate::capability;
use crate::error::LaunchError;
use kernel::settings::SchedulerAttributes;
use spec::runtime::{Capabilities, IoPriority, MemoryPolicy, Personality, Process, Rlimit, Scheduler};

/// `getrlimit(2)` names and numbers (asm-generic/resource.h).
const RESOURCES: [(&str, i32); 16] = [
    ("RLIMIT_CPU", 0),
    ("RLIMIT_FSIZE", 1),
    ("RLIMIT_DATA", 2),
    ("RLIMIT_STACK", 3),
    ("RLIMIT_CORE", 4),
    ("RLIMIT_RSS", 5),
    ("RLIMIT_NPROC", 6),
    ("RLIMIT_NOFILE", 7),
    ("RLIMIT_MEMLOCK", 8),
    ("RLIMIT_AS", 9),
    ("RLIMIT_LOCKS", 10),
    ("RLIMIT_SIGPENDING", 11),
    ("RLIMIT_MSGQUEUE", 12),
    ("RLIMIT_NICE", 13),
    ("RLIMIT_RTPRIO", 14),
    ("RLIMIT_RTTIME", 15),
];

/// The mask that a shell has (umask(2)), used where the spec names none.
const UMASK_DEFAULT: u32 = 0o022;

/// Adds the steps from the limits to finding the program.
pub(super) fn add(plan: &mut Plan, process: &Process, situation: Situation<'_>) -> Result<(), LaunchError> {
    if process.args.first().is_none_or(String::is_empty) {
        return Err(invalid("process.args", "", "names no program"));
    }
    if !process.cwd.is_absolute() {
        return Err(invalid("process.cwd", process.cwd.to_string_lossy(), "must be absolute"));
    }
    if !situation.keep_keyring {
        plan.steps.push(Step::Keyring);
    }
    for limit in situation.rlimit_defaults {
        plan.steps.push(rlimit(limit, true)?);
    }
    for limit in &process.rlimits {
        plan.steps.push(rlimit(limit, false)?);
    }
    plan.steps.extend(process.oom_score_adj.map(Step::OomScore));
    plan.steps.extend(process.scheduler.as_ref().map(scheduler).transpose()?);
    plan.steps.extend(process.io_priority.as_ref().map(io_priority).transpose()?);
    if !process.apparmor_profile.is_empty() && process.apparmor_profile != "unconfined" {
        let value = format!("exec {}", process.apparmor_profile);
        plan.steps.push(Step::Label { file: "exec", value });
    }
    if !process.selinux_label.is_empty() {
        plan.steps.push(Step::Label { file: "exec", value: process.selinux_label.clone() });
    }
    if process.no_new_privileges {
        plan.steps.push(Step::NoNewPrivileges);
    }
    plan.steps.push(Step::WorkingDirectory(process.cwd.clone()));
    let mut identity = identity(plan, process);
    identity.may_filter = situation.seccomp.is_some() && !process.no_new_privileges;
    plan.steps.extend([Step::Identity(identity), Step::FindProgram { uid: process.user.uid }]);
    if situation.seccomp.is_some() && !plan.seccomp_last {
        plan.steps.push(Step::Seccomp);
    }
    Ok(())
}

/// The terminal of the process.
pub(super) fn terminal(process: &Process, console: bool) -> Step {
    let size = process.console_size.map(|size| (size.height, size.width));
    Step::Terminal { size, uid: process.user.uid, console }
}

fn rlimit(limit: &Rlimit, lenient: bool) -> Result<Step, LaunchError> {
    let resource = RESOURCES.into_iter().find(|(name, _)| *name == limit.kind);
    let (_, resource) =
        resource.ok_or_else(|| invalid("process.rlimits", &limit.kind, "is no resource limit"))?;
    if limit.soft > limit.hard {
        return Err(invalid("process.rlimits", &limit.kind, "has a soft limit above the hard one"));
    }
    Ok(Step::Rlimit { resource, limit: limit.clone(), lenient })
}

fn scheduler(scheduler: &Scheduler) -> Result<Step, LaunchError> {
    let policy = match scheduler.policy.as_str() {
        "SCHED_OTHER" => 0,
        "SCHED_FIFO" => 1,
        "SCHED_RR" => 2,
        "SCHED_BATCH" => 3,
        "SCHED_ISO" => 4,
        "SCHED_IDLE" => 5,
        "SCHED_DEADLINE" => 6,
        other => return Err(invalid("process.scheduler.policy", other, "is no scheduling policy")),
    };
    let mut flags = 0;
    for flag in &scheduler.flags {
        flags |= match flag.as_str() {
            "SCHED_FLAG_RESET_ON_FORK" => 0x01,
            "SCHED_FLAG_RECLAIM" => 0x02,
            "SCHED_FLAG_DL_OVERRUN" => 0x04,
            "SCHED_FLAG_KEEP_POLICY" => 0x08,
            "SCHED_FLAG_KEEP_PARAMS" => 0x10,
            "SCHED_FLAG_UTIL_CLAMP_MIN" => 0x20,
            "SCHED_FLAG_UTIL_CLAMP_MAX" => 0x40,
            other => return Err(invalid("process.scheduler.flags", other, "is no scheduling flag")),
        };
    }
    Ok(Step::Scheduler(SchedulerAttributes {
        size: 0,
        policy,
        flags,
        nice: scheduler.nice,
        priority: scheduler.priority,
        runtime: scheduler.runtime,
        deadline: scheduler.deadline,
        period: scheduler.period,
    }))
}

fn io_priority(priority: &IoPriority) -> Result<Step, LaunchError> {
    let class = match priority.class.as_str() {
        "IOPRIO_CLASS_RT" => 1,
        "IOPRIO_CLASS_BE" => 2,
        "IOPRIO_CLASS_IDLE" => 3,
        other => return Err(invalid("process.ioPriority.class", other, "is no I/O priority class")),
    };
    let level = u8::try_from(priority.priority).ok().filter(|level| *level < 8).ok_or_else(|| {
        invalid("process.ioPriority.priority", priority.priority.to_string(), "is not between 0 and 7")
    })?;
    Ok(Step::IoPriority(class, level))
}

/// `linux.personality`.
pub(super) fn personality(personality: &Personality) -> Result<Step, LaunchError> {
    match personality.domain.as_str() {
        "LINUX" => Ok(Step::Personality(0)),
        "LINUX32" => Ok(Step::Personality(8)),
        other => Err(invalid("linux.personality.domain", other, "is neither LINUX nor LINUX32")),
    }
}

/// `linux.memoryPolicy`.
pub(super) fn memory_policy(policy: &MemoryPolicy) -> Result<Step, LaunchError> {
    let mut mode = match policy.mode.as_str() {
        "MPOL_DEFAULT" => 0,
        "MPOL_PREFERRED" => 1,
        "MPOL_BIND" => 2,
        "MPOL_INTERLEAVE" => 3,
        "MPOL_LOCAL" => 4,
        "MPOL_PREFERRED_MANY" => 5,
        "MPOL_WEIGHTED_INTERLEAVE" => 6,
        other => return Err(invalid("linux.memoryPolicy.mode", other, "is no memory policy")),
    };
    for flag in &policy.flags {
        mode |= match flag.as_str() {
            "MPOL_F_STATIC_NODES" => 1 << 15,
            "MPOL_F_RELATIVE_NODES" => 1 << 14,
            "MPOL_F_NUMA_BALANCING" => 1 << 13,
            other => return Err(invalid("linux.memoryPolicy.flags", other, "is no memory policy flag")),
        };
    }
    Ok(Step::MemoryPolicy(mode, nodes(&policy.nodes)?))
}

fn nodes(list: &str) -> Result<Vec<u64>, LaunchError> {
    let listed = numbers(list);
    let listed =
        listed.ok_or_else(|| invalid("linux.memoryPolicy.nodes", list, "is no list of nodes below 1024"))?;
    let mut mask = vec![0u64; listed.iter().max().map_or(0, |last| last / 64 + 1)];
    for node in listed {
        mask[node / 64] |= 1 << (node % 64);
    }
    Ok(mask)
}

/// The cpus that a process is to run on; none named is none restricted.
pub(super) fn affinity(list: &str) -> Result<Option<Step>, LaunchError> {
    let listed = numbers(list);
    let listed =
        listed.ok_or_else(|| invalid("process.execCPUAffinity", list, "is no list of cpus below 1024"))?;
    Ok((!listed.is_empty()).then_some(Step::Affinity(listed)))
}

/// The numbers of a list such as `0-2,7`. The kernel has at most 1024 nodes or, in a plain mask, cpus.
fn numbers(list: &str) -> Option<Vec<usize>> {
    let mut numbers = Vec::new();
    for range in list.split(',').map(str::trim).filter(|range| !range.is_empty()) {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if first > last || last >= 1024 {
            return None;
        }
        numbers.extend(first..=last);
    }
    Some(numbers)
}

fn identity(plan: &mut Plan, process: &Process) -> Identity {
    let user = &process.user;
    Identity {
        uid: user.uid,
        gid: user.gid,
        groups: user.additional_gids.clone(),
        umask: user.umask.unwrap_or(UMASK_DEFAULT),
        may_filter: false,
        capabilities: process
            .capabilities
            .as_ref()
            .map_or_else(CapabilitySets::default, |sets| capabilities(plan, sets)),
    }
}

fn capabilities(plan: &mut Plan, sets: &Capabilities) -> CapabilitySets {
    let mut mask = |names: &[String]| {
        let mut mask = 0u64;
        for name in names {
            if let Some(number) = capability::number(name) {
                mask |= 1 << number;
                continue;
            }
            // config.md, "Linux Process": unknown capabilities are warned about and not an error.
            let warning = format!("process.capabilities: {name:?} is unknown and passed over");
            if !plan.warnings.contains(&warning) {
                plan.warnings.push(warning);
            }
        }
        mask
    };
    CapabilitySets {
        bounding: mask(&sets.bounding),
        effective: mask(&sets.effective),
        permitted: mask(&sets.permitted),
        inheritable: mask(&sets.inheritable),
        ambient: mask(&sets.ambient),
    }
}
