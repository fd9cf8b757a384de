//! A query on its way to the name servers, one after the other, until one answers.

use super::order::{GRANTED, Request, View};
use super::stream::{Incoming, Outgoing, Read};
use kernel::seqpacket;
use network::dns::message;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::rand::{GetRandomFlags, getrandom};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The port of name servers.
pub(crate) const PORT: u16 = 53;
/// How long one server is waited for. The C library gives us 5 seconds for all.
const PATIENCE_MS: u64 = 2000;
/// Servers that are asked about one query, at the most.
const TRIES: usize = 3;

/// How it is asked.
#[derive(Debug)]
enum Transport {
    Datagram,
    Stream { outgoing: Outgoing, incoming: Incoming },
}

/// One query at one server.
#[derive(Debug)]
pub(super) struct Forward<Client> {
    /// Who asked.
    pub(super) client: Client,
    /// As it came.
    query: Vec<u8>,
    /// Its number at the server, not to be guessed.
    id: u16,
    /// Place of the server.
    server: usize,
    socket: OwnedFd,
    transport: Transport,
    deadline_ms: u64,
}

/// What became of it so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing yet.
    Waiting,
    /// The answer, with the client's number.
    Answered(Vec<u8>),
    /// This server does not answer.
    Failed,
}

/// Where sockets to name servers come from.
pub(super) struct Upstreams<'a> {
    pub(super) servers: &'a [IpAddr],
    pub(super) view: View,
    /// To the monitor, for servers of the host.
    pub(super) control: BorrowedFd<'a>,
}

impl Upstreams<'_> {
    /// A non-blocking socket that is connected, or about to be.
    fn connect(&self, place: usize, stream: bool) -> rustix::io::Result<OwnedFd> {
        let server = self.servers.get(place).ok_or(Errno::HOSTUNREACH)?;
        match self.view {
            View::Host => self.ask(place, stream),
            View::Sandbox => connect(*server, stream),
        }
    }

    fn ask(&self, place: usize, stream: bool) -> rustix::io::Result<OwnedFd> {
        let upstream = u8::try_from(place).map_err(|_| Errno::HOSTUNREACH)?;
        seqpacket::send(self.control, &Request { upstream, stream }.to_bytes(), &[])?;
        let mut answer = [0; 1];
        let (_, mut fds) = seqpacket::receive(self.control, &mut answer)?;
        fds.pop().filter(|_| answer[0] == GRANTED).ok_or(Errno::HOSTUNREACH)
    }
}

/// Connects to a name server from the calling process's network namespace, without waiting.
pub(crate) fn connect(server: IpAddr, stream: bool) -> rustix::io::Result<OwnedFd> {
    let family = if server.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let kind = if stream { SocketType::STREAM } else { SocketType::DGRAM };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, kind, flags, None)?;
    match rustix::net::connect(&socket, &SocketAddr::new(server, PORT)) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(other) => Err(other),
    }
}

fn random_id() -> u16 {
    let mut bytes = [0; 2];
    // Two bytes are never cut short.
    let _ = getrandom(&mut bytes[..], GetRandomFlags::empty());
    u16::from_ne_bytes(bytes)
}

impl<Client> Forward<Client> {
    /// Sends a query to the first server that takes it, from place `first` on; the client back when none does.
    pub(super) fn begin(
        client: Client,
        query: Vec<u8>,
        first: usize,
        stream: bool,
        now_ms: u64,
        upstreams: &Upstreams<'_>,
    ) -> Result<Self, (Client, Vec<u8>)> {
        for server in first..upstreams.servers.len().min(TRIES) {
            let id = random_id();
            let mut message = query.clone();
            message::set_id(&mut message, id);
            let Ok(socket) = upstreams.connect(server, stream) else { continue };
            let transport = if stream {
                let mut outgoing = Outgoing::default();
                outgoing.push(&message);
                Transport::Stream { outgoing, incoming: Incoming::default() }
            } else {
                match rustix::net::send(&socket, &message, rustix::net::SendFlags::NOSIGNAL) {
                    Ok(_) => Transport::Datagram,
                    Err(_) => continue,
                }
            };
            let deadline_ms = now_ms + PATIENCE_MS;
            return Ok(Self { client, query, id, server, socket, transport, deadline_ms });
        }
        Err((client, query))
    }

    /// Goes on with the next server.
    pub(super) fn retry(self, now_ms: u64, upstreams: &Upstreams<'_>) -> Result<Self, (Client, Vec<u8>)> {
        let stream = matches!(self.transport, Transport::Stream { .. });
        Self::begin(self.client, self.query, self.server + 1, stream, now_ms, upstreams)
    }

    pub(super) fn deadline_ms(&self) -> u64 {
        self.deadline_ms
    }

    /// Whether it waits for room to send.
    pub(super) fn wants_to_write(&self) -> bool {
        matches!(&self.transport, Transport::Stream { outgoing, .. } if !outgoing.is_empty())
    }

    /// The socket is ready.
    pub(super) fn ready(&mut self) -> Progress {
        match &mut self.transport {
            Transport::Datagram => self.receive(),
            Transport::Stream { outgoing, incoming } => {
                if outgoing.write(self.socket.as_fd()).is_err() {
                    return Progress::Failed;
                }
                match incoming.read(self.socket.as_fd()) {
                    Read::Partial => Progress::Waiting,
                    Read::Message(answer) => self.judge(answer),
                    Read::Closed => Progress::Failed,
                }
            }
        }
    }

    /// Datagrams that are no answer to this query are passed over, as somebody else may have sent them.
    fn receive(&mut self) -> Progress {
        let mut buffer = [0; 4096];
        match rustix::io::read(&self.socket, &mut buffer[..]) {
            Ok(length) => match self.judge(buffer[..length].to_vec()) {
                Progress::Failed => Progress::Waiting,
                progress => progress,
            },
            Err(Errno::AGAIN | Errno::INTR) => Progress::Waiting,
            Err(_) => Progress::Failed,
        }
    }

    fn judge(&self, mut answer: Vec<u8>) -> Progress {
        if !message::answers(&answer, &self.query, self.id) {
            return Progress::Failed;
        }
        message::set_id(&mut answer, message::id(&self.query).unwrap_or(0));
        Progress::Answered(answer)
    }
}

impl<Client> AsFd for Forward<Client> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
