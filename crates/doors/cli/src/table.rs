//! Which words mean which verbs.

use crate::args::{Entry, Group, GroupVerb, Verb};
use crate::verbs::attach::ATTACH;
use crate::verbs::commit::COMMIT;
use crate::verbs::completion::{COMPLETION_BASH, COMPLETION_FISH, COMPLETION_ZSH};
use crate::verbs::context_create::{CONTEXT_CREATE, CONTEXT_UPDATE};
use crate::verbs::context_export::{CONTEXT_EXPORT, CONTEXT_IMPORT};
use crate::verbs::context_inspect::CONTEXT_INSPECT;
use crate::verbs::context_ls::CONTEXT_LS;
use crate::verbs::context_rm::CONTEXT_RM;
use crate::verbs::context_use::{CONTEXT_SHOW, CONTEXT_USE};
use crate::verbs::cp::CP;
use crate::verbs::create::CREATE;
use crate::verbs::diff::DIFF;
use crate::verbs::events::EVENTS;
use crate::verbs::exec::EXEC;
use crate::verbs::export::EXPORT;
use crate::verbs::history::HISTORY;
use crate::verbs::image_inspect::IMAGE_INSPECT;
use crate::verbs::image_prune::IMAGE_PRUNE;
use crate::verbs::images::IMAGES;
use crate::verbs::import::IMPORT;
use crate::verbs::info::INFO;
use crate::verbs::inspect::{CONTAINER_INSPECT, INSPECT};
use crate::verbs::kill::KILL;
use crate::verbs::load::LOAD;
use crate::verbs::login::{LOGIN, LOGOUT};
use crate::verbs::logs::LOGS;
use crate::verbs::man::MAN;
use crate::verbs::network_connect::{NETWORK_CONNECT, NETWORK_DISCONNECT};
use crate::verbs::network_create::NETWORK_CREATE;
use crate::verbs::network_inspect::NETWORK_INSPECT;
use crate::verbs::network_ls::NETWORK_LS;
use crate::verbs::network_prune::NETWORK_PRUNE;
use crate::verbs::network_rm::NETWORK_RM;
use crate::verbs::pause::{PAUSE, UNPAUSE};
use crate::verbs::port::PORT;
use crate::verbs::prune::{CONTAINER_PRUNE, SYSTEM_PRUNE};
use crate::verbs::ps::PS;
use crate::verbs::pull::PULL;
use crate::verbs::push::PUSH;
use crate::verbs::rename::RENAME;
use crate::verbs::restart::RESTART;
use crate::verbs::rm::RM;
use crate::verbs::rmi::RMI;
use crate::verbs::run::RUN;
use crate::verbs::save::SAVE;
use crate::verbs::search::SEARCH;
use crate::verbs::start::START;
use crate::verbs::stats::STATS;
use crate::verbs::stop::STOP;
use crate::verbs::system_boot::SYSTEM_BOOT;
use crate::verbs::system_check::SYSTEM_CHECK;
use crate::verbs::system_df::SYSTEM_DF;
use crate::verbs::system_reap::SYSTEM_REAP;
use crate::verbs::tag::TAG;
use crate::verbs::top::TOP;
use crate::verbs::update::UPDATE;
use crate::verbs::version::VERSION_VERB;
use crate::verbs::volume_create::VOLUME_CREATE;
use crate::verbs::volume_inspect::VOLUME_INSPECT;
use crate::verbs::volume_ls::VOLUME_LS;
use crate::verbs::volume_prune::VOLUME_PRUNE;
use crate::verbs::volume_rm::VOLUME_RM;
use crate::verbs::wait::WAIT;

const fn verb(name: &'static str, verb: &'static Verb) -> GroupVerb {
    GroupVerb { name, verb, listed: true }
}

/// Understood and not listed.
const fn alias(name: &'static str, verb: &'static Verb) -> GroupVerb {
    GroupVerb { name, verb, listed: false }
}

static COMPLETION: Group = Group {
    name: "completion",
    about: "Generate the completion script of a shell",
    verbs: &[verb("bash", &COMPLETION_BASH), verb("fish", &COMPLETION_FISH), verb("zsh", &COMPLETION_ZSH)],
};

static CONTAINER: Group = Group {
    name: "container",
    about: "Manage containers",
    verbs: &[
        verb("attach", &ATTACH),
        verb("commit", &COMMIT),
        verb("cp", &CP),
        verb("create", &CREATE),
        verb("diff", &DIFF),
        verb("exec", &EXEC),
        verb("export", &EXPORT),
        verb("inspect", &CONTAINER_INSPECT),
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
        verb("stats", &STATS),
        verb("stop", &STOP),
        verb("top", &TOP),
        verb("unpause", &UNPAUSE),
        verb("update", &UPDATE),
        verb("wait", &WAIT),
    ],
};

static CONTEXT: Group = Group {
    name: "context",
    about: "Manage contexts",
    verbs: &[
        verb("create", &CONTEXT_CREATE),
        verb("export", &CONTEXT_EXPORT),
        verb("import", &CONTEXT_IMPORT),
        verb("inspect", &CONTEXT_INSPECT),
        verb("ls", &CONTEXT_LS),
        alias("list", &CONTEXT_LS),
        verb("rm", &CONTEXT_RM),
        alias("remove", &CONTEXT_RM),
        verb("show", &CONTEXT_SHOW),
        verb("update", &CONTEXT_UPDATE),
        verb("use", &CONTEXT_USE),
    ],
};

static IMAGE: Group = Group {
    name: "image",
    about: "Manage images",
    verbs: &[
        verb("history", &HISTORY),
        verb("import", &IMPORT),
        verb("inspect", &IMAGE_INSPECT),
        verb("load", &LOAD),
        verb("ls", &IMAGES),
        alias("list", &IMAGES),
        verb("prune", &IMAGE_PRUNE),
        verb("pull", &PULL),
        verb("push", &PUSH),
        verb("rm", &RMI),
        alias("remove", &RMI),
        verb("save", &SAVE),
        verb("tag", &TAG),
    ],
};

static NETWORK: Group = Group {
    name: "network",
    about: "Manage networks",
    verbs: &[
        verb("connect", &NETWORK_CONNECT),
        verb("create", &NETWORK_CREATE),
        verb("disconnect", &NETWORK_DISCONNECT),
        verb("inspect", &NETWORK_INSPECT),
        verb("ls", &NETWORK_LS),
        alias("list", &NETWORK_LS),
        verb("prune", &NETWORK_PRUNE),
        verb("rm", &NETWORK_RM),
        alias("remove", &NETWORK_RM),
    ],
};

static SYSTEM: Group = Group {
    name: "system",
    about: "Manage this installation",
    verbs: &[
        verb("boot", &SYSTEM_BOOT),
        verb("check", &SYSTEM_CHECK),
        verb("df", &SYSTEM_DF),
        verb("events", &EVENTS),
        verb("info", &INFO),
        verb("prune", &SYSTEM_PRUNE),
        alias("reap", &SYSTEM_REAP),
    ],
};

static VOLUME: Group = Group {
    name: "volume",
    about: "Manage volumes",
    verbs: &[
        verb("create", &VOLUME_CREATE),
        verb("inspect", &VOLUME_INSPECT),
        verb("ls", &VOLUME_LS),
        alias("list", &VOLUME_LS),
        verb("prune", &VOLUME_PRUNE),
        verb("rm", &VOLUME_RM),
        alias("remove", &VOLUME_RM),
    ],
};

/// Understood and not listed.
pub(crate) static HIDDEN: &[Entry] = &[Entry::Verb(&MAN)];

/// Shown first.
pub(crate) static COMMON: &[Entry] = &[
    Entry::Verb(&RUN),
    Entry::Verb(&EXEC),
    Entry::Verb(&PS),
    Entry::Verb(&PULL),
    Entry::Verb(&PUSH),
    Entry::Verb(&IMAGES),
    Entry::Verb(&VERSION_VERB),
    Entry::Verb(&INFO),
];

/// Nouns.
pub(crate) static GROUPS: &[Entry] = &[
    Entry::Group(&COMPLETION),
    Entry::Group(&CONTAINER),
    Entry::Group(&CONTEXT),
    Entry::Group(&IMAGE),
    Entry::Group(&NETWORK),
    Entry::Group(&SYSTEM),
    Entry::Group(&VOLUME),
];

/// All others.
pub(crate) static VERBS: &[Entry] = &[
    Entry::Verb(&ATTACH),
    Entry::Verb(&COMMIT),
    Entry::Verb(&CP),
    Entry::Verb(&CREATE),
    Entry::Verb(&DIFF),
    Entry::Verb(&EVENTS),
    Entry::Verb(&EXPORT),
    Entry::Verb(&HISTORY),
    Entry::Verb(&IMPORT),
    Entry::Verb(&INSPECT),
    Entry::Verb(&KILL),
    Entry::Verb(&LOAD),
    Entry::Verb(&LOGIN),
    Entry::Verb(&LOGOUT),
    Entry::Verb(&LOGS),
    Entry::Verb(&PAUSE),
    Entry::Verb(&PORT),
    Entry::Verb(&RENAME),
    Entry::Verb(&RESTART),
    Entry::Verb(&RM),
    Entry::Verb(&RMI),
    Entry::Verb(&SAVE),
    Entry::Verb(&SEARCH),
    Entry::Verb(&START),
    Entry::Verb(&STATS),
    Entry::Verb(&STOP),
    Entry::Verb(&TAG),
    Entry::Verb(&TOP),
    Entry::Verb(&UNPAUSE),
    Entry::Verb(&UPDATE),
    Entry::Verb(&WAIT),
];
