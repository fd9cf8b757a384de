//! Flags of Docker's `run` and `create` that this version does not honour, each with what to do.

use crate::args::Refused;

const fn flag(name: &'static str, reason: &'static str) -> Refused {
    Refused { name, short: '\0', reason }
}

const WINDOWS: &str = "it is for Windows containers";

/// Those of both.
pub(crate) const CREATE_REFUSED: &[Refused] = &[
    flag("cpu-count", WINDOWS),
    flag("cpu-percent", WINDOWS),
    flag("disable-content-trust", "image signatures are not checked; leave it out"),
    flag("gpus", "name the device files with --device"),
    flag("io-maxbandwidth", WINDOWS),
    flag("io-maxiops", WINDOWS),
    flag("ip6", "containers have IPv4 addresses only; use --ip"),
    flag("kernel-memory", "the kernel has dropped this limit; use --memory"),
    flag("link-local-ip", "containers have one address; use --ip"),
    flag("runtime", "sampan has one runtime of its own"),
    flag("storage-opt", "container file systems have no size limit yet"),
    flag("use-api-socket", "there is no server whose socket could be used"),
];

/// Those of `run`: the same.
pub(crate) const RUN_REFUSED: &[Refused] = CREATE_REFUSED;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_honoured_or_refused_and_not_both() {
        let command = super::super::define_run(clap::Command::new("run"));
        for refused in RUN_REFUSED {
            let honoured = command.get_arguments().any(|arg| arg.get_long() == Some(refused.name));
            assert!(!honoured, "--{}", refused.name);
        }
    }
}
