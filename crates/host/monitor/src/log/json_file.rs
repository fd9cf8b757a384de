//! Docker's `json-file` format: `{"log":"text\n","stream":"stdout","time":"…Z"}` per line, in bounded segments.

use super::{LogSink, Stream};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The sink. Entries gather in memory until flushed, so that one read of a busy pipe costs one write.
#[derive(Debug)]
pub struct JsonFile {
    path: PathBuf,
    file: File,
    size: u64,
    max_size: Option<u64>,
    max_files: u32,
    buffer: Vec<u8>,
}

impl JsonFile {
    /// Opens or creates the current segment.
    ///
    /// # Errors
    /// Whatever open(2) reports.
    pub fn open(path: &Path, max_size: Option<u64>, max_files: u32) -> io::Result<Self> {
        let (file, size) = open_segment(path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            size,
            max_size,
            max_files: max_files.max(1),
            buffer: Vec::new(),
        })
    }

    /// Shifts the segments by one and begins a new one.
    fn rotate(&mut self) -> io::Result<()> {
        if self.max_files == 1 {
            self.file.set_len(0)?;
        } else {
            for older in (1..self.max_files - 1).rev() {
                match fs::rename(numbered(&self.path, older), numbered(&self.path, older + 1)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            fs::rename(&self.path, numbered(&self.path, 1))?;
        }
        self.reopen()
    }
}

fn open_segment(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().create(true).append(true).mode(0o640).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

/// `path.N`
fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

impl LogSink for JsonFile {
    fn write(&mut self, stream: Stream, _partial: bool, time: &str, bytes: &[u8]) -> io::Result<()> {
        if self.max_size.is_some_and(|max| self.size + self.buffer.len() as u64 >= max) {
            self.flush()?;
            self.rotate()?;
        }
        self.buffer.extend_from_slice(b"{\"log\":");
        // Text that is no UTF-8 becomes U+FFFD, as in Docker's encoder.
        serde_json::to_writer(&mut self.buffer, &String::from_utf8_lossy(bytes))?;
        let stream = match stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        };
        writeln!(self.buffer, ",\"stream\":\"{stream}\",\"time\":\"{time}\"}}")
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.file.write_all(&self.buffer);
        self.size += self.buffer.len() as u64;
        self.buffer.clear();
        result
    }

    fn reopen(&mut self) -> io::Result<()> {
        (self.file, self.size) = open_segment(&self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_bounded_and_counted() {
        let directory = std::env::temp_dir().join(format!("sampan-json-log-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join("log");
        let mut sink = JsonFile::open(&path, Some(200), 3).unwrap();
        for index in 0..20 {
            sink.write(Stream::Stderr, false, "T", format!("\"<{index}>\"\t\u{1}\n").as_bytes()).unwrap();
        }
        sink.flush().unwrap();
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 3);
        let current = fs::read_to_string(&path).unwrap();
        let last = current.lines().last().unwrap();
        assert_eq!(last, r#"{"log":"\"<19>\"\t\u0001\n","stream":"stderr","time":"T"}"#);
        assert!(fs::metadata(numbered(&path, 1)).unwrap().len() < 300);
        fs::remove_dir_all(directory).unwrap();
    }
}
