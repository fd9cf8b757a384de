//! Pid 1 for --init, and the program of the demo image

fn main() {}
