//! The smallest program of the set: static, without arguments parsing libraries, carried inside `sampan` as bytes.
//!
//! It plays two parts, chosen by the name it is called by:
//!
//! * `sampan-init -- command [argument...]`: pid 1 for `--init` (see [`init`]);
//! * any name of [`applet`]: the programs of the embedded demo image, where `/bin/hello` is the [`demo`].
//!
//! The contract: no file of the image is needed, nothing is written but standard output and error, and every exit
//! code is the one that the program of the same name has in Debian.

mod applet;
mod demo;
mod init;

use rustix::time::{ClockId, Timespec, clock_gettime};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

/// The program names that make this pid 1 instead of a program of the demo image: its own, and the one that it has
/// inside a container, where Docker's is.
const INIT_NAMES: [&[u8]; 2] = [b"sampan-init", b"docker-init"];

fn main() -> ExitCode {
    // Before anything else: the demo reports when its own first instruction ran.
    let first_instruction: Timespec = clock_gettime(ClockId::Boottime);
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let arguments: Vec<OsString> = arguments.collect();
    match base_name(name.as_bytes()) {
        name if INIT_NAMES.contains(&name) => init::main(&arguments),
        b"hello" | b"demo" => demo::main(first_instruction),
        name => applet::main(name, &arguments),
    }
}

/// What follows the last slash of a program name; a login shell's leading dash is no part of it.
fn base_name(name: &[u8]) -> &[u8] {
    let start = name.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let base = &name[start..];
    base.strip_prefix(b"-").unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::base_name;

    #[test]
    fn the_program_name_is_what_follows_the_last_slash() {
        assert_eq!(base_name(b"/bin/true"), b"true");
        assert_eq!(base_name(b"true"), b"true");
        assert_eq!(base_name(b"-cat"), b"cat");
        assert_eq!(base_name(b"/"), b"");
        assert_eq!(base_name(b""), b"");
    }
}
