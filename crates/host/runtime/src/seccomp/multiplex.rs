//! The two calls of 32-bit x86 that stand for many: socketcall(2) and ipc(2).

use super::filter::{Comparison, Condition};
use super::numbers::Call;

/// Numbers on 32-bit x86.
const SOCKETCALL: u32 = 102;
const IPC: u32 = 117;

/// How one call is reached through another.
#[derive(Debug)]
pub(super) struct Entry {
    call: Call,
    /// Of the call that stands for it.
    pub(super) number: u32,
    /// The first argument that selects it (linux/net.h and linux/ipc.h).
    pub(super) selector: Condition,
}

/// In the order of names, which is that of [`Call`].
static ENTRIES: [Entry; 32] = {
    const NAMES: [(&str, u32, u64); 32] = [
        ("accept", SOCKETCALL, 5),
        ("accept4", SOCKETCALL, 18),
        ("bind", SOCKETCALL, 2),
        ("connect", SOCKETCALL, 3),
        ("getpeername", SOCKETCALL, 7),
        ("getsockname", SOCKETCALL, 6),
        ("getsockopt", SOCKETCALL, 15),
        ("listen", SOCKETCALL, 4),
        ("msgctl", IPC, 14),
        ("msgget", IPC, 13),
        ("msgrcv", IPC, 12),
        ("msgsnd", IPC, 11),
        ("recv", SOCKETCALL, 10),
        ("recvfrom", SOCKETCALL, 12),
        ("recvmmsg", SOCKETCALL, 19),
        ("recvmsg", SOCKETCALL, 17),
        ("semctl", IPC, 3),
        ("semget", IPC, 2),
        ("semop", IPC, 1),
        ("semtimedop", IPC, 4),
        ("send", SOCKETCALL, 9),
        ("sendmmsg", SOCKETCALL, 20),
        ("sendmsg", SOCKETCALL, 16),
        ("sendto", SOCKETCALL, 11),
        ("setsockopt", SOCKETCALL, 14),
        ("shmat", IPC, 21),
        ("shmctl", IPC, 24),
        ("shmdt", IPC, 22),
        ("shmget", IPC, 23),
        ("shutdown", SOCKETCALL, 13),
        ("socket", SOCKETCALL, 1),
        ("socketpair", SOCKETCALL, 8),
    ];
    const NOTHING: Entry = entry_of(NAMES[0]);
    let mut entries = [NOTHING; 32];
    let mut index = 0;
    while index < entries.len() {
        entries[index] = entry_of(NAMES[index]);
        index += 1;
    }
    entries
};

const fn entry_of((name, number, selector): (&str, u32, u64)) -> Entry {
    let [call] = Call::all([name]);
    Entry { call, number, selector: Condition::new(0, Comparison::Equal, selector) }
}

/// How a call is reached through another; `None` for most.
pub(super) fn entry(call: Call) -> Option<&'static Entry> {
    ENTRIES.binary_search_by_key(&call, |entry| entry.call).ok().map(|index| &ENTRIES[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found() {
        assert!(ENTRIES.is_sorted_by_key(|entry| entry.call));
        for one in &ENTRIES {
            assert!(std::ptr::eq(entry(one.call).unwrap(), one));
        }
        assert!(entry(Call::named("read").unwrap()).is_none());
    }
}
