//! The program's home directory, from the container's own `/etc/passwd`.

use rustix::fs::{Mode, OFlags};
use std::ffi::CString;
use std::io::Read;
use std::os::fd::AsFd;

/// `HOME=…` for this user: what `/etc/passwd` says, or `/`.
pub(super) fn variable(uid: u32) -> CString {
    let home = read_passwd().and_then(|passwd| home_of(&passwd, uid).map(<[u8]>::to_vec));
    let home = home.filter(|home| !home.is_empty()).unwrap_or_else(|| b"/".to_vec());
    CString::new([b"HOME=", &home[..]].concat()).unwrap_or_else(|_| c"HOME=/".to_owned())
}

/// The beginning of the file, if it is one that may be read.
fn read_passwd() -> Option<Vec<u8>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(rustix::fs::CWD, "/", flags, Mode::empty()).ok()?;
    let (file, bytes_max) = crate::guard::open_accounts(root.as_fd())?;
    let mut text = Vec::new();
    std::fs::File::from(file).take(bytes_max).read_to_end(&mut text).ok()?;
    Some(text)
}

/// The sixth field of the first line whose third is this user (passwd(5)).
fn home_of(passwd: &[u8], uid: u32) -> Option<&[u8]> {
    let wanted = uid.to_string();
    passwd.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':').skip(2);
        (fields.next()? == wanted.as_bytes()).then(|| fields.nth(2)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_the_user_counts() {
        let passwd =
            b"root:x:0:0:root:/root:/bin/sh\nshort:x:5\nwww:x:33:33:www:/var/www:/bin/false\nw:x:33:3::/b:\n";
        assert_eq!(home_of(passwd, 0), Some(&b"/root"[..]));
        assert_eq!(home_of(passwd, 33), Some(&b"/var/www"[..]));
        assert_eq!(home_of(passwd, 5), None);
        assert_eq!(home_of(passwd, 7), None);
    }
}
