//! Host ports for mappings that did not ask for one (`-P`, `-p 80`) or asked for one of several
//! (`-p 8000-8010:80`).

use std::ops::RangeInclusive;

/// Where Docker chooses from when the kernel's own `ip_local_port_range` is not to be touched.
pub const EPHEMERAL_PORTS: RangeInclusive<u16> = 49153..=65535;

/// The first free port of `range` behind `last`, wrapping; `None` when all are used.
///
/// Going on from the last choice keeps a just-freed port out of use as long as possible.
pub fn next_port(
    range: &RangeInclusive<u16>,
    last: Option<u16>,
    is_used: impl Fn(u16) -> bool,
) -> Option<u16> {
    next_port_range(range, 1, last, is_used)
}

/// The first port of a run of `count` free ones in `range`, behind `last`, wrapping; `None` when there is none.
pub fn next_port_range(
    range: &RangeInclusive<u16>,
    count: u16,
    last: Option<u16>,
    is_used: impl Fn(u16) -> bool,
) -> Option<u16> {
    let (first, end) = (*range.start(), *range.end());
    if count == 0 || end < first || end - first < count - 1 {
        return None;
    }
    let start = match last {
        Some(last) if last >= first && last < end => last + 1,
        _ => first,
    };
    // The second pass may run into the ports of the first: a run can lie across the starting point.
    first_run(start, end, count, &is_used).or_else(|| {
        let until = end.min(start.saturating_add(count - 1));
        first_run(first, until, count, &is_used)
    })
}

fn first_run(first: u16, end: u16, count: u16, is_used: &impl Fn(u16) -> bool) -> Option<u16> {
    let mut run = 0;
    for port in first..=end {
        run = if is_used(port) { 0 } else { run + 1 };
        if run == count {
            return Some(port - (count - 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_and_wraps() {
        assert_eq!(next_port(&(10..=12), None, |_| false), Some(10));
        assert_eq!(next_port(&(10..=12), Some(10), |_| false), Some(11));
        assert_eq!(next_port(&(10..=12), Some(12), |_| false), Some(10));
        assert_eq!(next_port(&(10..=12), Some(11), |port| port == 12), Some(10));
        assert_eq!(next_port(&(10..=12), Some(11), |_| true), None);
        assert_eq!(next_port(&EPHEMERAL_PORTS, Some(u16::MAX), |_| false), Some(49153));
    }

    #[test]
    fn runs_are_whole() {
        assert_eq!(next_port_range(&(1..=10), 3, None, |port| port == 2), Some(3));
        assert_eq!(next_port_range(&(1..=10), 3, Some(8), |port| port == 2), Some(3));
        assert_eq!(next_port_range(&(1..=3), 4, None, |_| false), None);
        assert_eq!(next_port_range(&(1..=3), 0, None, |_| false), None);
        // Only 7, 8 and 9 are free, and the last choice lies among them.
        assert_eq!(next_port_range(&(1..=10), 3, Some(7), |port| !(7..=9).contains(&port)), Some(7));
    }
}
