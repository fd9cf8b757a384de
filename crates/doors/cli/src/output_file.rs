//! Where `export` and `save` write an archive: standard output, or a file that appears whole or not at all.

use crate::failure::Failure;
use crate::progress::{Passing, Told};
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// How much is written by one call.
const BUFFER: usize = 256 << 10;

/// Has an archive written to the file that was named, or to standard output. `what` is the verb's word for it, `verb` what a
/// terminal is told while it goes on.
pub(crate) fn write_archive(
    path: Option<&str>,
    what: &str,
    verb: &'static str,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    match path.filter(|path| !path.is_empty()) {
        None if io::stdout().is_terminal() => {
            Err(Failure::new("cowardly refusing to save to a terminal. Use the -o flag or redirect"))
        }
        None => to_stdout(write),
        Some(path) => to_file(path, what, |out| {
            let mut out = Passing::new(out, Some(Told::Bar(verb, 0)));
            let written = write(&mut out);
            out.clear();
            written
        }),
    }
}

fn to_stdout(write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut out = Watched { out: BufWriter::with_capacity(BUFFER, io::stdout().lock()), broken: false };
    let written = write(&mut out);
    let flushed = out.flush();
    match (written, flushed) {
        // The reader has gone, as with `| head`: nobody is left to be told.
        _ if out.broken => Err(Failure::silent(141)),
        (Ok(()), Err(error)) => Err(Failure::new(format!("cannot write to standard output: {error}"))),
        (written, _) => written,
    }
}

fn to_file(
    path: &str,
    what: &str,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(format!("failed to {what}: cannot write {path}: {error}"));
    let target = Path::new(path);
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !parent.exists() {
        return Err(Failure::new(format!(
            "failed to {what}: invalid output path: directory {:?} does not exist",
            parent.display().to_string()
        )));
    }
    match fs::metadata(target) {
        Ok(found) if found.is_dir() => {
            return Err(Failure::new(format!("failed to {what}: {path} is a directory")));
        }
        // A pipe or a device is written to as it is.
        Ok(found) if !found.is_file() => {
            let mut out =
                BufWriter::with_capacity(BUFFER, File::options().write(true).open(target).map_err(failed)?);
            write(&mut out)?;
            return out.flush().map_err(failed);
        }
        _ => {}
    }
    let partial = Partial::create(target).map_err(failed)?;
    let mut out = BufWriter::with_capacity(BUFFER, &partial.file);
    write(&mut out)?;
    out.flush().map_err(failed)?;
    drop(out);
    partial.publish(target).map_err(failed)
}

/// A file beside its place, gone unless it is published.
struct Partial {
    file: File,
    path: PathBuf,
    published: bool,
}

impl Partial {
    fn create(target: &Path) -> io::Result<Self> {
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.partial", std::process::id()));
        let path = target.with_file_name(name);
        Ok(Self { file: File::create_new(&path)?, path, published: false })
    }

    fn publish(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.published {
            // The failure is what matters.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Notices that nobody reads any more.
struct Watched<W> {
    out: W,
    broken: bool,
}

impl<W: Write> Watched<W> {
    fn watch<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        self.broken |= matches!(&done, Err(error) if error.kind() == io::ErrorKind::BrokenPipe);
        done
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = self.out.write(bytes);
        self.watch(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = self.out.flush();
        self.watch(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let directory = std::env::temp_dir().join(format!("sampan-output-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join("out.tar");
        let text = path.to_str().unwrap();
        let failing = |out: &mut dyn Write| {
            out.write_all(b"half").unwrap();
            Err(Failure::new("no"))
        };
        assert_eq!(to_file(text, "x", failing).unwrap_err().message, "no");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
        to_file(text, "x", |out| out.write_all(b"whole").map_err(|_| Failure::new("no"))).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        to_file(text, "x", failing).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        let nowhere = directory.join("none/out.tar");
        assert!(
            to_file(nowhere.to_str().unwrap(), "x", |_| Ok(()))
                .unwrap_err()
                .message
                .contains("does not exist")
        );
        fs::remove_dir_all(directory).unwrap();
    }
}
