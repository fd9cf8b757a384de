//! The loop: one thread waits for queries, answers what it knows and forwards the rest.

use super::forward::{Forward, Progress, Upstreams};
use super::order::{Order, View};
use super::stream::{Incoming, Outgoing, Read};
use network::dns::message::{self, Code, Query, Record, STREAM_MAX, Unusable};
use network::dns::{Decision, Directory, NameTable, decide};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketFlags};
use rustix::time::{ClockId, Timespec};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddrV4};
use std::os::fd::{AsFd, OwnedFd};

/// Forwarded queries at one time; the next is answered with a failure.
const FORWARDS_MAX: usize = 128;
/// Connections at one time; the next waits.
const CONNECTIONS_MAX: usize = 32;
/// How long a connection may be idle.
const IDLE_MS: u64 = 10_000;
/// Datagrams that are answered before others have their turn.
const BATCH: usize = 32;

/// What it listens to.
pub(super) struct Sockets {
    pub(super) control: OwnedFd,
    pub(super) datagrams: OwnedFd,
    pub(super) connections: OwnedFd,
}

/// Who asked.
#[derive(Debug, Clone, Copy)]
enum Client {
    /// A datagram from there; its sender takes so many bytes.
    Datagram(SocketAddrV4, usize),
    /// A connection, by key.
    Stream(u32),
}

/// A connection of a client. One query is answered at a time; others wait in the socket.
struct Connection {
    socket: OwnedFd,
    incoming: Incoming,
    outgoing: Outgoing,
    is_waiting: bool,
    deadline_ms: u64,
}

/// The servant's state.
pub(super) struct Server {
    sockets: Sockets,
    directories: Vec<Directory>,
    links: BTreeMap<String, String>,
    upstreams: Vec<IpAddr>,
    view: View,
    forwards: Vec<Forward<Client>>,
    connections: BTreeMap<u32, Connection>,
    next_key: u32,
    turn: usize,
}

/// Which descriptors are ready.
struct Ready {
    control: bool,
    datagrams: bool,
    connections: bool,
    forwards: Vec<usize>,
    streams: Vec<u32>,
}

fn now_ms() -> u64 {
    let now = rustix::time::clock_gettime(ClockId::Boottime);
    u64::try_from(now.tv_sec * 1000 + now.tv_nsec / 1_000_000).unwrap_or(0)
}

impl Server {
    pub(super) fn new(sockets: Sockets, directories: Vec<Directory>, order: Order) -> Self {
        Self {
            sockets,
            directories,
            links: order.links,
            upstreams: order.upstreams,
            view: order.view,
            forwards: Vec::new(),
            connections: BTreeMap::new(),
            next_key: 0,
            turn: 0,
        }
    }

    /// Serves until the monitor is gone.
    pub(super) fn run(&mut self) {
        loop {
            let ready = match self.wait() {
                Ok(ready) => ready,
                Err(Errno::INTR) => continue,
                Err(_) => return,
            };
            // The monitor sends nothing unasked: that it is readable means that it is gone.
            if ready.control {
                return;
            }
            for key in ready.streams {
                self.stream_ready(key);
            }
            self.forwards_ready(&ready.forwards);
            self.take_buffered();
            if ready.datagrams {
                self.take_datagrams();
            }
            if ready.connections {
                self.accept();
            }
            self.expire();
        }
    }

    fn wait(&self) -> rustix::io::Result<Ready> {
        let read = PollFlags::IN;
        let both = |write| if write { read | PollFlags::OUT } else { read };
        let accept = if self.connections.len() < CONNECTIONS_MAX { read } else { PollFlags::empty() };
        let mut fds = vec![
            PollFd::new(&self.sockets.control, read),
            PollFd::new(&self.sockets.datagrams, read),
            PollFd::new(&self.sockets.connections, accept),
        ];
        let fixed = fds.len();
        fds.extend(self.forwards.iter().map(|forward| PollFd::new(forward, both(forward.wants_to_write()))));
        fds.extend(self.connections.values().map(|connection| {
            let events = if connection.is_waiting { PollFlags::empty() } else { read };
            let write = if connection.outgoing.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
            PollFd::new(&connection.socket, events | write)
        }));
        poll(&mut fds, self.timeout().as_ref())?;
        let is_ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
        let (forwards, streams) = fds[fixed..].split_at(self.forwards.len());
        Ok(Ready {
            control: is_ready(&fds[0]),
            datagrams: is_ready(&fds[1]),
            connections: is_ready(&fds[2]),
            forwards: (0..forwards.len()).filter(|at| is_ready(&forwards[*at])).collect(),
            streams: self
                .connections
                .keys()
                .zip(streams)
                .filter(|(_, fd)| is_ready(fd))
                .map(|(key, _)| *key)
                .collect(),
        })
    }

    /// Until the next deadline.
    fn timeout(&self) -> Option<Timespec> {
        if self.has_buffered() {
            return Some(Timespec { tv_sec: 0, tv_nsec: 0 });
        }
        let forwards = self.forwards.iter().map(Forward::deadline_ms);
        let idle = self.connections.values().map(|connection| connection.deadline_ms);
        let left = forwards.chain(idle).min()?.saturating_sub(now_ms());
        let left = i64::try_from(left).unwrap_or(0);
        // A little later rather than a little too early, which would be a turn for nothing.
        Some(Timespec { tv_sec: left / 1000, tv_nsec: (left % 1000) * 1_000_000 + 999_999 })
    }

    fn take_datagrams(&mut self) {
        let mut buffer = [0; 4096];
        for _ in 0..BATCH {
            match rustix::net::recvfrom(&self.sockets.datagrams, &mut buffer[..], RecvFlags::DONTWAIT) {
                Ok((length, _, Some(from))) => {
                    let Ok(from) = SocketAddrV4::try_from(from) else { continue };
                    let message = &buffer[..length.min(4096)];
                    let max = message::parse(message).map_or(0, |query| query.datagram_max());
                    self.query(Client::Datagram(from, max), message);
                }
                Ok((_, _, None)) | Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    fn accept(&mut self) {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        while self.connections.len() < CONNECTIONS_MAX {
            let Ok(socket) = rustix::net::accept_with(&self.sockets.connections, flags) else { return };
            let connection = Connection {
                socket,
                incoming: Incoming::default(),
                outgoing: Outgoing::default(),
                is_waiting: false,
                deadline_ms: now_ms() + IDLE_MS,
            };
            self.connections.insert(self.next_key, connection);
            self.next_key = self.next_key.wrapping_add(1);
        }
    }

    fn stream_ready(&mut self, key: u32) {
        let Some(connection) = self.connections.get_mut(&key) else { return };
        let has_nothing_to_send = connection.outgoing.is_empty();
        let sent = connection.outgoing.write(connection.socket.as_fd());
        let read = match connection.is_waiting {
            false => connection.incoming.read(connection.socket.as_fd()),
            // Nothing was waited for: the client hung up.
            true if has_nothing_to_send => Read::Closed,
            true => Read::Partial,
        };
        match (sent, read) {
            (Err(_), _) | (_, Read::Closed) => drop(self.connections.remove(&key)),
            (Ok(()), Read::Message(message)) => self.query_on(key, &message),
            (Ok(()), Read::Partial) => {}
        }
    }

    fn query_on(&mut self, key: u32, message: &[u8]) {
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.is_waiting = true;
            connection.deadline_ms = now_ms() + IDLE_MS;
        }
        self.query(Client::Stream(key), message);
    }

    /// Answers a query, or sends it on.
    fn query(&mut self, client: Client, message: &[u8]) {
        match message::parse(message) {
            Err(Unusable::Silence) => self.hang_up(&client),
            Err(Unusable::Refuse(code)) => self.reply(&client, &message::refusal(message, code)),
            Ok(query) => match self.decide(&query) {
                Decision::Forward => self.forward(client, message),
                decision => {
                    let records: Vec<Record> = match decision {
                        Decision::Addresses(found) => found.into_iter().map(Record::Address).collect(),
                        Decision::Pointer(name) => vec![Record::Pointer(name)],
                        Decision::Empty | Decision::Forward => Vec::new(),
                    };
                    let answer = query.answer(Code::NoError, &records, max_of(&client));
                    self.reply(&client, &answer);
                }
            },
        }
    }

    fn decide(&mut self, query: &Query<'_>) -> Decision {
        self.turn = self.turn.wrapping_add(1);
        let networks = self.directories.iter_mut().map(|directory| directory.refreshed().clone()).collect();
        let table = NameTable { networks, links: self.links.clone() };
        decide(query, &table, self.turn)
    }

    fn forward(&mut self, client: Client, message: &[u8]) {
        let stream = matches!(client, Client::Stream(_));
        if self.forwards.len() >= FORWARDS_MAX {
            return self.fail(&client, message);
        }
        let (servers, control) = (&self.upstreams[..], self.sockets.control.as_fd());
        let upstreams = Upstreams { servers, view: self.view, control };
        match Forward::begin(client, message.to_vec(), 0, stream, now_ms(), &upstreams) {
            Ok(forward) => self.forwards.push(forward),
            Err((client, message)) => self.fail(&client, &message),
        }
    }

    fn forwards_ready(&mut self, ready: &[usize]) {
        // From behind, so that the places of the others stay.
        for at in ready.iter().rev().copied() {
            match self.forwards[at].ready() {
                Progress::Waiting => {}
                Progress::Failed => self.try_next_server(at),
                Progress::Answered(answer) => {
                    let forward = self.forwards.swap_remove(at);
                    let answer = match forward.client {
                        Client::Datagram(_, max) => message::truncated(&answer, max),
                        Client::Stream(_) => answer,
                    };
                    self.reply(&forward.client, &answer);
                }
            }
        }
    }

    fn try_next_server(&mut self, at: usize) {
        let forward = self.forwards.swap_remove(at);
        let (servers, control) = (&self.upstreams[..], self.sockets.control.as_fd());
        let upstreams = Upstreams { servers, view: self.view, control };
        match forward.retry(now_ms(), &upstreams) {
            Ok(forward) => self.forwards.push(forward),
            Err((client, message)) => self.fail(&client, &message),
        }
    }

    /// Nobody answers: says so.
    fn fail(&mut self, client: &Client, message: &[u8]) {
        let Ok(query) = message::parse(message) else { return };
        let answer = query.answer(Code::ServerFailure, &[], max_of(client));
        self.reply(client, &answer);
    }

    fn reply(&mut self, client: &Client, answer: &[u8]) {
        match client {
            Client::Datagram(to, _) => {
                // A client that is gone needs no answer; a full buffer loses one, as datagrams may.
                let _ = rustix::net::sendto(&self.sockets.datagrams, answer, SendFlags::DONTWAIT, to);
            }
            Client::Stream(key) => self.reply_on(*key, answer),
        }
    }

    fn reply_on(&mut self, key: u32, answer: &[u8]) {
        let Some(connection) = self.connections.get_mut(&key) else { return };
        connection.is_waiting = false;
        connection.deadline_ms = now_ms() + IDLE_MS;
        connection.outgoing.push(answer);
        if connection.outgoing.write(connection.socket.as_fd()).is_err() {
            self.connections.remove(&key);
        }
    }

    /// Queries that came together with one that is answered now: nothing more on the socket would wake us. One of each
    /// connection, so that all have their turn.
    fn take_buffered(&mut self) {
        let keys: Vec<u32> = self.connections.keys().copied().collect();
        for key in keys {
            let connection = self.connections.get_mut(&key).filter(|connection| !connection.is_waiting);
            if let Some(message) = connection.and_then(|connection| connection.incoming.take()) {
                self.query_on(key, &message);
            }
        }
    }

    fn has_buffered(&self) -> bool {
        let mut connections = self.connections.values();
        connections.any(|connection| !connection.is_waiting && connection.incoming.has_message())
    }

    fn hang_up(&mut self, client: &Client) {
        if let Client::Stream(key) = client {
            self.connections.remove(key);
        }
    }

    /// What took too long.
    fn expire(&mut self) {
        let now = now_ms();
        self.connections.retain(|_, connection| connection.deadline_ms > now);
        let late = |forward: &Forward<Client>| forward.deadline_ms() <= now;
        while let Some(at) = self.forwards.iter().position(late) {
            self.try_next_server(at);
        }
    }
}

fn max_of(client: &Client) -> usize {
    match client {
        Client::Datagram(_, max) => *max,
        Client::Stream(_) => STREAM_MAX,
    }
}
