//! The lines of a rotated file: `path.N` … `path.1`, `path`, oldest first, while somebody goes on writing.

use crate::documents::FileError;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A longer line is passed over: entries have 16 KiB at the most, escaped six times that.
const LINE_MAX: usize = 1 << 20;
/// Bytes read at once.
const BLOCK: usize = 64 << 10;

/// An open log.
#[derive(Debug)]
pub(crate) struct Segments {
    path: PathBuf,
    max_files: u32,
    /// The open segments, oldest first; the last one is the one that is written to, or was.
    files: VecDeque<File>,
    /// Read but not given out.
    buffer: Vec<u8>,
    /// How much of `buffer` has been given out.
    given: usize,
    /// The line at the front of `buffer` is too long, its rest is to be passed over.
    overlong: bool,
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    if number > 0 {
        name.push(format!(".{number}"));
    }
    name.into()
}

fn open(path: &Path) -> Result<Option<File>, FileError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::of("open", path)(error)),
    }
}

impl Segments {
    /// Opens all segments that there are; none is an empty log.
    pub(crate) fn open(path: PathBuf, max_files: u32) -> Result<Self, FileError> {
        let mut files: VecDeque<File> = VecDeque::new();
        // Newest first, so that a rotation in between shows one segment twice and loses none.
        for number in 0..max_files.max(1) {
            let Some(file) = open(&numbered(&path, number))? else { continue };
            let same = |other: &File| same_file(other, &file).unwrap_or(false);
            if !files.iter().any(same) {
                files.push_front(file);
            }
        }
        Ok(Self { path, max_files, files, buffer: Vec::new(), given: 0, overlong: false })
    }

    fn failed(&self, action: &'static str) -> impl FnOnce(io::Error) -> FileError + use<> {
        FileError::of(action, &self.path)
    }

    /// Moves on so that `count` lines are left.
    pub(crate) fn skip_to_last(&mut self, count: usize) -> Result<(), FileError> {
        let mut missing = count;
        let mut place = self.files.len();
        while place > 0 {
            place -= 1;
            let file = &self.files[place];
            let (offset, found) = last_lines(file, missing).map_err(self.failed("read"))?;
            missing -= found;
            if missing == 0 || place == 0 {
                let mut file = &self.files[place];
                file.seek(SeekFrom::Start(offset)).map_err(self.failed("read"))?;
                self.files.drain(..place);
                return Ok(());
            }
        }
        Ok(())
    }

    /// The next complete line without its end; `None` when there is none now.
    pub(crate) fn next_line(&mut self) -> Result<Option<Vec<u8>>, FileError> {
        loop {
            let pending = &self.buffer[self.given..];
            if let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                let line = pending[..end].to_vec();
                self.given += end + 1;
                if std::mem::take(&mut self.overlong) {
                    continue;
                }
                return Ok(Some(line));
            }
            if pending.len() > LINE_MAX {
                self.overlong = true;
                self.given = self.buffer.len();
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads more; `false` when there is no more now.
    fn fill(&mut self) -> Result<bool, FileError> {
        self.buffer.drain(..self.given);
        self.given = 0;
        loop {
            let Some(file) = self.files.front() else {
                return self.follow_rotation();
            };
            let start = self.buffer.len();
            self.buffer.resize(start + BLOCK, 0);
            let mut reader = file;
            let count = reader.read(&mut self.buffer[start..]);
            self.buffer.truncate(start + *count.as_ref().unwrap_or(&0));
            let count = count.map_err(self.failed("read"))?;
            if count > 0 {
                return Ok(true);
            }
            if self.files.len() > 1 {
                // An older segment ends with a whole line; a torn one ends here.
                self.buffer.clear();
                self.files.pop_front();
                continue;
            }
            return self.follow_rotation();
        }
    }

    /// At the end of the newest segment that we know: whether there are newer ones, or it began anew.
    fn follow_rotation(&mut self) -> Result<bool, FileError> {
        let Some(known) = self.files.front() else {
            let Some(first) = open(&self.path)? else { return Ok(false) };
            self.files.push_back(first);
            return self.fill_nonempty();
        };
        let Some(current) = open(&self.path)? else { return Ok(false) };
        if same_file(known, &current).map_err(self.failed("look at"))? {
            return self.begin_anew_if_cut();
        }
        // What was written between our last read and the rotation.
        let mut rest = Vec::new();
        let mut reader = known;
        reader.read_to_end(&mut rest).map_err(self.failed("read"))?;
        let mut newer = VecDeque::from([current]);
        for number in 1..self.max_files {
            let Some(file) = open(&numbered(&self.path, number))? else { break };
            if same_file(known, &file).map_err(self.failed("look at"))? {
                break;
            }
            newer.push_front(file);
        }
        self.buffer.extend_from_slice(&rest);
        self.files = newer;
        Ok(true)
    }

    fn fill_nonempty(&mut self) -> Result<bool, FileError> {
        let length = match self.files.front() {
            Some(file) => file.metadata().map_err(self.failed("look at"))?.len(),
            None => 0,
        };
        Ok(length > 0)
    }

    /// A log of one segment is cut to nothing when it is full.
    fn begin_anew_if_cut(&mut self) -> Result<bool, FileError> {
        let Some(mut file) = self.files.front() else { return Ok(false) };
        let look = |file: &mut &File| Ok((file.metadata()?.len(), file.stream_position()?));
        let (length, position) = look(&mut file).map_err(self.failed("look at"))?;
        if length >= position {
            return Ok(false);
        }
        file.seek(SeekFrom::Start(0)).map_err(self.failed("read"))?;
        self.buffer.clear();
        Ok(length > 0)
    }
}

fn same_file(one: &File, other: &File) -> io::Result<bool> {
    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

/// Where the last `count` complete lines begin, and how many there are.
fn last_lines(file: &File, count: usize) -> io::Result<(u64, usize)> {
    let mut end = file.metadata()?.len();
    let total = end;
    if count == 0 {
        return Ok((total, 0));
    }
    let mut found = 0;
    let mut block = vec![0; BLOCK];
    while end > 0 {
        let start = end.saturating_sub(BLOCK as u64);
        let length = usize::try_from(end - start).unwrap_or(BLOCK);
        file.read_exact_at(&mut block[..length], start)?;
        for at in (0..length).rev() {
            if block[at] != b'\n' {
                continue;
            }
            // Each line end but the last one of the file begins a line behind it.
            if found == count {
                return Ok((start + at as u64 + 1, count));
            }
            found += 1;
        }
        end = start;
    }
    Ok((0, found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines(segments: &mut Segments) -> Vec<String> {
        std::iter::from_fn(|| segments.next_line().unwrap())
            .map(|line| String::from_utf8(line).unwrap())
            .collect()
    }

    fn append(path: &Path, text: &str) {
        File::options().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn rotate(path: &Path, count: u32) {
        for number in (0..count - 1).rev() {
            let _ = std::fs::rename(numbered(path, number), numbered(path, number + 1));
        }
    }

    #[test]
    fn all_segments_in_order() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("log");
        append(&numbered(&path, 2), "a\nb\n");
        append(&numbered(&path, 1), "c\n");
        append(&path, "d\ne");
        let mut segments = Segments::open(path.clone(), 3).unwrap();
        assert_eq!(lines(&mut segments), ["a", "b", "c", "d"]);
        append(&path, "f\n");
        assert_eq!(lines(&mut segments), ["ef"]);
    }

    #[test]
    fn the_last_lines_over_several_segments() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("log");
        append(&numbered(&path, 1), "a\nb\n");
        append(&path, "c\nd\n");
        for (count, expected) in
            [(0, vec![]), (1, vec!["d"]), (3, vec!["b", "c", "d"]), (9, vec!["a", "b", "c", "d"])]
        {
            let mut segments = Segments::open(path.clone(), 2).unwrap();
            segments.skip_to_last(count).unwrap();
            assert_eq!(lines(&mut segments), expected, "{count}");
        }
    }

    #[test]
    fn rotation_while_following() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("log");
        let mut segments = Segments::open(path.clone(), 4).unwrap();
        assert_eq!(lines(&mut segments), Vec::<String>::new());
        append(&path, "a\n");
        assert_eq!(lines(&mut segments), ["a"]);
        append(&path, "b\n");
        rotate(&path, 4);
        append(&path, "c\n");
        rotate(&path, 4);
        append(&path, "d\n");
        assert_eq!(lines(&mut segments), ["b", "c", "d"]);
    }

    #[test]
    fn one_segment_that_is_cut() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("log");
        append(&path, "first\n");
        let mut segments = Segments::open(path.clone(), 1).unwrap();
        assert_eq!(lines(&mut segments), ["first"]);
        File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        append(&path, "b\n");
        assert_eq!(lines(&mut segments), ["b"]);
    }

    #[test]
    fn an_endless_line_is_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("log");
        append(&path, &format!("{}\nok\n", "x".repeat(3 * LINE_MAX)));
        let mut segments = Segments::open(path, 1).unwrap();
        assert_eq!(lines(&mut segments), ["ok"]);
    }
}
