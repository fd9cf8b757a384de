//! What the kernel is told about the pages of a file (sync_file_range(2)).

use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// Asks the kernel to begin writing out a range (`SYNC_FILE_RANGE_WRITE`), and does not wait. It makes nothing durable:
/// it only leaves less to do for the sync that does.
///
/// # Errors
/// Whatever sync_file_range(2) reports; `EINVAL` for a range beyond what file sizes can be.
pub fn begin_write_out(file: &File, offset: u64, length: u64) -> rustix::io::Result<()> {
    let number = |value: u64| i64::try_from(value).map_err(|_| Errno::INVAL);
    let (offset, length) = (number(offset)?, number(length)?);
    // SAFETY: the descriptor is borrowed and so open; the call takes numbers only and touches no memory of ours.
    let answer =
        unsafe { libc::sync_file_range(file.as_raw_fd(), offset, length, libc::SYNC_FILE_RANGE_WRITE) };
    if answer == 0 {
        Ok(())
    } else {
        Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_range_is_taken_and_an_impossible_one_refused() {
        let path = std::env::temp_dir().join(format!("sampan-write-out-{}", std::process::id()));
        let mut file = File::create(&path).unwrap();
        file.write_all(&[1; 8192]).unwrap();
        assert_eq!(begin_write_out(&file, 0, 8192), Ok(()));
        assert_eq!(begin_write_out(&file, u64::MAX, 1), Err(Errno::INVAL));
        std::fs::remove_file(path).unwrap();
    }
}
