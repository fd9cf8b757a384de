//! The monitor itself: one thread, one loop.
//!
//! [`main`] takes the request from standard input and normalises what it inherited; [`Monitor`] is the state; the
//! modules are its verbs: [`lifecycle`] (start, end, restart, release), [`requests`] (what engines ask), [`streams`]
//! (copying), [`health`] (probes), [`names`] (the resolver). What touches the kernel's isolation is behind [`isolation::Isolation`].

mod client;
mod context;
mod health;
mod isolation;
mod launch;
mod leaf;
mod lifecycle;
mod names;
mod place;
mod policy;
mod process;
mod process_isolation;
mod reactor;
mod requests;
mod slots;
mod stdio;
mod streams;
mod timers;

pub use launch::main;

use crate::clock;
use crate::desired::Desired;
use crate::events::{self, Event};
use crate::facts::{Exited, Started};
use crate::log::{LogSink, Stream};
use client::Client;
use health::Verdict;
use isolation::Isolation;
use names::Resolver;
use place::Place;
use policy::Backoff;
use process::Process;
use reactor::{Reactor, Ready, Token};
use slots::Slots;
use std::os::fd::{AsFd, OwnedFd};
use timers::{Timer, Timers};

/// SIGKILL of signal(7).
const SIGKILL: i32 = 9;

/// A sandbox and everything about it.
struct Monitor {
    place: Place,
    desired: Desired,
    reactor: Reactor,
    timers: Timers,
    isolation: Box<dyn Isolation>,
    /// Build id of this program.
    build: String,
    resolver: Option<Resolver>,
    sandbox_exists: bool,
    listener: Option<OwnedFd>,
    signals: OwnedFd,
    clients: Slots<Client>,
    processes: Slots<Process>,
    /// Key of the container's first process.
    main: Option<u32>,
    log: Option<Box<dyn LogSink>>,
    /// First size of the terminal, rows and columns.
    terminal_size: Option<(u16, u16)>,
    started: Option<Started>,
    /// `CLOCK_BOOTTIME` of the last start.
    start_ns: u64,
    last_exit: Option<Exited>,
    restart_count: u32,
    backoff: Backoff,
    verdict: Verdict,
    oom_kills_seen: u64,
    /// Some process of the current run was killed for lack of memory.
    oom_killed: bool,
    /// A failing log is reported once.
    log_failure_reported: bool,
    /// Nothing is left to do but to release.
    finished: bool,
}

impl Monitor {
    /// Runs until the container has ended for good.
    fn run(mut self) {
        while !self.finished {
            let timeout = self.timers.next(clock::boot_ns());
            // Waiting fails only for reasons that no retry mends; the container goes on and is adopted later.
            let Ok(events) = self.reactor.wait(timeout) else { return };
            for ready in events {
                self.dispatch(ready);
            }
            while let Some(timer) = self.timers.take_due(clock::boot_ns()) {
                self.due(timer);
            }
        }
        self.release();
    }

    fn dispatch(&mut self, ready: Ready) {
        match ready.token {
            Token::Listener => self.accept(),
            Token::Signals => self.reap(),
            Token::Adopted => self.adopted_ended(),
            Token::OutOfMemory => drop(self.memory_ran_out()),
            Token::Servant => self.servant_asks(),
            Token::Client(key) => self.client_ready(key, ready.read, ready.write),
            Token::Stdout(key) => self.output_ready(key, Stream::Stdout),
            Token::Stderr(key) => self.output_ready(key, Stream::Stderr),
            Token::Stdin(key) => self.input_ready(key),
        }
    }

    fn due(&mut self, timer: Timer) {
        match timer {
            // Fails only when the process has just ended.
            Timer::Kill => drop(self.signal_main(SIGKILL)),
            Timer::Restart => self.restart(),
            Timer::Probe => self.probe(),
            Timer::ProbeTimeout => self.probe_timed_out(),
            Timer::LeaveGroup => self.leave_callers_group(),
            Timer::Servant => self.restart_servant(),
        }
    }

    fn leave_callers_group(&self) {
        if let Err(failure) = self.isolation.leave_callers_group() {
            self.event("warning", &[("warning", &failure.message)]);
        }
    }

    /// Looks whether the kernel killed processes for lack of memory since the first process started; `true` if so.
    fn memory_ran_out(&mut self) -> bool {
        let kills = self.isolation.oom_kills();
        if kills > self.oom_kills_seen {
            self.oom_kills_seen = kills;
            self.oom_killed = true;
            self.event("oom", &[]);
        }
        self.oom_killed
    }

    /// Appends to the event log. Best effort: an event that cannot be written must not stop a container.
    fn event(&self, action: &str, attributes: &[(&str, &str)]) {
        let mut event = Event::now("container", action, self.desired.id.as_str())
            .with("name", self.desired.name.clone())
            .with("image", self.desired.image.clone());
        for (key, value) in attributes {
            event = event.with(key, *value);
        }
        if let Ok(directory) = self.place.events() {
            let _ = events::append(directory.as_fd(), &event);
        }
    }

    /// Something could not be written; said once, in the event log, since there may be no other place.
    fn log_failed(&mut self, error: &std::io::Error) {
        if !self.log_failure_reported {
            self.log_failure_reported = true;
            self.event("log_failed", &[("error", &error.to_string())]);
        }
    }
}
