//! Device programs of cgroup v2 (bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE).
