//! The verbs, one file each.

mod each;
mod foreground;
mod pull_progress;

pub(crate) mod attach;
pub(crate) mod create;
pub(crate) mod exec;
pub(crate) mod kill;
pub(crate) mod logs;
pub(crate) mod pause;
pub(crate) mod port;
pub(crate) mod prune;
pub(crate) mod ps;
pub(crate) mod rename;
pub(crate) mod restart;
pub(crate) mod rm;
pub(crate) mod run;
pub(crate) mod start;
pub(crate) mod stop;
pub(crate) mod system_boot;
pub(crate) mod system_check;
pub(crate) mod system_reap;
pub(crate) mod top;
pub(crate) mod wait;
