//! Copying: from processes to the log and to clients, from clients to processes.

use super::Monitor;
use super::client::{Client, Role};
use super::process::{Purpose, READ_MAX};
use crate::log::Stream;
use crate::protocol::Frame;

impl Monitor {
    /// A stream of a process has bytes, or has ended.
    pub(super) fn output_ready(&mut self, key: u32, stream: Stream) {
        let mut buffer = [0u8; READ_MAX];
        let Some(process) = self.processes.get(key) else { return };
        match process.read(stream, &mut buffer) {
            None => {}
            Some([]) => {
                if let Some(process) = self.processes.get_mut(key) {
                    process.close(stream, &self.reactor);
                }
            }
            Some(bytes) => self.deliver(key, stream, bytes),
        }
    }

    /// Reads everything that a process left behind.
    pub(super) fn drain_output(&mut self, key: u32) {
        let mut buffer = [0u8; READ_MAX];
        for stream in [Stream::Stdout, Stream::Stderr] {
            while let Some(bytes @ [_, ..]) =
                self.processes.get(key).and_then(|process| process.read(stream, &mut buffer))
            {
                self.deliver(key, stream, bytes);
            }
        }
        if self.main == Some(key)
            && let (Some(process), Some(log)) = (self.processes.get_mut(key), &mut self.log)
            && let Err(error) = process.finish_log(log.as_mut())
        {
            self.log_failed(&error);
        }
    }

    fn deliver(&mut self, key: u32, stream: Stream, bytes: &[u8]) {
        let Some(process) = self.processes.get_mut(key) else { return };
        match process.purpose {
            Purpose::First => {
                if let Some(log) = &mut self.log
                    && let Err(error) = process.log(log.as_mut(), stream, bytes)
                {
                    self.log_failed(&error);
                }
            }
            Purpose::Probe => process.capture(bytes),
            Purpose::Exec(_) => {}
        }
        let frame = match stream {
            Stream::Stdout => Frame::Stdout,
            Stream::Stderr => Frame::Stderr,
        };
        for client in self.listeners_of(key) {
            let Some(connection) = self.clients.get_mut(client) else { continue };
            let Role::Stream { streams, .. } = connection.role else { continue };
            let wanted = if stream == Stream::Stdout { streams.stdout } else { streams.stderr };
            if !wanted {
                continue;
            }
            if connection.frame(frame, bytes).is_err() || connection.refresh(client, &self.reactor).is_err() {
                self.drop_client(client);
            }
        }
        self.balance(key);
    }

    /// Clients that take part in the streams of a process.
    pub(super) fn listeners_of(&self, key: u32) -> Vec<u32> {
        let takes_part = |role| matches!(role, Role::Stream { process, .. } if process == key);
        self.clients.iter().filter(|(_, client)| takes_part(client.role)).map(|(client, _)| client).collect()
    }

    /// Reads a process only while all its clients keep up.
    pub(super) fn balance(&mut self, key: u32) {
        let behind = self
            .listeners_of(key)
            .into_iter()
            .any(|client| self.clients.get(client).is_some_and(Client::is_behind));
        if let Some(process) = self.processes.get_mut(key) {
            process.pause(key, behind, &self.reactor);
        }
    }

    /// A client sent a frame.
    pub(super) fn frame_from(&mut self, client: u32, key: u32, message: &[u8]) {
        let Some((byte, payload)) = message.split_first() else { return };
        match Frame::from_byte(*byte) {
            Some(Frame::Stdin) => self.input_from(client, key, payload),
            Some(Frame::Resize) => {
                if let [r0, r1, c0, c1] = *payload {
                    self.resize(key, u16::from_le_bytes([r0, r1]), u16::from_le_bytes([c0, c1]));
                }
            }
            // Only the monitor sends the others.
            _ => self.drop_client(client),
        }
    }

    fn input_from(&mut self, client: u32, key: u32, payload: &[u8]) {
        let allowed = matches!(self.clients.get(client).map(|c| c.role), Some(Role::Stream { streams, .. }) if streams.stdin);
        let Some(process) = self.processes.get_mut(key).filter(|_| allowed) else { return };
        if payload.is_empty() {
            process.end_input(key, &self.reactor);
        } else if !process.feed(key, payload, &self.reactor) {
            self.pause_input(key, true);
        }
    }

    /// A process takes input again.
    pub(super) fn input_ready(&mut self, key: u32) {
        if self.processes.get_mut(key).is_some_and(|process| process.flush_input(key, &self.reactor)) {
            self.pause_input(key, false);
        }
    }

    fn pause_input(&mut self, key: u32, paused: bool) {
        for client in self.listeners_of(key) {
            if let Some(connection) = self.clients.get_mut(client) {
                connection.pause(paused);
                if connection.refresh(client, &self.reactor).is_err() {
                    self.drop_client(client);
                }
            }
        }
    }

    /// Sets the size of a process's terminal.
    pub(super) fn resize(&mut self, key: u32, rows: u16, columns: u16) {
        use std::os::fd::AsFd;
        if let Some(terminal) = self.processes.get(key).and_then(|process| process.terminal.as_ref()) {
            // Best effort, as the terminal may be closing.
            let _ = kernel::pty::set_size(terminal.as_fd(), rows, columns);
        }
    }

    /// Forgets a client. If it was the one whose going ends the input, the input ends.
    pub(super) fn drop_client(&mut self, key: u32) {
        let Some(client) = self.clients.remove(key) else { return };
        self.reactor.remove(&client);
        if client.role == Role::Freezing {
            return self.thaw_if_unwanted();
        }
        let Role::Stream { process, streams } = client.role else { return };
        let first = self.main == Some(process);
        if streams.stdin
            && (!first || self.desired.stdio.stdin_once)
            && let Some(process_) = self.processes.get_mut(process)
        {
            process_.end_input(process, &self.reactor);
        }
        self.balance(process);
    }
}
