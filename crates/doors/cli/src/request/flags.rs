//! The flags that `run` and `create` share.

use crate::args::{list, switch, switch_on, text};
use clap::Command;

/// Adds them.
pub(crate) fn define(command: Command) -> Command {
    security(first_limits(limits(networks(storage(process(command))))))
}

fn process(command: Command) -> Command {
    command
        .arg(list("annotation", '\0', "map", "Add an annotation to the container (passed through to the runtime)"))
        .arg(list("attach", 'a', "list", "Attach to STDIN, STDOUT or STDERR"))
        .arg(text("cidfile", '\0', "string", "Write the container ID to the file"))
        .arg(text("domainname", '\0', "string", "Container NIS domain name"))
        .arg(text("entrypoint", '\0', "string", "Overwrite the default ENTRYPOINT of the image"))
        .arg(list("env", 'e', "list", "Set environment variables"))
        .arg(list("env-file", '\0', "list", "Read in a file of environment variables"))
        .arg(text("health-cmd", '\0', "string", "Command to run to check health"))
        .arg(text("health-interval", '\0', "duration", "Time between running the check (ms|s|m|h) (default 0s)"))
        .arg(text("health-retries", '\0', "int", "Consecutive failures needed to report unhealthy"))
        .arg(text("health-start-interval", '\0', "duration", "Time between running the check during the start period (ms|s|m|h) (default 0s)"))
        .arg(text("health-start-period", '\0', "duration", "Start period for the container to initialize before starting health-retries countdown (ms|s|m|h) (default 0s)"))
        .arg(text("health-timeout", '\0', "duration", "Maximum time to allow one check to run (ms|s|m|h) (default 0s)"))
        .arg(text("hostname", 'h', "string", "Container host name"))
        .arg(switch("init", '\0', "Run an init inside the container that forwards signals and reaps processes"))
        .arg(switch("interactive", 'i', "Keep STDIN open even if not attached"))
        .arg(list("label", 'l', "list", "Set meta data on a container"))
        .arg(list("label-file", '\0', "list", "Read in a line delimited file of labels"))
        .arg(text("log-driver", '\0', "string", "Logging driver for the container"))
        .arg(list("log-opt", '\0', "list", "Log driver options"))
        .arg(text("name", '\0', "string", "Assign a name to the container"))
        .arg(switch("no-healthcheck", '\0', "Disable any container-specified HEALTHCHECK"))
        .arg(text("platform", '\0', "string", "Set platform if the image is there for several"))
        .arg(text("pull", '\0', "string", "Pull image before running (\"always\", \"missing\", \"never\") (default \"missing\")"))
        .arg(switch("quiet", 'q', "Suppress the pull output"))
        .arg(text("restart", '\0', "string", "Restart policy to apply when a container exits (default \"no\")"))
        .arg(switch("rm", '\0', "Automatically remove the container and its associated anonymous volumes when it exits"))
        .arg(text("stop-signal", '\0', "string", "Signal to stop the container"))
        .arg(text("stop-timeout", '\0', "int", "Timeout (in seconds) to stop a container"))
        .arg(switch("tty", 't', "Allocate a pseudo-TTY"))
        .arg(text("user", 'u', "string", "Username or UID (format: <name|uid>[:<group|gid>])"))
        .arg(text("workdir", 'w', "string", "Working directory inside the container"))
}

fn storage(command: Command) -> Command {
    command
        .arg(list("device", '\0', "list", "Add a host device to the container"))
        .arg(list("mount", '\0', "mount", "Attach a filesystem mount to the container"))
        .arg(switch("read-only", '\0', "Mount the container's root filesystem as read only"))
        .arg(text("shm-size", '\0', "bytes", "Size of /dev/shm"))
        .arg(list("tmpfs", '\0', "list", "Mount a tmpfs directory"))
        .arg(list("volume", 'v', "list", "Bind mount a volume"))
        .arg(text("volume-driver", '\0', "string", "Optional volume driver for the container"))
        .arg(list("volumes-from", '\0', "list", "Mount volumes from the specified container(s)"))
}

fn networks(command: Command) -> Command {
    command
        .arg(list("add-host", '\0', "list", "Add a custom host-to-IP mapping (host:ip)"))
        .arg(list("dns", '\0', "list", "Set custom DNS servers"))
        .arg(list("dns-option", '\0', "list", "Set DNS options"))
        .arg(list("dns-opt", '\0', "list", "Set DNS options").hide(true))
        .arg(list("dns-search", '\0', "list", "Set custom DNS search domains"))
        .arg(list("expose", '\0', "list", "Expose a port or a range of ports"))
        .arg(text("ip", '\0', "string", "IPv4 address (e.g., 172.30.100.104)"))
        .arg(list("link", '\0', "list", "Add link to another container"))
        .arg(text("mac-address", '\0', "string", "Container MAC address (e.g., 92:d0:c6:0a:29:33)"))
        .arg(list("network", '\0', "network", "Connect a container to a network").alias("net"))
        .arg(
            list("network-alias", '\0', "list", "Add network-scoped alias for the container")
                .alias("net-alias"),
        )
        .arg(list("publish", 'p', "list", "Publish a container's port(s) to the host"))
        .arg(switch("publish-all", 'P', "Publish all exposed ports to random ports"))
}

/// The limits that `update` has too.
pub(crate) fn limits(command: Command) -> Command {
    command
        .arg(text(
            "blkio-weight",
            '\0',
            "uint16",
            "Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)",
        ))
        .arg(text("cpu-period", '\0', "int", "Limit CPU CFS (Completely Fair Scheduler) period"))
        .arg(text("cpu-quota", '\0', "int", "Limit CPU CFS (Completely Fair Scheduler) quota"))
        .arg(text("cpu-rt-period", '\0', "int", "Limit CPU real-time period in microseconds"))
        .arg(text("cpu-rt-runtime", '\0', "int", "Limit CPU real-time runtime in microseconds"))
        .arg(text("cpu-shares", 'c', "int", "CPU shares (relative weight)"))
        .arg(text("cpus", '\0', "decimal", "Number of CPUs"))
        .arg(text("cpuset-cpus", '\0', "string", "CPUs in which to allow execution (0-3, 0,1)"))
        .arg(text("cpuset-mems", '\0', "string", "MEMs in which to allow execution (0-3, 0,1)"))
        .arg(text("memory", 'm', "bytes", "Memory limit"))
        .arg(text("memory-reservation", '\0', "bytes", "Memory soft limit"))
        .arg(text(
            "memory-swap",
            '\0',
            "bytes",
            "Swap limit equal to memory plus swap: '-1' to enable unlimited swap",
        ))
        .arg(text("pids-limit", '\0', "int", "Tune container pids limit (set -1 for unlimited)"))
}

/// The limits of a new container alone.
fn first_limits(command: Command) -> Command {
    command
        .arg(list("blkio-weight-device", '\0', "list", "Block IO weight (relative device weight)"))
        .arg(text("cgroup-parent", '\0', "string", "Optional parent cgroup for the container"))
        .arg(list("device-cgroup-rule", '\0', "list", "Add a rule to the cgroup allowed devices list"))
        .arg(list("device-read-bps", '\0', "list", "Limit read rate (bytes per second) from a device"))
        .arg(list("device-read-iops", '\0', "list", "Limit read rate (IO per second) from a device"))
        .arg(list("device-write-bps", '\0', "list", "Limit write rate (bytes per second) to a device"))
        .arg(list("device-write-iops", '\0', "list", "Limit write rate (IO per second) to a device"))
        .arg(text(
            "memory-swappiness",
            '\0',
            "int",
            "Tune container memory swappiness (0 to 100) (default -1)",
        ))
        .arg(switch("oom-kill-disable", '\0', "Disable OOM Killer"))
        .arg(text("oom-score-adj", '\0', "int", "Tune host's OOM preferences (-1000 to 1000)"))
        .arg(list("ulimit", '\0', "ulimit", "Ulimit options"))
}

fn security(command: Command) -> Command {
    command
        .arg(list("cap-add", '\0', "list", "Add Linux capabilities"))
        .arg(list("cap-drop", '\0', "list", "Drop Linux capabilities"))
        .arg(text("cgroupns", '\0', "string", "Cgroup namespace to use (host|private)"))
        .arg(text("ipc", '\0', "string", "IPC mode to use"))
        .arg(text("isolation", '\0', "string", "Container isolation technology"))
        .arg(text("pid", '\0', "string", "PID namespace to use"))
        .arg(text("userns", '\0', "string", "User namespace to use"))
        .arg(text("uts", '\0', "string", "UTS namespace to use"))
        .arg(list("group-add", '\0', "list", "Add additional groups to join"))
        .arg(switch("privileged", '\0', "Give extended privileges to this container"))
        .arg(list("security-opt", '\0', "list", "Security Options"))
        .arg(list("sysctl", '\0', "map", "Sysctl options"))
}

/// Adds those that only `run` has.
pub(crate) fn define_run(command: Command) -> Command {
    define(command)
        .arg(switch("detach", 'd', "Run container in background and print container ID"))
        .arg(text("detach-keys", '\0', "string", "Override the key sequence for detaching a container"))
        .arg(switch_on("sig-proxy", '\0', "Proxy received signals to the process (default true)"))
}
