//! What engines ask of a running monitor.

use super::Monitor;
use super::client::{Client, Role};
use super::isolation::{ExecRequest, Failure};
use super::process::{Process, Purpose};
use super::stdio;
use super::timers::Timer;
use crate::desired::NetworkPlan;
use crate::facts::{self, Durability};
use crate::protocol::{FailureKind, MESSAGE_MAX, Reply, Request, Streams};
use crate::sample::{self, Sample};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

impl Monitor {
    /// Somebody connects.
    pub(super) fn accept(&mut self) {
        use rustix::net::SocketFlags;
        let Some(listener) = &self.listener else { return };
        while let Ok(socket) =
            rustix::net::accept_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)
        {
            let key = self.clients.next_key();
            if let Ok(client) = Client::new(socket, key, &self.reactor) {
                self.clients.insert(client);
            }
        }
    }

    /// A client sent something, went away, or takes messages again.
    pub(super) fn client_ready(&mut self, key: u32, read: bool, write: bool) {
        if write && let Some(client) = self.clients.get_mut(key) {
            let role = client.role;
            let broken = client.drain().is_err() || client.refresh(key, &self.reactor).is_err();
            if broken || (role == Role::Answered && !client.is_behind()) {
                self.drop_client(key);
            } else if let Role::Stream { process, .. } = role {
                self.balance(process);
            }
        }
        if read {
            self.read_client(key);
        }
    }

    fn read_client(&mut self, key: u32) {
        let mut buffer = [0u8; MESSAGE_MAX];
        let Some(client) = self.clients.get(key) else { return };
        let role = client.role;
        match client.receive(&mut buffer) {
            Err(Errno::AGAIN) => {}
            Err(_) | Ok(0) => self.drop_client(key),
            Ok(length) => match role {
                Role::Stream { process, .. } => self.frame_from(key, process, &buffer[..length]),
                Role::Fresh => self.request(key, &buffer[..length]),
                Role::Waiting { .. } | Role::Freezing | Role::Answered => self.drop_client(key),
            },
        }
    }

    fn request(&mut self, key: u32, message: &[u8]) {
        let answer = match serde_json::from_slice(message) {
            Ok(request) => self.carry_out(key, request),
            Err(error) => Err(Failure {
                kind: FailureKind::BuildMismatch,
                message: format!("the monitor does not understand the request: {error}"),
            }),
        };
        match answer {
            Ok(None) => {}
            Ok(Some((reply, fd))) => self.answer(key, &reply, fd.as_ref()),
            Err(Failure { kind, message }) => self.answer(key, &Reply::Failed { kind, message }, None),
        }
    }

    /// Sends the one answer of a connection. A stream connection goes on.
    pub(super) fn answer(&mut self, key: u32, reply: &Reply, fd: Option<&OwnedFd>) {
        let Some(client) = self.clients.get_mut(key) else { return };
        let fds: Vec<_> = fd.iter().map(|fd| fd.as_fd()).collect();
        let sent = client.reply(reply, &fds);
        if !matches!(client.role, Role::Stream { .. } | Role::Freezing) {
            client.role = Role::Answered;
        }
        let done = client.role == Role::Answered && !client.is_behind();
        if sent.is_err() || done || client.refresh(key, &self.reactor).is_err() {
            self.drop_client(key);
        }
    }

    /// Carries out a request; `None` when the answer comes later.
    fn carry_out(&mut self, key: u32, request: Request) -> Result<Option<(Reply, Option<OwnedFd>)>, Failure> {
        let reply = match request {
            Request::Launch { .. } => return Err(Failure::state("this monitor has a container already")),
            Request::Attach { streams } => {
                let process = self.main.ok_or_else(|| Failure::state("the container is not running"))?;
                self.set_role(key, Role::Stream { process, streams });
                Reply::Attached
            }
            Request::Exec { id, process, streams, privileged } => {
                let request = ExecRequest { process: &process, privileged };
                let (process, pid) = self.exec(Purpose::Exec(id), &request, streams)?;
                if streams.any() {
                    self.set_role(key, Role::Stream { process, streams });
                }
                Reply::ExecStarted { pid }
            }
            Request::Signal { signal } => {
                self.signal_main(signal)?;
                Reply::Done
            }
            Request::Stop { signal, timeout_seconds } => {
                self.set_role(key, Role::Waiting { any: false });
                return self.stop(signal, timeout_seconds).map(|()| None);
            }
            Request::Wait { any } => {
                self.set_role(key, Role::Waiting { any });
                return Ok(None);
            }
            Request::Pause => self.set_paused(true)?,
            Request::Unpause => self.set_paused(false)?,
            Request::Freeze => {
                self.freeze(key)?;
                Reply::Done
            }
            Request::Resize { exec, rows, columns } => {
                let key = self
                    .find_process(exec.as_ref())
                    .ok_or_else(|| Failure::state("no such process is running"))?;
                self.resize(key, rows, columns);
                Reply::Done
            }
            Request::Processes => Reply::Processes { pids: self.isolation.processes()? },
            Request::Stats => Reply::Stats(Box::new(self.sample()?)),
            Request::OpenNamespace { kind } => {
                let namespace = match kind.as_str() {
                    "pid" => self.open_pid_namespace()?,
                    _ => self.isolation.open_namespace(&kind)?,
                };
                return Ok(Some((Reply::Namespace, Some(namespace))));
            }
            Request::Update { generation } => self.update(generation)?,
            Request::ReopenLog => {
                if let Some(log) = &mut self.log {
                    log.reopen().map_err(|error| Failure::host(&error))?;
                }
                Reply::Done
            }
        };
        Ok(Some((reply, None)))
    }

    fn set_role(&mut self, key: u32, role: Role) {
        if let Some(client) = self.clients.get_mut(key) {
            client.role = role;
        }
    }

    fn find_process(&self, exec: Option<&ids::ExecId>) -> Option<u32> {
        let Some(id) = exec else { return self.main };
        self.processes
            .iter()
            .find(|(_, process)| matches!(&process.purpose, Purpose::Exec(other) if other == id))
            .map(|(key, _)| key)
    }

    /// Runs a further process; its key and pid.
    pub(super) fn exec(
        &mut self,
        purpose: Purpose,
        request: &ExecRequest<'_>,
        streams: Streams,
    ) -> Result<(u32, i32), Failure> {
        let main = self.main.and_then(|key| self.processes.get(key));
        let main = main.ok_or_else(|| Failure::state("the container is not running"))?;
        if self.started.as_ref().is_some_and(|started| started.paused) {
            return Err(Failure::state("the container is paused: unpause it first"));
        }
        if self.is_freezing() {
            return Err(Failure::state("the container is frozen while it is committed: try again"));
        }
        let errno = |error: Errno| Failure::host(&std::io::Error::from(error));
        let wants_output = streams.stdout || streams.stderr || purpose == Purpose::Probe;
        let (mut ends, child) = if request.process.terminal {
            (stdio::Ends::default(), super::isolation::ChildStdio::Terminal)
        } else {
            stdio::nameless(streams.stdin, wants_output).map_err(errno)?
        };
        let launched = self.isolation.exec(main.pidfd.as_fd(), request, child)?;
        if let Some(master) = &launched.terminal {
            ends = stdio::terminal(master).map_err(errno)?;
        }
        let process = Process::new(purpose, launched.pid, launched.pidfd, launched.terminal, ends);
        let key = self.processes.insert(process);
        if let Some(process) = self.processes.get(key) {
            process.watch(key, &self.reactor).map_err(errno)?;
        }
        Ok((key, launched.pid))
    }

    pub(super) fn signal_main(&mut self, signal: i32) -> Result<(), Failure> {
        let process = self.main.and_then(|key| self.processes.get(key));
        let process = process.ok_or_else(|| Failure::state("the container is not running"))?;
        kernel::process::send_signal(process.pidfd.as_fd(), signal)
            .map_err(|errno| Failure::host(&std::io::Error::from(errno)))
    }

    /// Asks the container to end, and makes sure that it does.
    fn stop(&mut self, signal: i32, timeout_seconds: i64) -> Result<(), Failure> {
        if self.main.is_none() {
            // Between two starts: there is nothing to signal, only the next start to cancel.
            self.timers.clear(Timer::Restart);
            self.give_up_restart();
            return Ok(());
        }
        if self.started.as_ref().is_some_and(|started| started.paused) {
            self.set_paused(false)?;
        } else if self.is_freezing() {
            // A signal reaches nobody who is frozen.
            self.isolation.unpause()?;
        }
        self.signal_main(signal)?;
        if let Ok(seconds) = u64::try_from(timeout_seconds) {
            self.timers.set(Timer::Kill, crate::clock::boot_ns(), Duration::from_secs(seconds));
        }
        Ok(())
    }

    fn set_paused(&mut self, paused: bool) -> Result<Reply, Failure> {
        let mut started = self.started.clone().filter(|_| self.main.is_some());
        let started = started.as_mut().ok_or_else(|| Failure::state("the container is not running"))?;
        if started.paused == paused {
            let word = if paused { "already" } else { "not" };
            return Err(Failure::state(format!("the container is {word} paused")));
        }
        let changed = if paused { self.isolation.pause() } else { self.isolation.unpause() };
        changed?;
        started.paused = paused;
        facts::write(&self.place.data_path(), crate::layout::data::STARTED, started, Durability::Process)
            .map_err(|error| Failure::host(&error))?;
        self.started = Some(started.clone());
        self.event(if paused { "pause" } else { "unpause" }, &[]);
        Ok(Reply::Done)
    }

    /// Records which generation is in force.
    pub(super) fn acknowledge(&mut self) -> Result<(), Failure> {
        let Some(started) = self.started.as_mut().filter(|_| self.main.is_some()) else { return Ok(()) };
        started.generation = self.desired.generation;
        facts::write(&self.place.data_path(), crate::layout::data::STARTED, started, Durability::Process)
            .map_err(|error| Failure::host(&error))
    }

    /// The pid namespace of the first process, which goes with it.
    fn open_pid_namespace(&self) -> Result<OwnedFd, Failure> {
        let main = self.main.and_then(|key| self.processes.get(key));
        let main = main.ok_or_else(|| Failure::state("it is not running; start it first"))?;
        kernel::namespace::open_of(main.pid, kernel::namespace::Kind::Pid)
            .map_err(|errno| Failure::host(&std::io::Error::from(errno)))
    }

    /// Counts what the container uses now.
    fn sample(&self) -> Result<Sample, Failure> {
        let main = self.main.and_then(|key| self.processes.get(key));
        let main = main.ok_or_else(|| Failure::state("the container is not running"))?;
        let interfaces = match self.desired.network {
            NetworkPlan::Host => Vec::new(),
            // Our own child, which we have not reaped: the number is its.
            _ => std::fs::read_to_string(format!("/proc/{}/net/dev", main.pid))
                .map(|text| sample::interfaces(&text))
                .unwrap_or_default(),
        };
        Ok(Sample { taken_ns: crate::clock::boot_ns(), cgroup: self.isolation.stats()?, interfaces })
    }

    /// Freezes until the client goes.
    fn freeze(&mut self, key: u32) -> Result<(), Failure> {
        let paused = self.started.as_ref().filter(|_| self.main.is_some()).map(|started| started.paused);
        let paused = paused.ok_or_else(|| Failure::state("the container is not running"))?;
        if !paused && !self.is_freezing() {
            self.isolation.pause()?;
        }
        self.set_role(key, Role::Freezing);
        Ok(())
    }

    /// Whether nothing runs in the container, by whoever's wish.
    pub(super) fn is_still(&self) -> bool {
        self.is_freezing() || self.started.as_ref().is_some_and(|started| started.paused)
    }

    fn is_freezing(&self) -> bool {
        self.clients.iter().any(|(_, client)| client.role == Role::Freezing)
    }

    /// Thaws when nobody wants the container frozen any more.
    pub(super) fn thaw_if_unwanted(&mut self) {
        let paused = self.started.as_ref().is_some_and(|started| started.paused);
        if self.main.is_some() && !paused && !self.is_freezing() {
            // Fails only when the group is gone, and its processes with it.
            let _ = self.isolation.unpause();
        }
    }

    fn update(&mut self, generation: u64) -> Result<Reply, Failure> {
        let desired = self.place.read_desired()?;
        if desired.generation != generation {
            return Err(Failure::state(format!(
                "found generation {} of the container's document, not {generation}",
                desired.generation
            )));
        }
        self.isolation.update(&desired)?;
        if self.sandbox_exists {
            self.isolation.change_networks(&self.desired.network, &desired.network)?;
        }
        let before = std::mem::replace(&mut self.desired, desired);
        if self.sandbox_exists {
            self.change_names(&before)?;
        }
        self.acknowledge()?;
        self.event("update", &[]);
        Ok(Reply::Done)
    }
}
