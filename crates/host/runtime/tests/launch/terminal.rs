//! Terminals of the container's own devpts.

use crate::Test;
use crate::container::Container;
use runtime::{Launch, Stdio};
use spec::runtime::ConsoleSize;
use std::io::Read;

pub(crate) const TESTS: &[Test] =
    &[("a_terminal_is_the_container_s_own", own), ("a_terminal_needs_a_devpts", without)];

fn own() {
    let mut container = Container::new(
        "tty; stty size; stat -c '%u %a' /dev/pts/0; [ -c /dev/console ] && echo console; exec < /dev/tty && echo controlling",
    );
    container.process().terminal = true;
    container.process().console_size = Some(ConsoleSize { height: 33, width: 111 });
    container.process().user.uid = 33;
    let mut created =
        runtime::create(Launch::new(&container.spec, &container.rootfs, Stdio::Terminal)).unwrap();
    let master = created.terminal().unwrap();
    assert!(created.terminal().is_none());
    let started = created.start().unwrap();
    let mut said = Vec::new();
    // A terminal whose last user is gone reports EIO.
    let _ = std::fs::File::from(master).read_to_end(&mut said);
    crate::container::reap(&started);
    let said = String::from_utf8(said).unwrap().replace('\r', "");
    assert_eq!(said, "/dev/pts/0\n33 111\n33 620\nconsole\ncontrolling\n");
}

fn without() {
    let mut container = Container::new("true");
    container.spec.mounts.retain(|mount| mount.kind != "devpts");
    let error =
        runtime::create(Launch::new(&container.spec, &container.rootfs, Stdio::Terminal)).unwrap_err();
    let expected =
        "make the terminal (the container needs a devpts mount at /dev/pts): no such file or directory";
    assert_eq!(crate::container::chain(&error), expected);
}
