//! The first moments of a monitor: what it inherited is normalised, the request is taken, the container is started,
//! taken over or recorded as lost.

use super::client::{Client, Role};
use super::isolation::Failure;
use super::place::Place;
use super::process::{Process, Purpose};
use super::process_isolation::ProcessIsolation;
use super::reactor::{Interest, Reactor, Token};
use super::slots::Slots;
use super::timers::{Timer, Timers};
use super::{Monitor, context, leaf, stdio};
use crate::desired::Desired;
use crate::facts::{self, Durability, Exited, Started};
use crate::layout::{data, exec};
use crate::protocol::{FailureKind, LaunchMode, MESSAGE_MAX, Reply, Request, Streams, VERSION};
use ids::InstanceId;
use kernel::{process, seqpacket};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Exit code of a container whose end nobody saw (128 + SIGKILL: a terminal's hang-up, or the whole cgroup's end).
const LOST: i32 = 137;

/// Exit code of a container whose end cannot be learnt.
const UNKNOWN: i32 = 255;

/// The `monitor` role of the runtime program, whose standard input is a socket with a [`Request::Launch`] on it.
/// Returns its exit code once the sandbox is released. `build` is the program's build id.
///
/// Single-threaded by contract: the runtime's clone3 depends on it.
#[must_use]
pub fn main(build: &str) -> i32 {
    // Before anything is taken: it may execute this program again, which then inherits the socket.
    let protected = runtime::seal::protect();
    let Ok(control) = take_control() else { return 125 };
    match protected.map_err(|error| Failure::host(&error)).and_then(|()| begin(&control, build)) {
        Ok(monitor) => {
            drop(control);
            monitor.run();
            0
        }
        Err(failure) => {
            let reply = Reply::Failed { kind: failure.kind, message: failure.message };
            let bytes = serde_json::to_vec(&reply).unwrap_or_default();
            // The engine may be gone; the container's record says the same.
            let _ = seqpacket::send(control.as_fd(), &bytes, &[]);
            125
        }
    }
}

fn host(context: &str, errno: Errno) -> Failure {
    Failure { kind: FailureKind::Host, message: format!("{context}: {}", std::io::Error::from(errno)) }
}

/// Moves the control socket away from standard input and leaves nothing there that could be confused with it.
fn take_control() -> rustix::io::Result<OwnedFd> {
    let control = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    rustix::stdio::dup2_stdin(stdio::null()?)?;
    Ok(control)
}

/// What the engine asked.
struct Order {
    place: Place,
    instance: InstanceId,
    mode: LaunchMode,
    streams: Streams,
    terminal_size: Option<(u16, u16)>,
    engine_waits: bool,
    command_began_ns: Option<u64>,
}

fn take_order(control: BorrowedFd<'_>, build: &str) -> Result<Order, Failure> {
    let mut buffer = vec![0u8; MESSAGE_MAX];
    let (length, fds) =
        seqpacket::receive(control, &mut buffer).map_err(|errno| host("receive the request", errno))?;
    let mismatch = |message: String| Failure { kind: FailureKind::BuildMismatch, message };
    let request = serde_json::from_slice(&buffer[..length])
        .map_err(|error| mismatch(format!("the monitor does not understand the request: {error}")))?;
    let Request::Launch {
        protocol,
        build: expected,
        instance,
        mode,
        streams,
        terminal_size,
        engine_waits,
        command_began_ns,
    } = request
    else {
        return Err(Failure::state("a new monitor must be asked to launch first"));
    };
    if protocol != VERSION || expected != build {
        return Err(mismatch(format!(
            "engine ({expected}) and runtime program ({build}) are of different builds: install them together"
        )));
    }
    let [live_lock, data, exec] = <[OwnedFd; 3]>::try_from(fds)
        .map_err(|fds| mismatch(format!("the request came with {} descriptors instead of 3", fds.len())))?;
    Ok(Order {
        place: Place::new(live_lock, data, exec),
        instance,
        mode,
        streams,
        terminal_size,
        engine_waits,
        command_began_ns,
    })
}

/// A variable that an image sets empty to be told when the user's command began, nanoseconds of `CLOCK_BOOTTIME`: the
/// demo image does. A restart has no command, and there it stays empty.
const STARTED_AT: &str = "SAMPAN_STARTED_AT=";

fn tell_beginning(desired: &mut Desired, command_began_ns: Option<u64>) {
    let Some(began_ns) = command_began_ns else { return };
    let variables = desired.spec.process.iter_mut().flat_map(|process| &mut process.env);
    for variable in variables.filter(|variable| *variable == STARTED_AT) {
        variable.push_str(&began_ns.to_string());
    }
}

/// Takes the order and carries it out as far as its reply.
fn begin(control: &OwnedFd, build: &str) -> Result<Monitor, Failure> {
    let signals = context::normalise().map_err(|errno| host("prepare the monitor", errno))?;
    let order = take_order(control.as_fd(), build)?;
    let mut desired = order.place.read_desired()?;
    tell_beginning(&mut desired, order.command_began_ns);
    let mut monitor = prepare(&order.place, &order.instance, signals, build)
        .map_err(|errno| host("prepare the monitor", errno))
        .map(|parts| parts.into_monitor(order.place, desired, order.terminal_size))?;
    let pid = match order.mode {
        LaunchMode::Start => monitor.start_first(),
        LaunchMode::Adopt => monitor.adopt(),
        LaunchMode::Recover => monitor.recover(),
    };
    match pid {
        Ok(pid) => {
            if monitor.main.is_some() {
                monitor.timers.set(Timer::LeaveGroup, crate::clock::boot_ns(), leaf::AFTER);
            }
            monitor.join_control(control, &order.streams, order.engine_waits, pid);
            Ok(monitor)
        }
        Err(failure) => {
            // What could not be taken over is not ours: it goes on, or its end is still to be recorded.
            if order.mode == LaunchMode::Adopt {
                monitor.leave();
            } else {
                monitor.abandon();
            }
            Err(failure)
        }
    }
}

/// What can be made before anything of the container is.
struct Parts {
    reactor: Reactor,
    listener: OwnedFd,
    signals: OwnedFd,
    isolation: ProcessIsolation,
    build: String,
}

fn prepare(place: &Place, instance: &InstanceId, signals: OwnedFd, build: &str) -> rustix::io::Result<Parts> {
    let reactor = Reactor::new()?;
    reactor.add(&signals, Token::Signals, Interest::READ)?;
    let listener = match seqpacket::listen(place.exec(), exec::SOCKET) {
        // A dead monitor's: we hold the lock, so nobody listens there.
        Err(Errno::ADDRINUSE) => {
            rustix::fs::unlinkat(place.exec(), exec::SOCKET, rustix::fs::AtFlags::empty())?;
            seqpacket::listen(place.exec(), exec::SOCKET)?
        }
        done => done?,
    };
    reactor.add(&listener, Token::Listener, Interest::READ)?;
    let isolation = ProcessIsolation::new(instance.clone(), place.exec_siblings());
    Ok(Parts { reactor, listener, signals, isolation, build: build.to_owned() })
}

impl Parts {
    fn into_monitor(self, place: Place, desired: Desired, terminal_size: Option<(u16, u16)>) -> Monitor {
        Monitor {
            place,
            desired,
            reactor: self.reactor,
            timers: Timers::default(),
            isolation: Box::new(self.isolation),
            build: self.build,
            resolver: None,
            sandbox_exists: false,
            listener: Some(self.listener),
            signals: self.signals,
            clients: Slots::default(),
            processes: Slots::default(),
            main: None,
            log: None,
            terminal_size,
            started: None,
            start_ns: 0,
            last_exit: None,
            restart_count: 0,
            backoff: super::policy::Backoff::default(),
            verdict: super::health::Verdict::default(),
            oom_kills_seen: 0,
            oom_killed: false,
            log_failure_reported: false,
            finished: false,
        }
    }
}

impl Monitor {
    fn open_log(&mut self) -> Result<(), Failure> {
        self.log = Some(crate::log::open(&self.desired.log).map_err(|error| Failure {
            kind: FailureKind::Host,
            message: format!("cannot open the container's log: {error}"),
        })?);
        Ok(())
    }

    fn start_first(&mut self) -> Result<i32, Failure> {
        self.open_log()?;
        self.launch()
    }

    /// Takes over a running container whose monitor died.
    fn adopt(&mut self) -> Result<i32, Failure> {
        self.open_log()?;
        let started: Option<Started> = facts::read(&self.place.data_path(), data::STARTED);
        let started = started
            .filter(Started::is_alive)
            .ok_or_else(|| Failure::state("the container is not running"))?;
        self.isolation.adopt(&self.desired, Some(started.pid))?;
        self.sandbox_exists = true;
        let started = self.settle_pause(started)?;
        let errno = |errno| host("take over the container's process", errno);
        let pidfd = process::pidfd_open(started.pid).map_err(errno)?;
        self.reactor.add(&pidfd, Token::Adopted, Interest::READ).map_err(errno)?;
        let pid = started.pid;
        self.restart_count = started.restart_count;
        self.start_ns = crate::clock::boot_ns();
        self.oom_kills_seen = self.isolation.oom_kills();
        if let Some(signal) = self.isolation.oom_signal() {
            self.reactor.add(signal.fd, Token::OutOfMemory, signal.interest).map_err(errno)?;
        }
        self.started = Some(started);
        let ends = stdio::reopen(self.place.exec());
        self.take_main(Process::new(Purpose::First, pid, pidfd, None, ends)).map_err(errno)?;
        self.adopt_names();
        self.event("monitor_replaced", &[]);
        self.begin_health();
        // A terminal died with the monitor that held it: what is left of the container has been hung up.
        if self.desired.stdio.terminal {
            self.isolation.kill_all();
        }
        Ok(pid)
    }

    /// A monitor that is killed while it pauses has done so or said so, not both: what it did counts.
    fn settle_pause(&self, mut started: Started) -> Result<Started, Failure> {
        let paused = self.isolation.is_paused();
        if started.paused != paused {
            started.paused = paused;
            facts::write(&self.place.data_path(), data::STARTED, &started, Durability::Process)
                .map_err(|error| Failure::host(&error))?;
        }
        Ok(started)
    }

    /// Records the end of a container that died with its monitor, then follows the policy. Where the end is on record,
    /// or there never was a beginning, what the monitor held is only let go of.
    fn recover(&mut self) -> Result<i32, Failure> {
        self.open_log()?;
        let last: Option<Exited> = facts::read(&self.place.data_path(), data::EXITED);
        self.started = facts::read(&self.place.data_path(), data::STARTED);
        self.restart_count = self.started.as_ref().map_or(0, |started| started.restart_count);
        self.isolation.adopt(&self.desired, None)?;
        self.isolation.kill_all();
        let was_started = self.started.is_some() || last.is_some();
        self.last_exit = last.filter(|last| {
            self.started.as_ref().is_none_or(|started| started.started_at == last.started_at)
                && !last.restarting
        });
        if was_started && self.last_exit.is_none() {
            let stopped_by_user = self.place.stopped_by_user();
            let ended =
                super::policy::Ended { exit_code: LOST, stopped_by_user, restart_count: self.restart_count };
            let restarting = super::policy::restarts(self.desired.restart, ended);
            self.record_end(LOST, false, "monitor-lost".into(), restarting);
            self.event("die", &[("exitCode", &LOST.to_string()), ("error", "monitor-lost")]);
            if restarting {
                self.isolation.destroy();
                self.restart_count += 1;
                return self.launch();
            }
        }
        self.finished = true;
        Ok(0)
    }

    /// The end of an adopted first process, which only its pidfd tells.
    pub(super) fn adopted_ended(&mut self) {
        let Some(key) = self.main else { return };
        let Some(process) = self.processes.get(key) else { return };
        self.reactor.remove(&process.pidfd);
        // Known once its new parent, the system's init, has reaped it.
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(3);
        let code = loop {
            match process::exit_of_stranger(process.pidfd.as_fd()) {
                Some(exit) => break exit.code(),
                None if std::time::Instant::now() > patience => break UNKNOWN,
                None => std::thread::sleep(std::time::Duration::from_millis(10)),
            }
        };
        self.main_ended(key, code);
    }

    /// The start failed: what was made goes, the record stays.
    fn abandon(&mut self) {
        self.forget_names();
        let mut failures = self.isolation.destroy();
        failures.extend(self.isolation.end_connections());
        for failure in &failures {
            self.event("release_failed", &[("error", failure)]);
        }
        stdio::remove_names(self.place.exec());
        self.leave();
    }

    /// Lets go of the container as it is.
    fn leave(&mut self) {
        // Missing is what is wanted.
        let _ = rustix::fs::unlinkat(self.place.exec(), exec::SOCKET, rustix::fs::AtFlags::empty());
        self.place.unlock();
    }

    /// Makes the engine that asked for the launch the first client, and answers it.
    fn join_control(&mut self, control: &OwnedFd, streams: &Streams, engine_waits: bool, pid: i32) {
        let Ok(socket) = rustix::io::fcntl_dupfd_cloexec(control, 3) else { return };
        let key = self.clients.next_key();
        let Ok(mut client) = Client::new(socket, key, &self.reactor) else { return };
        client.waits_for_release = engine_waits;
        if let Some(process) = self.main.filter(|_| streams.any() || engine_waits) {
            client.role = Role::Stream { process, streams: *streams };
        }
        self.clients.insert(client);
        self.answer(key, &Reply::Started { pid }, None);
    }
}
