//! Which words mean which verbs.

use crate::args::{Entry, Group, GroupVerb, Verb};
use crate::verbs::{
    attach::ATTACH, create::CREATE, exec::EXEC, kill::KILL, logs::LOGS, pause::PAUSE, pause::UNPAUSE,
    port::PORT, prune::CONTAINER_PRUNE, prune::SYSTEM_PRUNE, ps::PS, rename::RENAME, restart::RESTART,
    rm::RM, run::RUN, start::START, stop::STOP, system_boot::SYSTEM_BOOT, system_check::SYSTEM_CHECK,
    system_reap::SYSTEM_REAP, top::TOP, wait::WAIT,
};

const fn verb(name: &'static str, verb: &'static Verb) -> GroupVerb {
    GroupVerb { name, verb, listed: true }
}

const fn alias(name: &'static str, verb: &'static Verb) -> GroupVerb {
    GroupVerb { name, verb, listed: false }
}

static CONTAINER: Group = Group {
    name: "container",
    about: "Manage containers",
    verbs: &[
        verb("attach", &ATTACH),
        verb("create", &CREATE),
        verb("exec", &EXEC),
        verb("kill", &KILL),
        verb("logs", &LOGS),
        verb("ls", &PS),
        alias("list", &PS),
        alias("ps", &PS),
        verb("pause", &PAUSE),
        verb("port", &PORT),
        verb("prune", &CONTAINER_PRUNE),
        verb("rename", &RENAME),
        verb("restart", &RESTART),
        verb("rm", &RM),
        alias("remove", &RM),
        verb("run", &RUN),
        verb("start", &START),
        verb("stop", &STOP),
        verb("top", &TOP),
        verb("unpause", &UNPAUSE),
        verb("wait", &WAIT),
    ],
};

static SYSTEM: Group = Group {
    name: "system",
    about: "Manage this installation",
    verbs: &[
        verb("boot", &SYSTEM_BOOT),
        verb("check", &SYSTEM_CHECK),
        verb("prune", &SYSTEM_PRUNE),
        alias("reap", &SYSTEM_REAP),
    ],
};

/// Shown first.
pub(crate) static COMMON: &[Entry] = &[Entry::Verb(&RUN), Entry::Verb(&EXEC), Entry::Verb(&PS)];

/// Nouns.
pub(crate) static GROUPS: &[Entry] = &[Entry::Group(&CONTAINER), Entry::Group(&SYSTEM)];

/// All others.
pub(crate) static VERBS: &[Entry] = &[
    Entry::Verb(&ATTACH),
    Entry::Verb(&CREATE),
    Entry::Verb(&KILL),
    Entry::Verb(&LOGS),
    Entry::Verb(&PAUSE),
    Entry::Verb(&PORT),
    Entry::Verb(&RENAME),
    Entry::Verb(&RESTART),
    Entry::Verb(&RM),
    Entry::Verb(&START),
    Entry::Verb(&STOP),
    Entry::Verb(&TOP),
    Entry::Verb(&UNPAUSE),
    Entry::Verb(&WAIT),
];

/// Understood and not listed.
pub(crate) static HIDDEN: &[Entry] = &[];
