//! The runtime and monitor program

fn main() {}
