//! Developer tasks: dist, bench, dependency check, vm-test

fn main() {}
