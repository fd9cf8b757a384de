//! From start to end, and to the next start if the policy wants one.

use super::Monitor;
use super::client::Role;
use super::isolation::Failure;
use super::policy::{self, Ended};
use super::process::{Process, Purpose};
use super::reactor::Token;
use super::stdio;
use super::timers::Timer;
use crate::clock;
use crate::facts::{self, Durability, Exited, Started};
use crate::layout::{self, data};
use crate::protocol::{Frame, Reply};
use kernel::process::Exit;
use std::os::fd::AsFd;
use std::time::Duration;

impl Monitor {
    /// Starts the container: on success its first process runs its program and is recorded.
    pub(super) fn launch(&mut self) -> Result<i32, Failure> {
        let result = self.try_launch();
        if let Err(failure) = &result {
            self.isolation.kill_all();
            self.main = None;
            self.record_end(failure.exit_code(), false, failure.message.clone(), false);
        }
        result
    }

    fn try_launch(&mut self) -> Result<i32, Failure> {
        let errno = |errno: rustix::io::Errno| Failure::host(&std::io::Error::from(errno));
        if !self.sandbox_exists {
            self.isolation.create_sandbox(&self.desired)?;
            self.sandbox_exists = true;
            self.begin_names()?;
            for warning in self.isolation.take_warnings() {
                self.event("warning", &[("warning", &warning)]);
            }
        }
        let (mut ends, child) = stdio::named(self.place.exec(), self.desired.stdio).map_err(errno)?;
        let launched = self.isolation.create(&self.desired, child)?;
        // Each start has a cgroup of its own, so there is no signal of an earlier one in the set.
        self.oom_kills_seen = 0;
        if let Some(signal) = self.isolation.oom_signal() {
            self.reactor.add(signal.fd, Token::OutOfMemory, signal.interest).map_err(errno)?;
        }
        if let Some(master) = &launched.terminal {
            ends = stdio::terminal(master).map_err(errno)?;
            if let Some((rows, columns)) = self.terminal_size {
                kernel::pty::set_size(master.as_fd(), rows, columns).map_err(errno)?;
            }
        }
        // Recorded before its program runs: nothing of the user's ever runs unrecorded.
        let started = Started {
            boot_id: facts::boot_id().to_owned(),
            pid: launched.pid,
            start_time_ticks: facts::start_time_ticks(launched.pid).unwrap_or(0),
            monitor_pid: i32::try_from(std::process::id()).unwrap_or(0),
            generation: self.desired.generation,
            started_at: clock::now(),
            restart_count: self.restart_count,
            paused: false,
        };
        facts::write(&self.place.data_path(), data::STARTED, &started, Durability::Process)
            .map_err(|error| Failure::host(&error))?;
        self.isolation.start().inspect_err(|_| {
            // It never ran: no start to show.
            let _ = std::fs::remove_file(self.place.data_path().join(data::STARTED));
        })?;
        self.started = Some(started);
        self.start_ns = clock::boot_ns();
        self.oom_killed = false;
        let process = Process::new(Purpose::First, launched.pid, launched.pidfd, launched.terminal, ends);
        self.take_main(process).map_err(errno)?;
        self.event("start", &[]);
        self.begin_health();
        Ok(launched.pid)
    }

    /// Makes a process the first one.
    pub(super) fn take_main(&mut self, process: Process) -> rustix::io::Result<()> {
        let key = self.processes.insert(process);
        self.main = Some(key);
        if let Some(process) = self.processes.get(key) {
            process.watch(key, &self.reactor)?;
        }
        Ok(())
    }

    /// Children changed state.
    pub(super) fn reap(&mut self) {
        while let Ok(Some(_)) = kernel::signal::read(self.signals.as_fd()) {}
        while let Ok(Some((pid, exit))) = kernel::process::try_reap_any() {
            let key = self.processes.iter().find(|(_, process)| process.pid == pid).map(|(key, _)| key);
            match key {
                Some(key) if self.main == Some(key) => self.main_ended(key, exit.code()),
                Some(key) => self.further_ended(key, exit),
                None => drop(self.servant_ended(pid)),
            }
        }
    }

    /// A further process has ended: its listeners are told and let go.
    fn further_ended(&mut self, key: u32, exit: Exit) {
        self.drain_output(key);
        let record = self.exit_record(exit.code(), false, String::new(), false);
        for client in self.listeners_of(key) {
            self.tell_end(client, &record);
            if let Some(connection) = self.clients.get_mut(client) {
                connection.role = Role::Answered;
                if !connection.is_behind() {
                    self.drop_client(client);
                }
            }
        }
        if let Some(process) = self.forget(key) {
            match &process.purpose {
                Purpose::Probe => self.probe_ended(Some(exit.code()), &process.captured),
                Purpose::Exec(id) => {
                    self.event(
                        "exec_die",
                        &[("execID", id.as_str()), ("exitCode", &exit.code().to_string())],
                    );
                }
                Purpose::First => {}
            }
        }
    }

    /// Takes a process out of everything.
    pub(super) fn forget(&mut self, key: u32) -> Option<Process> {
        let mut process = self.processes.remove(key)?;
        process.close(crate::log::Stream::Stdout, &self.reactor);
        process.close(crate::log::Stream::Stderr, &self.reactor);
        Some(process)
    }

    /// The first process has ended, and with it the container.
    pub(super) fn main_ended(&mut self, key: u32, exit_code: i32) {
        self.timers.clear(Timer::Kill);
        self.end_health();
        self.isolation.kill_all();
        self.drain_output(key);
        self.forget(key);
        self.main = None;
        let oom_killed = self.memory_ran_out();
        // The policy may have been changed since the start; a torn document keeps the old one.
        if let Ok(desired) = self.place.read_desired() {
            self.desired.restart = desired.restart;
        }
        let ended = Ended {
            exit_code,
            stopped_by_user: self.place.stopped_by_user(),
            restart_count: self.restart_count,
        };
        let restarting = policy::restarts(self.desired.restart, ended);
        self.record_end(exit_code, oom_killed, String::new(), restarting);
        self.event("die", &[("exitCode", &exit_code.to_string())]);
        if restarting {
            let ran = Duration::from_nanos(clock::boot_ns().saturating_sub(self.start_ns));
            let delay = self.backoff.next(ran);
            self.timers.set(Timer::Restart, clock::boot_ns(), delay);
            self.tell_waiting(true);
        } else {
            self.finished = true;
        }
    }

    /// The policy's delay is over.
    pub(super) fn restart(&mut self) {
        if self.place.stopped_by_user() {
            return self.give_up_restart();
        }
        self.restart_count += 1;
        if let Ok(desired) = self.place.read_desired() {
            self.desired = desired;
        }
        if self.launch().is_err() {
            self.finished = true;
        }
    }

    /// The user stopped it between two starts: the last record becomes final.
    pub(super) fn give_up_restart(&mut self) {
        if let Some(mut last) = self.last_exit.take() {
            last.restarting = false;
            self.write_exit(last);
        }
        self.finished = true;
    }

    fn exit_record(&self, exit_code: i32, oom_killed: bool, error: String, restarting: bool) -> Exited {
        Exited {
            boot_id: facts::boot_id().to_owned(),
            exit_code,
            oom_killed,
            error,
            started_at: self.started.as_ref().map(|started| started.started_at.clone()).unwrap_or_default(),
            finished_at: clock::now(),
            restart_count: self.restart_count,
            restarting,
        }
    }

    pub(super) fn record_end(&mut self, exit_code: i32, oom_killed: bool, error: String, restarting: bool) {
        let record = self.exit_record(exit_code, oom_killed, error, restarting);
        self.write_exit(record);
    }

    fn write_exit(&mut self, record: Exited) {
        if let Err(error) = facts::write(&self.place.data_path(), data::EXITED, &record, Durability::Process)
        {
            // No space, most likely. Observers then see an end without a record; a waiting engine still hears of it.
            self.log_failed(&error);
        }
        self.last_exit = Some(record);
    }

    /// Gives back everything, then tells everybody who waits.
    pub(super) fn release(mut self) {
        let record = self.last_exit.take();
        for client in self.clients.keys() {
            if let (Some(record), Some(Role::Stream { .. })) =
                (&record, self.clients.get(client).map(|client| client.role))
            {
                self.tell_end(client, record);
            }
        }
        self.listener = None;
        self.end_names();
        let failures = self.isolation.destroy();
        for failure in &failures {
            self.event("release_failed", &[("error", failure)]);
        }
        // Missing is what is wanted.
        let _ = rustix::fs::unlinkat(self.place.exec(), layout::exec::SOCKET, rustix::fs::AtFlags::empty());
        stdio::remove_names(self.place.exec());
        self.place.unlock();
        let somebody_removes = self.clients.iter().any(|(_, client)| client.waits_for_release);
        self.tell_release(record.as_ref());
        if self.desired.auto_remove && !somebody_removes {
            self.reap_container();
        }
        // Takes the kernel some milliseconds, and nobody has to wait for it.
        for failure in self.isolation.end_connections() {
            self.event("release_failed", &[("error", &failure)]);
        }
        for (_, client) in self.clients.iter_mut() {
            client.drain_blocking();
        }
    }

    /// Tells everybody who stayed until now. `record` is missing where the container never began.
    fn tell_release(&mut self, record: Option<&Exited>) {
        let mut unreachable = Vec::new();
        for (key, client) in self.clients.iter_mut() {
            let told = match (client.role, record) {
                (Role::Stream { .. }, _) => client.frame(Frame::Released, &[]),
                (Role::Waiting { .. }, Some(record)) => client.reply(&Reply::Exited(record.clone()), &[]),
                (Role::Waiting { .. }, None) | (Role::Fresh | Role::Freezing | Role::Answered, _) => Ok(()),
            };
            if told.is_err() {
                unreachable.push(key);
            }
        }
        for key in unreachable {
            self.drop_client(key);
        }
    }

    /// Has the container removed by the program that can.
    fn reap_container(&self) {
        if let Some((program, arguments)) = self.desired.reaper.split_first() {
            // It goes on without us. When it cannot be started, the next mutating command removes the container.
            let _ = std::process::Command::new(program)
                .args(arguments)
                .stdin(std::process::Stdio::null())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn();
        }
    }

    /// Answers clients that wait for an end; those that wait for the last one only when it is.
    fn tell_waiting(&mut self, only_any: bool) {
        let Some(record) = self.last_exit.clone() else { return };
        for key in self.clients.keys() {
            if let Some(Role::Waiting { any }) = self.clients.get(key).map(|client| client.role)
                && (any || !only_any)
            {
                self.answer(key, &Reply::Exited(record.clone()), None);
            }
        }
    }

    fn tell_end(&mut self, client: u32, record: &Exited) {
        let payload = serde_json::to_vec(record).unwrap_or_default();
        if let Some(connection) = self.clients.get_mut(client)
            && (connection.frame(Frame::Exit, &payload).is_err()
                || connection.refresh(client, &self.reactor).is_err())
        {
            self.drop_client(client);
        }
    }
}
