//! The sampan program

fn main() {}
