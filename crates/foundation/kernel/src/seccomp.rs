//! Installing seccomp filters (seccomp(2)).
