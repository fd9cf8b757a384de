//! Container logs: the sink that the monitor writes into.

mod json_file;
mod lines;

pub use json_file::JsonFile;
pub use lines::{LINE_MAX, Lines};

use crate::desired::LogPlan;
use serde::{Deserialize, Serialize};
use std::io;

/// Which output stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output, or the terminal.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Where lines go.
pub trait LogSink {
    /// Takes one line, with its newline unless `partial`. May be kept in memory until [`Self::flush`].
    ///
    /// # Errors
    /// Whatever writing reports; the container goes on, the line is lost.
    fn write(&mut self, stream: Stream, partial: bool, time: &str, bytes: &[u8]) -> io::Result<()>;

    /// Hands everything to the kernel.
    ///
    /// # Errors
    /// Whatever writing reports.
    fn flush(&mut self) -> io::Result<()>;

    /// Opens the files anew after somebody moved them.
    ///
    /// # Errors
    /// Whatever opening reports.
    fn reopen(&mut self) -> io::Result<()>;
}

/// The sink of a plan.
///
/// # Errors
/// Whatever opening the log file reports.
pub fn open(plan: &LogPlan) -> io::Result<Box<dyn LogSink>> {
    Ok(match plan {
        LogPlan::None => Box::new(Nowhere),
        LogPlan::JsonFile { path, max_size, max_files } => {
            Box::new(JsonFile::open(path, *max_size, *max_files)?)
        }
    })
}

/// The `none` driver.
struct Nowhere;

impl LogSink for Nowhere {
    fn write(&mut self, _: Stream, _: bool, _: &str, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }
}
