//! The processes that launch: their descriptors, their memory, their program, and whether they can be held up.

use super::{SECRET, outside, shown, tries};
use crate::Test;
use crate::container::{Container, chain, output, reap, streams, text, words};
use kernel::namespace::Kind;
use kernel::process::send_signal;
use runtime::{ExecLaunch, JoinedNamespaces, Started, Stdio};
use rustix::fs::{Mode, OFlags};
use spec::runtime::Process;
use std::os::fd::{AsFd, AsRawFd};

pub(crate) const TESTS: &[Test] = &[
    ("escape_a_working_directory_that_is_a_descriptor", magic_directory),
    ("escape_a_descriptor_of_the_parent_s", descriptor),
    ("escape_a_look_at_a_process_that_enters", inspection),
    ("escape_a_process_that_enters_is_stopped", stopped),
    ("escape_the_program_of_the_runtime_is_written_to", program),
];

/// CVE-2024-21626.
fn magic_directory() {
    shown!([DirectoryFollowed, DescriptorsKept], {
        let mut container = Container::new("cat secret");
        let leak = rustix::fs::open(outside(&container), OFlags::RDONLY, Mode::empty()).unwrap();
        container.process().cwd = format!("/proc/self/fd/{}", leak.as_raw_fd()).into();
        container.try_run().is_ok_and(|said| said.out == SECRET)
    });
}

fn descriptor() {
    shown!([DescriptorsKept], {
        let mut container = Container::new("");
        let leak = rustix::fs::open(outside(&container), OFlags::RDONLY, Mode::empty()).unwrap();
        let path = format!("/proc/self/fd/{}/secret", leak.as_raw_fd());
        container.process().args = words(&["cat", &path]);
        container.try_run().is_ok_and(|said| said.out == SECRET)
    });
}

/// A hostile container that runs until it is dropped.
struct Hostile {
    _container: Container,
    first: Started,
    said: std::os::fd::OwnedFd,
}

impl Hostile {
    fn new(script: &str) -> Self {
        let container = Container::new(script);
        let said = output();
        let first = container.create(&said).unwrap().start().unwrap();
        Hostile { _container: container, first, said }
    }

    fn said(&self) -> String {
        text(self.said.try_clone().unwrap())
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        send_signal(self.first.pidfd.as_fd(), 9).unwrap();
        reap(&self.first);
    }
}

/// CVE-2016-9962: root in the pid namespace that a process enters opens its program, root and descriptors by
/// `/proc/PID` before it has executed.
fn inspection() {
    shown!([Inspectable], {
        let script = "while :; do echo again; for p in /proc/[0-9]*; do \
            [ $p = /proc/1 ] || { cat $p/comm; readlink $p/exe; }; done; done 2>/dev/null";
        let hostile = Hostile::new(script);
        let pid = kernel::namespace::open_of(hostile.first.pid, Kind::Pid).unwrap();
        let join = JoinedNamespaces { pid: Some(pid.as_fd()), ..JoinedNamespaces::default() };
        let waiting = Container::new("true").create_in(join, &output()).unwrap();
        let comm = std::fs::read_to_string(format!("/proc/{}/comm", waiting.pid())).unwrap();
        let name = std::fs::read_link("/proc/self/exe").unwrap();
        // Two rounds after the process was seen, it has been tried.
        loop {
            let said = hostile.said();
            let seen = said.split_once(comm.trim()).map_or("", |(_, rest)| rest);
            if seen.matches("again\n").count() > 2 {
                break said.lines().any(|line| line == name.to_string_lossy());
            }
            std::thread::yield_now();
        }
    });
}

/// Root in a pid namespace may stop whoever enters it; the monitor must not wait for that one for ever.
fn stopped() {
    // Only what the shell does itself, so that it does not stop its own children.
    let script = "while :; do for p in /proc/[0-9]*; do n=${p#/proc/}; [ $n = 1 ] || kill -STOP $n; done; done 2>/dev/null";
    let hostile = Hostile::new(script);
    let mut stopped = 0;
    shown!([WaitsForStopped], {
        tries(|| {
            let end = enter(&hostile);
            stopped += usize::from(end.as_ref().is_some_and(|end| end.contains("was stopped")));
            end.is_some_and(|end| end.contains("took too long"))
        })
    });
    assert!(stopped > 0, "the container never stopped a process that entered");
}

/// Starts a further process there; what was wrong if it did not start.
fn enter(hostile: &Hostile) -> Option<String> {
    let process =
        Process { cwd: "/".into(), args: words(&["true"]), env: words(&["PATH=/bin"]), ..Process::default() };
    let launch = ExecLaunch::new(hostile.first.pidfd.as_fd(), &process, Stdio::Fds(streams(&output())));
    match runtime::exec(launch) {
        Ok((started, _)) => {
            send_signal(started.pidfd.as_fd(), 9).unwrap();
            reap(&started);
            None
        }
        Err(error) => Some(chain(&error)),
    }
}

/// CVE-2019-5736.
fn program() {
    assert!(!crate::seals::can_be_written("protected"));
    #[cfg(feature = "weakened")]
    {
        use runtime::weakness::{Weakness, with};
        assert!(with(&[Weakness::ProgramWritable], || crate::seals::can_be_written("weakened")));
    }
}
