//! Pure readers of `/proc/PID/cgroup`, `/proc/PID/mountinfo` and the key-value files of control groups.
//!
//! Called by [`crate::Hierarchies`] and [`crate::Stats`]. The kernel writes these texts, but other people's names
//! are in them; every reader takes any bytes without panicking and skips what it does not understand.

use std::borrow::Cow;

/// One line of `/proc/PID/cgroup` (cgroups(7)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership<'a> {
    /// 0 for v2.
    pub hierarchy: u32,
    /// The comma-separated controllers, `name=…` for a named hierarchy, empty for v2.
    pub controllers: &'a str,
    /// The group, relative to the cgroup namespace's root.
    pub path: &'a str,
}

/// The lines of `/proc/PID/cgroup` that have the documented form.
pub fn memberships(text: &str) -> impl Iterator<Item = Membership<'_>> {
    text.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let hierarchy = fields.next()?.parse().ok()?;
        Some(Membership { hierarchy, controllers: fields.next()?, path: fields.next()? })
    })
}

/// One mounted cgroup file system (proc_pid_mountinfo(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CgroupMount<'a> {
    /// The directory of the hierarchy that is mounted; `/` in the ordinary case.
    pub root: Cow<'a, [u8]>,
    /// Where.
    pub mount_point: Cow<'a, [u8]>,
    /// `cgroup2` or `cgroup`.
    pub is_v2: bool,
    /// Options of the super block: in v1 they name the controllers.
    pub options: &'a [u8],
}

/// Reads one line of mountinfo (without its line feed); `None` unless it is a cgroup mount.
#[must_use]
pub fn cgroup_mount(line: &[u8]) -> Option<CgroupMount<'_>> {
    let separator = line.windows(3).position(|window| window == b" - ")?;
    let mut after = line[separator + 3..].split(|byte| *byte == b' ');
    let is_v2 = match after.next()? {
        b"cgroup2" => true,
        b"cgroup" => false,
        _ => return None,
    };
    let options = after.nth(1)?;
    let mut before = line[..separator].split(|byte| *byte == b' ').skip(3);
    let root = unescape(before.next()?);
    let mount_point = unescape(before.next()?);
    Some(CgroupMount { root, mount_point, is_v2, options })
}

/// Undoes the kernel's `\ooo` for space, tab, line feed and backslash.
fn unescape(field: &[u8]) -> Cow<'_, [u8]> {
    if !field.contains(&b'\\') {
        return Cow::Borrowed(field);
    }
    let mut plain = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, tail)) = rest.split_first() {
        let octal = match tail {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] if byte == b'\\' => {
                Some(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'))
            }
            _ => None,
        };
        plain.push(octal.unwrap_or(byte));
        rest = if octal.is_some() { &tail[3..] } else { tail };
    }
    Cow::Owned(plain)
}

/// The value of `key` in a file of `key value` lines.
#[must_use]
pub fn flat_value(text: &str, key: &str) -> Option<u64> {
    flat_values(text).find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// All pairs of a file of `key value` lines.
pub fn flat_values(text: &str) -> impl Iterator<Item = (&str, u64)> {
    text.lines().filter_map(|line| {
        let (key, value) = line.split_once(' ')?;
        Some((key, value.trim().parse().ok()?))
    })
}

/// One line of v1's `blkio.*` files: device, operation, count. The total lines are skipped.
pub fn v1_device_counts(text: &str) -> impl Iterator<Item = ((u32, u32), &str, u64)> {
    text.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        Some((device(fields.next()?)?, fields.next()?, fields.next()?.parse().ok()?))
    })
}

/// One device of v2's `io.stat`: its `key=value` pairs.
pub fn v2_device_counts(text: &str) -> impl Iterator<Item = ((u32, u32), impl Iterator<Item = (&str, u64)>)> {
    text.lines().filter_map(|line| {
        let mut fields = line.split_ascii_whitespace();
        let number = device(fields.next()?)?;
        let pairs = fields.filter_map(|field| {
            let (key, value) = field.split_once('=')?;
            Some((key, value.parse().ok()?))
        });
        Some((number, pairs))
    })
}

/// `major:minor`.
fn device(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_the_three_forms_of_membership() {
        let text = "9:name=systemd:/\n4:memory:/a:b/c\n2:cpu,cpuacct:/x\n0::/user.slice\nrubbish\n";
        let lines: Vec<_> = memberships(text).collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[1], Membership { hierarchy: 4, controllers: "memory", path: "/a:b/c" });
        assert_eq!(lines[3], Membership { hierarchy: 0, controllers: "", path: "/user.slice" });
    }

    #[test]
    fn reads_cgroup_mounts_and_nothing_else() {
        let v1 = b"33 31 0:30 / /sys/fs/cgroup/cpu\\040x rw,relatime shared:7 master:3 - cgroup cgroup rw,cpu,cpuacct";
        let mount = cgroup_mount(v1).unwrap();
        assert_eq!(&*mount.mount_point, b"/sys/fs/cgroup/cpu x");
        assert_eq!((&*mount.root, mount.is_v2, mount.options), (&b"/"[..], false, &b"rw,cpu,cpuacct"[..]));
        assert!(cgroup_mount(b"41 31 0:38 /a /u rw - cgroup2 cgroup2 rw").unwrap().is_v2);
        assert_eq!(cgroup_mount(b"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755"), None);
        assert_eq!(cgroup_mount(b""), None);
    }

    #[test]
    fn reads_counters() {
        let text = "nr_periods 5\nnr_throttled 2\nbroken\nmax max\n";
        assert_eq!(flat_value(text, "nr_throttled"), Some(2));
        assert_eq!(flat_value(text, "max"), None);
        let v1: Vec<_> = v1_device_counts("8:0 Read 10\n8:0 Total 10\nTotal 10\n").collect();
        assert_eq!(v1, [((8, 0), "Read", 10), ((8, 0), "Total", 10)]);
        let v2: Vec<_> = v2_device_counts("8:16 rbytes=1 wbytes=2 x=y\n")
            .map(|(device, pairs)| (device, pairs.count()))
            .collect();
        assert_eq!(v2, [((8, 16), 2)]);
    }

    /// The kernel's mangle() for the characters it escapes.
    fn escape(name: &[u8]) -> Vec<u8> {
        name.iter()
            .flat_map(|byte| match byte {
                b' ' | b'\t' | b'\n' | b'\\' => format!("\\{byte:03o}").into_bytes(),
                other => vec![*other],
            })
            .collect()
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,200}") {
            let _ = cgroup_mount(&bytes);
            let _ = memberships(&text).count();
            let _ = flat_values(&text).count();
            let _ = v1_device_counts(&text).count();
            let _ = v2_device_counts(&text).map(|(_, pairs)| pairs.count()).sum::<usize>();
        }

        #[test]
        fn escaped_mount_points_come_back(name in proptest::collection::vec(1u8..=255, 1..40)) {
            let mut line = b"1 2 0:3 / ".to_vec();
            line.extend(escape(&name));
            line.extend(b" rw - cgroup cgroup rw,pids");
            // " - " cannot appear inside: its spaces are escaped.
            let mount = cgroup_mount(&line).unwrap();
            prop_assert_eq!(&*mount.mount_point, &name[..]);
        }

        #[test]
        fn memberships_round_trip(id in any::<u32>(), controllers in "[a-z_,=]{0,20}", path in "/[^\n\r]{0,40}") {
            let line = format!("{id}:{controllers}:{path}\n");
            let found: Vec<_> = memberships(&line).collect();
            prop_assert_eq!(found, vec![Membership { hierarchy: id, controllers: &controllers, path: &path }]);
        }
    }
}
