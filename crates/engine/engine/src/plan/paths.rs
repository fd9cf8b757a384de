//! Paths of `/proc` and `/sys` that containers do not see or cannot write (Docker's lists).

use std::path::PathBuf;

const MASKED: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

const READONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Hidden paths. `thermal_cpus` processors have a `thermal_throttle` directory, which tells on neighbours' load.
pub(super) fn masked(thermal_cpus: usize) -> Vec<PathBuf> {
    let thermal =
        (0..thermal_cpus).map(|cpu| format!("/sys/devices/system/cpu/cpu{cpu}/thermal_throttle").into());
    MASKED.into_iter().map(PathBuf::from).chain(thermal).collect()
}

/// Paths that are made read-only.
pub(super) fn readonly() -> Vec<PathBuf> {
    READONLY.into_iter().map(PathBuf::from).collect()
}
