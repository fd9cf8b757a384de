//! The socket: one system call out, and the answers that are then already there.

use super::error::{NetlinkError, Refusal};
use super::{
    Batch, HEADER_LEN, NLM_F_ACK, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_DUMP, NLM_F_DUMP_INTR, NLMSG_DONE,
    NLMSG_ERROR, NLMSG_MIN_TYPE,
};
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use std::cell::Cell;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// `SOL_NETLINK`
const SOL_NETLINK: libc::c_int = 270;
/// `NETLINK_CAP_ACK`: acknowledgements need not repeat the request.
const NETLINK_CAP_ACK: libc::c_int = 10;
/// `NETLINK_EXT_ACK`: acknowledgements may carry words.
const NETLINK_EXT_ACK: libc::c_int = 11;
/// `NETLINK_GET_STRICT_CHK`: filters of list requests are honoured and not ignored.
const NETLINK_GET_STRICT_CHK: libc::c_int = 12;
/// Room for acknowledgements and single objects; on the stack.
const ANSWER_MAX: usize = 8 * 1024;
/// The kernel fills at most this much per piece of a list.
const LIST_PIECE_MAX: usize = 32 * 1024;
/// Requests longer than this may not fit the default send buffer (`wmem_default`, 208 KiB with its overhead).
const SEND_DEFAULT: usize = 64 * 1024;
/// How often a list that changes under the reader is read again.
const LIST_TRIES: usize = 8;

/// Which part of the kernel a socket speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `NETLINK_ROUTE`
    Route,
    /// `NETLINK_NETFILTER`
    Netfilter,
    /// `NETLINK_SOCK_DIAG`
    SockDiag,
}

/// A netlink socket of the network namespace in which it was opened.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    sequence: Cell<u32>,
}

/// What the kernel said to the messages of a batch.
#[derive(Debug, Default)]
pub struct Answers {
    /// The refused messages by their place in the batch, in the order of the answers.
    pub refusals: Vec<(usize, Refusal)>,
}

impl Answers {
    /// The first refusal as an error.
    ///
    /// # Errors
    /// When there is a refusal.
    pub fn all_done(self) -> Result<(), NetlinkError> {
        self.unless(|_, _| false)
    }

    /// The first refusal that `harmless` does not excuse, as an error.
    ///
    /// # Errors
    /// When there is such a refusal.
    pub fn unless(self, harmless: impl Fn(usize, Errno) -> bool) -> Result<(), NetlinkError> {
        let refusal = self.refusals.into_iter().find(|(at, refusal)| !harmless(*at, refusal.errno));
        refusal.map_or(Ok(()), |(_, refusal)| Err(refusal.into()))
    }

    /// Whether the message at `place` was refused with `errno`.
    #[must_use]
    pub fn refused_with(&self, place: usize, errno: Errno) -> bool {
        self.refusals.iter().any(|(at, refusal)| *at == place && refusal.errno == errno)
    }
}

/// The state of one exchange. Answers come in the order of the messages, so the exchange is over when the last
/// message that asked for one has its last answer.
struct Exchange<'a> {
    first: u32,
    count: usize,
    last_asking: Option<usize>,
    done: bool,
    interrupted: bool,
    answers: Answers,
    on_object: &'a mut dyn FnMut(usize, u16, &[u8]),
}

impl Socket {
    /// Opens a socket in the calling thread's network namespace.
    ///
    /// # Errors
    /// Whatever socket(2) reports; `PROTONOSUPPORT` when the kernel lacks the family.
    pub fn open(family: Family) -> Result<Self, NetlinkError> {
        let protocol = match family {
            Family::Route => None,
            Family::Netfilter => Some(rustix::net::netlink::NETFILTER),
            Family::SockDiag => Some(rustix::net::netlink::SOCK_DIAG),
        };
        let fd =
            rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)
                .map_err(|source| NetlinkError::Socket { step: "open", source })?;
        // Both only improve messages and answers' size; a kernel without them answers all the same.
        set_flag(fd.as_fd(), NETLINK_EXT_ACK);
        set_flag(fd.as_fd(), NETLINK_CAP_ACK);
        if family == Family::Route {
            set_flag(fd.as_fd(), NETLINK_GET_STRICT_CHK);
        }
        Ok(Self { fd, sequence: Cell::new(1) })
    }

    /// Sends the batch and reads what the kernel says to each message: acknowledgements where they were asked for
    /// ([`NLM_F_ACK`]), refusals in any case. Objects go to `on_object` with the message's place, their type and
    /// their bytes behind the netlink header.
    ///
    /// # Errors
    /// When the exchange itself fails; what the kernel refused is in [`Answers`].
    pub fn exchange(
        &self,
        batch: &mut Batch,
        on_object: &mut dyn FnMut(usize, u16, &[u8]),
    ) -> Result<Answers, NetlinkError> {
        let mut exchange = self.start(batch, on_object)?;
        let mut buffer = [0u8; ANSWER_MAX];
        self.collect(&mut exchange, &mut buffer)?;
        Ok(exchange.answers)
    }

    /// Sends the batch and expects every message to be carried out.
    ///
    /// # Errors
    /// When the exchange fails or the kernel refuses a message (the first such).
    pub fn execute(&self, batch: &mut Batch) -> Result<(), NetlinkError> {
        self.exchange(batch, &mut |_, _, _| {})?.all_done()
    }

    /// Reads a list: `request` adds its one message, with [`NLM_F_DUMP`]; `parse` turns each object into a value
    /// or skips it. A list that changed while it was read is read again.
    ///
    /// # Errors
    /// When the exchange fails, the kernel refuses, or the list never held still.
    pub fn list<T>(
        &self,
        request: impl Fn(&mut Batch),
        mut parse: impl FnMut(u16, &[u8]) -> Option<T>,
    ) -> Result<Vec<T>, NetlinkError> {
        let mut buffer = vec![0u8; LIST_PIECE_MAX];
        for _ in 0..LIST_TRIES {
            let mut batch = Batch::new();
            request(&mut batch);
            debug_assert!(batch.flags().all(|flags| flags & NLM_F_DUMP == NLM_F_DUMP));
            let mut found = Vec::new();
            let mut on_object = |_, kind, bytes: &[u8]| found.extend(parse(kind, bytes));
            let mut exchange = self.start(&mut batch, &mut on_object)?;
            self.collect(&mut exchange, &mut buffer)?;
            let Exchange { interrupted, answers, .. } = exchange;
            answers.all_done()?;
            if !interrupted {
                return Ok(found);
            }
        }
        Err(NetlinkError::Unstable)
    }

    fn start<'a>(
        &self,
        batch: &mut Batch,
        on_object: &'a mut dyn FnMut(usize, u16, &[u8]),
    ) -> Result<Exchange<'a>, NetlinkError> {
        if batch.overflowed() {
            return Err(NetlinkError::TooLong);
        }
        let asks = |(_, flags): &(usize, u16)| flags & (NLM_F_ACK | NLM_F_DUMP) != 0;
        let last_asking = batch.flags().enumerate().filter(asks).last().map(|(place, _)| place);
        let (first, count) = (self.sequence.get(), batch.len());
        self.sequence.set(first.wrapping_add(count as u32));
        self.send(batch.numbered(first))?;
        let (answers, done) = (Answers::default(), last_asking.is_none());
        Ok(Exchange { first, count, last_asking, done, interrupted: false, answers, on_object })
    }

    fn send(&self, bytes: &[u8]) -> Result<(), NetlinkError> {
        let failed = |source| NetlinkError::Socket { step: "write", source };
        if bytes.len() > SEND_DEFAULT {
            rustix::net::sockopt::set_socket_send_buffer_size_force(&self.fd, 2 * bytes.len())
                .map_err(failed)?;
        }
        let kernel = SocketAddrNetlink::new(0, 0);
        loop {
            match rustix::net::sendto(&self.fd, bytes, SendFlags::empty(), &kernel) {
                Err(Errno::INTR) => {}
                Ok(sent) if sent == bytes.len() => return Ok(()),
                Ok(_) => return Err(NetlinkError::TooLong),
                Err(source) => return Err(failed(source)),
            }
        }
    }

    /// Reads until the exchange is over. The kernel answers inside sendmsg(2) (and goes on with a list inside
    /// recvmsg(2)), so an empty queue means that no answer will come.
    fn collect(&self, exchange: &mut Exchange<'_>, buffer: &mut [u8]) -> Result<(), NetlinkError> {
        while !exchange.done {
            let flags = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
            let (length, sender) = match rustix::net::recvfrom(&self.fd, &mut *buffer, flags) {
                Ok((_, length, sender)) => (length, sender),
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return exchange.finished(),
                Err(source) => return Err(NetlinkError::Socket { step: "read", source }),
            };
            // In a container's namespace, others with CAP_NET_ADMIN there may write to this socket as well.
            let from_kernel = sender
                .and_then(|sender| SocketAddrNetlink::try_from(sender).ok())
                .is_some_and(|sender| sender.pid() == 0);
            if !from_kernel {
                continue;
            }
            let datagram = buffer.get(..length).ok_or(NetlinkError::Malformed)?;
            exchange.take(datagram)?;
        }
        Ok(())
    }
}

impl Exchange<'_> {
    /// Called when the queue is empty.
    fn finished(&self) -> Result<(), NetlinkError> {
        // A transaction refused as a whole (no permission, failed commit) is answered at its first message only.
        let refused_as_a_whole = self.answers.refusals.iter().any(|(at, _)| *at == 0);
        if refused_as_a_whole { Ok(()) } else { Err(NetlinkError::NoAnswer) }
    }

    fn take(&mut self, mut rest: &[u8]) -> Result<(), NetlinkError> {
        while let Some((header, _)) = rest.split_first_chunk::<HEADER_LEN>() {
            let [l0, l1, l2, l3, k0, k1, f0, f1, s0, s1, s2, s3, ..] = *header;
            let length = u32::from_ne_bytes([l0, l1, l2, l3]) as usize;
            let (kind, flags) = (u16::from_ne_bytes([k0, k1]), u16::from_ne_bytes([f0, f1]));
            let place = u32::from_ne_bytes([s0, s1, s2, s3]).wrapping_sub(self.first) as usize;
            let payload = rest.get(HEADER_LEN..length).ok_or(NetlinkError::Malformed)?;
            // What answers an earlier exchange that failed half-way is none of ours.
            if place < self.count {
                self.interrupted |= flags & NLM_F_DUMP_INTR != 0;
                self.take_one(place, kind, flags, payload);
            }
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(())
    }

    fn take_one(&mut self, place: usize, kind: u16, flags: u16, payload: &[u8]) {
        if kind >= NLMSG_MIN_TYPE {
            return (self.on_object)(place, kind, payload);
        }
        if kind != NLMSG_ERROR && kind != NLMSG_DONE {
            return;
        }
        let (code, rest) = payload.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
        let code = i32::from_ne_bytes(*code);
        if code < 0 {
            let refusal = Refusal::parse(Errno::from_raw_os_error(-code), extended_ack(kind, flags, rest));
            self.answers.refusals.push((place, refusal));
        }
        self.done |= self.last_asking == Some(place);
    }
}

/// The attributes behind the repeated request of an `NLMSG_ERROR`, or behind the code of an `NLMSG_DONE`.
fn extended_ack(kind: u16, flags: u16, rest: &[u8]) -> &[u8] {
    if flags & NLM_F_ACK_TLVS == 0 {
        return &[];
    }
    let repeated = match (kind, flags & NLM_F_CAPPED) {
        (NLMSG_DONE, _) => 0,
        (_, 0) => rest
            .first_chunk::<4>()
            .map_or(HEADER_LEN, |length| (u32::from_ne_bytes(*length) as usize).next_multiple_of(4)),
        _ => HEADER_LEN,
    };
    rest.get(repeated..).unwrap_or_default()
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn set_flag(fd: BorrowedFd<'_>, option: libc::c_int) {
    let on: libc::c_int = 1;
    // SAFETY: the descriptor is borrowed and so open; the kernel reads `size_of::<c_int>()` bytes of `on`, which
    // lives until the call returns.
    unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            SOL_NETLINK,
            option,
            std::ptr::from_ref(&on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        );
    }
}
