//! What a test found out besides that all is well: points tried, times, sizes. `./test --full` keeps it.

use std::fs::OpenOptions;
use std::io::Write;

/// Prints a line, and appends it to the file that `SAMPAN_REPORT` names, under `subject`.
///
/// # Panics
/// When that file cannot be written.
pub fn note(subject: &str, text: &str) {
    println!("{subject}: {text}");
    if let Some(path) = std::env::var_os("SAMPAN_REPORT") {
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        // One write: tests run at the same time.
        file.write_all(format!("{subject}: {text}\n").as_bytes()).unwrap();
    }
}
