//! What the arguments and the flags' values of verbs are.

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Nothing that is known here.
    Nothing,
    /// Files.
    Files,
    /// Directories.
    Directories,
    /// One of these.
    Words(&'static [&'static str]),
    /// Containers in one of these states; of any when there are none.
    Containers(&'static [&'static str]),
    /// Containers with a colon, or files: for `cp`.
    Copied,
    /// Volumes with a colon, or files: for `-v`.
    Mounted,
    /// Images.
    Images,
    /// Networks.
    Networks,
    /// Networks and the other ways to be in one.
    NetworkModes,
    /// Volumes.
    Volumes,
    /// Contexts.
    Contexts,
    /// Anything that can be inspected.
    Anything,
    /// Variables of the caller's environment.
    Environment,
}

const ANY: Wanted = Wanted::Containers(&[]);
const RUNNING: Wanted = Wanted::Containers(&["running", "paused", "restarting"]);

/// The values of a flag, by its long name; `verb` is spelled without the program's name.
pub(super) fn of_flag(verb: &str, flag: &str) -> Wanted {
    match flag {
        "network" | "net" => Wanted::NetworkModes,
        "volumes-from" | "link" => ANY,
        "volume" => Wanted::Mounted,
        "env" => Wanted::Environment,
        "env-file" | "label-file" | "cidfile" | "input" | "output" => Wanted::Files,
        "config" | "data-root" | "exec-root" => Wanted::Directories,
        "context" | "from" => Wanted::Contexts,
        "restart" => Wanted::Words(&["no", "on-failure", "always", "unless-stopped"]),
        "pull" => Wanted::Words(&["always", "missing", "never"]),
        "format" => Wanted::Words(&["json", "table"]),
        "log-driver" => Wanted::Words(&["json-file", "none"]),
        "attach" if matches!(verb, "run" | "create") => Wanted::Words(&["stdin", "stdout", "stderr"]),
        "cgroupns" => Wanted::Words(&["host", "private"]),
        "ipc" => Wanted::Words(&["host", "none", "private"]),
        "pid" | "userns" | "uts" => Wanted::Words(&["host"]),
        "security-opt" => Wanted::Words(&["no-new-privileges", "seccomp=", "systempaths=unconfined"]),
        "signal" | "stop-signal" => Wanted::Words(SIGNALS),
        "cap-add" | "cap-drop" => Wanted::Words(CAPABILITIES),
        "type" if verb == "inspect" => Wanted::Words(&["container", "image", "network", "volume"]),
        "driver" if verb == "network create" => Wanted::Words(&["bridge"]),
        "driver" if verb == "volume create" => Wanted::Words(&["local"]),
        "docker" => Wanted::Words(&["host=", "from=", "ca=", "cert=", "key=", "skip-tls-verify="]),
        _ => Wanted::Nothing,
    }
}

/// The next argument of a verb, after those that are there.
pub(super) fn of_argument(verb: &str, before: &[&str]) -> Wanted {
    let first = before.is_empty();
    match verb {
        "attach" | "exec" | "top" | "commit" | "port" if !first => Wanted::Nothing,
        "attach" | "exec" | "top" | "kill" | "pause" | "stop" | "wait" | "stats" => RUNNING,
        "unpause" => Wanted::Containers(&["paused"]),
        "start" => Wanted::Containers(&["created", "exited", "dead"]),
        "rename" | "diff" | "export" | "logs" if !first => Wanted::Nothing,
        "commit" | "port" | "rename" | "diff" | "export" | "logs" | "restart" | "rm" | "update" => ANY,
        "container inspect" => ANY,
        "cp" if before.len() < 2 => Wanted::Copied,
        "run" | "create" | "history" | "images" | "push" | "pull" if !first => Wanted::Nothing,
        "tag" if before.len() > 1 => Wanted::Nothing,
        "run" | "create" | "history" | "images" | "push" | "pull" | "tag" | "rmi" | "save" => Wanted::Images,
        "image inspect" => Wanted::Images,
        "import" if first => Wanted::Files,
        "inspect" => Wanted::Anything,
        "network connect" | "network disconnect" if before.len() == 1 => ANY,
        "network connect" | "network disconnect" if before.len() > 1 => Wanted::Nothing,
        "network connect" | "network disconnect" | "network inspect" | "network rm" => Wanted::Networks,
        "volume inspect" | "volume rm" => Wanted::Volumes,
        "context use" | "context update" | "context export" if first => Wanted::Contexts,
        "context rm" | "context inspect" => Wanted::Contexts,
        "context export" | "context import" if before.len() == 1 => Wanted::Files,
        "man" => Wanted::Directories,
        _ => Wanted::Nothing,
    }
}

/// signal(7), those that people send.
const SIGNALS: &[&str] = &[
    "SIGABRT", "SIGALRM", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGINT", "SIGKILL", "SIGPIPE", "SIGPWR",
    "SIGQUIT", "SIGSTOP", "SIGTERM", "SIGTSTP", "SIGUSR1", "SIGUSR2", "SIGWINCH",
];

/// capabilities(7).
const CAPABILITIES: &[&str] = &[
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_after_run_is_an_image_and_the_rest_is_not_ours() {
        assert_eq!(of_argument("run", &[]), Wanted::Images);
        assert_eq!(of_argument("run", &["busybox"]), Wanted::Nothing);
        assert_eq!(of_argument("rm", &["a"]), ANY);
        assert_eq!(of_argument("network connect", &["back"]), ANY);
        assert_eq!(of_flag("run", "env-file"), Wanted::Files);
    }
}
