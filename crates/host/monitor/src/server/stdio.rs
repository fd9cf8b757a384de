//! Standard streams: the pipes between a process and the monitor.
//!
//! The first process gets FIFOs with names in the sandbox's directory, opened for reading and writing, so that a
//! writer never meets a pipe without a reader: the container goes on while its monitor is replaced, and the new monitor
//! opens them again by name. Further processes get nameless pipes and end with their monitor's.

use super::isolation::ChildStdio;
use crate::desired::StdioPlan;
use crate::layout::exec;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The monitor's ends; all non-blocking.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) stdin: Option<OwnedFd>,
    pub(super) stdout: Option<OwnedFd>,
    pub(super) stderr: Option<OwnedFd>,
}

/// Streams of the first process.
pub(super) fn named(directory: BorrowedFd<'_>, plan: StdioPlan) -> rustix::io::Result<(Ends, ChildStdio)> {
    if plan.terminal {
        return Ok((Ends::default(), ChildStdio::Terminal));
    }
    let (stdout, child_stdout) = output(directory, exec::STDOUT)?;
    let (stderr, child_stderr) = output(directory, exec::STDERR)?;
    let (stdin, child_stdin) = if plan.open_stdin {
        make_fifo(directory, exec::STDIN)?;
        // The reader first: opening a FIFO for writing only fails while there is none.
        let reader = open(directory, exec::STDIN, OFlags::RDONLY | OFlags::NONBLOCK)?;
        let writer = open(directory, exec::STDIN, OFlags::WRONLY | OFlags::NONBLOCK)?;
        set_blocking(&reader)?;
        (Some(writer), reader)
    } else {
        (None, null()?)
    };
    let ends = Ends { stdin, stdout: Some(stdout), stderr: Some(stderr) };
    Ok((ends, ChildStdio::Pipes { stdin: child_stdin, stdout: child_stdout, stderr: child_stderr }))
}

/// The monitor's ends of FIFOs that a previous monitor made; a missing one is left out.
pub(super) fn reopen(directory: BorrowedFd<'_>) -> Ends {
    let read = |name| open(directory, name, OFlags::RDWR | OFlags::NONBLOCK).ok();
    Ends {
        stdin: open(directory, exec::STDIN, OFlags::WRONLY | OFlags::NONBLOCK).ok(),
        stdout: read(exec::STDOUT),
        stderr: read(exec::STDERR),
    }
}

/// Streams of a further process: pipes for what somebody wants, `/dev/null` for the rest.
pub(super) fn nameless(stdin: bool, output: bool) -> rustix::io::Result<(Ends, ChildStdio)> {
    let mut ends = Ends::default();
    let child_stdin = if stdin {
        let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&writer, true)?;
        ends.stdin = Some(writer);
        reader
    } else {
        null()?
    };
    let sink = |end: &mut Option<OwnedFd>| -> rustix::io::Result<OwnedFd> {
        if !output {
            return null();
        }
        let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&reader, true)?;
        *end = Some(reader);
        Ok(writer)
    };
    let stdout = sink(&mut ends.stdout)?;
    let stderr = sink(&mut ends.stderr)?;
    Ok((ends, ChildStdio::Pipes { stdin: child_stdin, stdout, stderr }))
}

/// The ends of a terminal: one description, read and written.
pub(super) fn terminal(master: &OwnedFd) -> rustix::io::Result<Ends> {
    rustix::io::ioctl_fionbio(master, true)?;
    let copy = || rustix::io::fcntl_dupfd_cloexec(master, 3);
    Ok(Ends { stdin: Some(copy()?), stdout: Some(copy()?), stderr: None })
}

/// Removes the names; open ends stay usable.
pub(super) fn remove_names(directory: BorrowedFd<'_>) {
    for name in [exec::STDIN, exec::STDOUT, exec::STDERR] {
        // Missing is what was wanted; another error leaves a name that removal of the directory takes along.
        let _ = rustix::fs::unlinkat(directory, name, rustix::fs::AtFlags::empty());
    }
}

fn output(directory: BorrowedFd<'_>, name: &str) -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    make_fifo(directory, name)?;
    let ours = open(directory, name, OFlags::RDWR | OFlags::NONBLOCK)?;
    let theirs = open(directory, name, OFlags::RDWR)?;
    Ok((ours, theirs))
}

fn make_fifo(directory: BorrowedFd<'_>, name: &str) -> rustix::io::Result<()> {
    match rustix::fs::mknodat(directory, name, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0) {
        Err(Errno::EXIST) => Ok(()),
        done => done,
    }
}

fn open(directory: BorrowedFd<'_>, name: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(directory, name, flags | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::empty())
}

fn set_blocking(fd: impl AsFd) -> rustix::io::Result<()> {
    rustix::io::ioctl_fionbio(fd, false)
}

pub(super) fn null() -> rustix::io::Result<OwnedFd> {
    rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn output_survives_the_monitor() {
        let path = std::env::temp_dir().join(format!("sampan-stdio-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let directory = File::open(&path).unwrap();
        let (ends, child) = named(directory.as_fd(), StdioPlan::default()).unwrap();
        let ChildStdio::Pipes { stdout, stdin, .. } = child else { panic!("no pipes") };
        assert_eq!(rustix::io::read(&stdin, &mut [0u8; 1]).unwrap(), 0);
        drop(ends);
        rustix::io::write(&stdout, b"still here").unwrap();
        let again = reopen(directory.as_fd());
        let mut buffer = [0u8; 64];
        assert_eq!(rustix::io::read(again.stdout.as_ref().unwrap(), &mut buffer).unwrap(), 10);
        assert_eq!(rustix::io::read(again.stdout.as_ref().unwrap(), &mut buffer), Err(Errno::AGAIN));
        std::fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn open_input_ends_when_the_monitor_closes_it() {
        let path = std::env::temp_dir().join(format!("sampan-stdin-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let directory = File::open(&path).unwrap();
        let plan = StdioPlan { open_stdin: true, ..StdioPlan::default() };
        let (mut ends, child) = named(directory.as_fd(), plan).unwrap();
        let ChildStdio::Pipes { stdin, .. } = child else { panic!("no pipes") };
        rustix::io::write(ends.stdin.as_ref().unwrap(), b"x").unwrap();
        ends.stdin = None;
        let mut buffer = [0u8; 8];
        assert_eq!(rustix::io::read(&stdin, &mut buffer).unwrap(), 1);
        assert_eq!(rustix::io::read(&stdin, &mut buffer).unwrap(), 0);
        std::fs::remove_dir_all(path).unwrap();
    }
}
