//! The mount table of this process (`/proc/self/mountinfo`, proc_pid_mountinfo(5)).

use super::layout::Row;

/// One line of the table, with the fields this program needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount<'a> {
    /// Which directory of the file system is mounted here.
    pub(super) root: &'a str,
    pub(super) mount_point: &'a str,
    /// Options of the mount itself, as `ro,nosuid`.
    options: &'a str,
    pub(super) file_system: &'a str,
    /// Options of the file system: for cgroup v1 its controllers, for overlay its layers.
    pub(super) super_options: &'a str,
}

impl Mount<'_> {
    pub(super) fn is_read_only(&self) -> bool {
        has_option(self.options, "ro") || has_option(self.super_options, "ro")
    }
}

/// Whether a comma-separated list holds `name` as a word.
pub(super) fn has_option(options: &str, name: &str) -> bool {
    options.split(',').any(|option| option == name)
}

/// The table in the kernel's order; lines of an unknown form are left out.
pub(super) fn parse(table: &str) -> Vec<Mount<'_>> {
    table.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Mount<'_>> {
    // Before the dash: ids, device, root, mount point, options, any number of tags. After it: type, source, options.
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(3);
    let mut after = after.split(' ');
    Some(Mount {
        root: before.next()?,
        mount_point: before.next()?,
        options: before.next()?,
        file_system: after.next()?,
        super_options: after.nth(1)?,
    })
}

pub(super) fn root_file_system() -> Option<Row> {
    let table = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    Some(Row::new("root", describe_root(&parse(&table))?))
}

fn describe_root(mounts: &[Mount<'_>]) -> Option<String> {
    let root = mounts.iter().rfind(|mount| mount.mount_point == "/")?;
    let access = if root.is_read_only() { "read-only" } else { "read-write" };
    let layers = root.super_options.split(',').find_map(|option| option.strip_prefix("lowerdir="));
    let layers = match layers.map(|paths| paths.split(':').filter(|path| !path.is_empty()).count()) {
        Some(1) => String::from(" over 1 layer"),
        Some(count) => format!(" over {count} layers"),
        None => String::new(),
    };
    let others = mounts.len() - 1;
    let read_only = mounts.iter().filter(|mount| mount.mount_point != "/" && mount.is_read_only()).count();
    Some(format!(
        "{}{layers}, {access}; {others} more mount{}, {read_only} of them read-only",
        root.file_system,
        if others == 1 { "" } else { "s" }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
36 35 0:60 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/a:/b,upperdir=/u,workdir=/w
37 36 0:61 / /proc rw,nosuid shared:3 master:2 - proc proc rw
38 36 0:62 /x /sys ro,nosuid - sysfs sysfs rw
not a mount
";

    #[test]
    fn optional_tags_are_skipped() {
        let mounts = parse(TABLE);
        assert_eq!(mounts.len(), 3);
        assert_eq!((mounts[1].mount_point, mounts[1].file_system), ("/proc", "proc"));
        assert_eq!((mounts[2].root, mounts[2].mount_point), ("/x", "/sys"));
        assert!(mounts[2].is_read_only() && !mounts[1].is_read_only());
    }

    #[test]
    fn the_root_tells_its_type_layers_and_access() {
        let told = describe_root(&parse(TABLE));
        assert_eq!(
            told.as_deref(),
            Some("overlay over 2 layers, read-write; 2 more mounts, 1 of them read-only")
        );
        assert_eq!(describe_root(&[]), None);
    }
}
