//! What a container uses, counted at one moment.

use serde::{Deserialize, Serialize};

/// Counters of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Nanoseconds of `CLOCK_BOOTTIME` when it was taken.
    pub taken_ns: u64,
    /// Processors, memory, tasks, block devices.
    pub cgroup: cgroup::Stats,
    /// The interfaces of its own network but loopback; none where it shares the host's.
    pub interfaces: Vec<Interface>,
}

/// Counters of a network interface, as the container sees them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Its name inside.
    pub name: String,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets received.
    pub rx_packets: u64,
    /// Errors in receiving.
    pub rx_errors: u64,
    /// Packets dropped in receiving.
    pub rx_dropped: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Errors in sending.
    pub tx_errors: u64,
    /// Packets dropped in sending.
    pub tx_dropped: u64,
}

/// Reads `/proc/PID/net/dev` (proc_pid_net(5)), loopback left out.
pub(crate) fn interfaces(text: &str) -> Vec<Interface> {
    text.lines().filter_map(interface).filter(|interface| interface.name != "lo").collect()
}

/// One line: a name, a colon, eight numbers of receiving, eight of sending. The two lines of headings have none.
fn interface(line: &str) -> Option<Interface> {
    let (name, numbers) = line.split_once(':')?;
    let numbers: Vec<u64> =
        numbers.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let [
        rx_bytes,
        rx_packets,
        rx_errors,
        rx_dropped,
        _,
        _,
        _,
        _,
        tx_bytes,
        tx_packets,
        tx_errors,
        tx_dropped,
        ..,
    ] = numbers[..]
    else {
        return None;
    };
    let name = name.trim().to_owned();
    Some(Interface {
        name,
        rx_bytes,
        rx_packets,
        rx_errors,
        rx_dropped,
        tx_bytes,
        tx_packets,
        tx_errors,
        tx_dropped,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel() {
        let text = "Inter-|   Receive                                                |  Transmit\n\
             \x20face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n\
             \x20   lo: 1 2 0 0 0 0 0 0 1 2 0 0 0 0 0 0\n\
             \x20 eth0: 3446 24 1 2 0 0 0 0 876 12 3 4 0 0 0 0\n";
        let found = interfaces(text);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].rx_bytes, found[0].tx_bytes), ("eth0", 3446, 876));
        assert_eq!(
            (found[0].rx_errors, found[0].rx_dropped, found[0].tx_errors, found[0].tx_dropped),
            (1, 2, 3, 4)
        );
        assert!(interfaces("eth0: 1 2\nnonsense\neth1: a b c d e f g h i j k l m n o p\n").is_empty());
    }
}
