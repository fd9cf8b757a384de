//! Creating, identifying and reaping processes (clone3(2), pidfd_open(2), close_range(2)).
