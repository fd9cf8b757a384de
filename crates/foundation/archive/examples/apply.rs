//! Applies an archive to a directory and says how long it took: `apply ARCHIVE DIRECTORY`.
#![allow(clippy::print_stdout)]

use archive::{ApplyOptions, apply_layer};
use std::fs::File;
use std::os::fd::AsFd;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(archive), Some(directory)) = (arguments.next(), arguments.next()) else {
        return Err("usage: apply ARCHIVE DIRECTORY".into());
    };
    let target = kernel::path::open_root(directory.as_ref())?;
    let start = Instant::now();
    let applied = apply_layer(File::open(archive)?, target.as_fd(), &ApplyOptions::default())?;
    println!("{} entries, {} bytes, {:?}", applied.entries, applied.bytes, start.elapsed());
    Ok(())
}
