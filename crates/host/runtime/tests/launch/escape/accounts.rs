//! `/etc/passwd` as an image can make it, and what a user may do.

use super::shown;
use crate::Test;
use crate::container::{Container, words};
use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};
use spec::rootfs::Rootfs;
use std::process::Command;

pub(crate) const TESTS: &[Test] = &[
    ("escape_an_account_file_that_is_a_pipe", pipe),
    ("escape_an_account_file_without_end", huge),
    ("escape_a_file_capability_by_inheritance", inherited_capability),
];

/// A pipe is opened, which whoever waits at its other end sees: a device would be opened just so.
fn pipe() {
    shown!([AnyAccountFile], {
        let mut container = Container::new("true");
        let passwd = container.lower().join("etc/passwd");
        std::fs::remove_file(&passwd).unwrap();
        mknodat(CWD, &passwd, FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
        // The very pipe, which an overlay would hide behind one of its own.
        container.rootfs = Rootfs::Dir { path: container.lower() };
        container.process().env = words(&["PATH=/bin"]);
        let script = format!("echo root:x:0:0::/attack:/ > {}", passwd.display());
        let mut writer = Command::new("sh").args(["-c", &script]).spawn().unwrap();
        let said = container.try_run();
        let was_opened = writer.try_wait().unwrap().is_some();
        let _ = writer.kill();
        writer.wait().unwrap();
        said.is_ok() && was_opened
    });
}

/// The line that counts comes after more than is read.
fn huge() {
    shown!([AnyAccountFile], {
        let mut container = Container::new("echo $HOME");
        let text = "x:x:5:5::/:/\n".repeat(200_000) + "root:x:0:0::/attack:/bin/sh\n";
        std::fs::write(container.lower().join("etc/passwd"), text).unwrap();
        container.process().env = words(&["PATH=/bin"]);
        container.try_run().is_ok_and(|said| said.out == "/attack\n")
    });
}

/// CVE-2022-29162: a program whose file may inherit a capability gives it to a user who has none.
fn inherited_capability() {
    shown!([InheritableFilled], {
        let mut container = Container::new("");
        // Not by the shell, which does it itself.
        container.process().args = ["/bin/chown", "33", "/etc/passwd"].map(String::from).to_vec();
        let chown = container.lower().join("bin/chown");
        std::fs::copy("/bin/busybox", &chown).unwrap();
        // Version 2 with the effective bit; CAP_CHOWN (bit 0) is inheritable (capabilities(7), linux/capability.h).
        let words: [u32; 5] = [0x0200_0001, 0, 1, 0, 0];
        let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        setxattr(&chown, "security.capability", &bytes, XattrFlags::empty()).unwrap();
        let process = container.process();
        process.user.uid = 33;
        let sets = process.capabilities.as_mut().unwrap();
        (sets.effective, sets.permitted) = (Vec::new(), Vec::new());
        container.run().code == 0
    });
}
