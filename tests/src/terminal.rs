//! A command on a pseudo-terminal, as somebody at a keyboard has it.
//!
//! setsid(1) makes the terminal the command's controlling one; the command keeps the process that was started.

use crate::invocation::Invocation;
use crate::patience::stretched;
use crate::tour::Screen;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const TIME_LIMIT: Duration = Duration::from_secs(20);

/// A running command and the keyboard and screen of its terminal.
pub struct Terminal {
    keyboard: OwnedFd,
    child: Child,
    line: String,
    /// Everything shown, and how far [`Terminal::expect`] has looked.
    screen: RefCell<(Vec<u8>, usize)>,
}

impl Terminal {
    /// Starts the command on a new terminal of this size.
    ///
    /// # Panics
    /// When there is no pseudo-terminal or no such program.
    #[must_use]
    pub fn start(command: Invocation, rows: u16, columns: u16) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        tcsetwinsize(&keyboard, size(rows, columns)).unwrap();
        let path = ptsname(&keyboard, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let end = || Stdio::from(open(&path, flags, Mode::empty()).unwrap());
        let (mut command, line) = command.on_terminal();
        let child = command.stdin(end()).stdout(end()).stderr(end()).env("TERM", "xterm").spawn().unwrap();
        Self { keyboard, child, line, screen: RefCell::default() }
    }

    /// Presses keys.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn press(&self, keys: impl AsRef<[u8]>) {
        let mut left = keys.as_ref();
        while !left.is_empty() {
            left = &left[rustix::io::write(&self.keyboard, left).unwrap()..];
        }
    }

    /// Makes the window another size.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn resize(&self, rows: u16, columns: u16) {
        tcsetwinsize(&self.keyboard, size(rows, columns)).unwrap();
    }

    /// Waits until `text` is shown after what was expected before.
    ///
    /// # Panics
    /// When it is not within twenty seconds.
    pub fn expect(&self, text: &str) {
        let started = Instant::now();
        loop {
            {
                let mut screen = self.screen.borrow_mut();
                let (shown, seen) = &mut *screen;
                let at = shown[*seen..].windows(text.len()).position(|window| window == text.as_bytes());
                if let Some(at) = at {
                    *seen += at + text.len();
                    return;
                }
            }
            let left = stretched(TIME_LIMIT).checked_sub(started.elapsed());
            let more = left.is_some_and(|left| self.read(left));
            assert!(more, "no {text:?} on the screen of {}:\n{}", self.line, self.shown());
        }
    }

    /// Waits until what is shown is as `is` wants it; what that is.
    ///
    /// # Panics
    /// When it is not within twenty seconds.
    #[must_use]
    pub fn await_screen(&self, what: &str, is: impl Fn(&Screen) -> bool) -> Screen {
        let started = Instant::now();
        loop {
            let screen = Screen::of(&self.screen.borrow().0);
            if is(&screen) {
                return screen;
            }
            let left = stretched(TIME_LIMIT).checked_sub(started.elapsed());
            let more = left.is_some_and(|left| self.read(left));
            assert!(more, "no {what:?} on the screen of {}:\n{}", self.line, screen.lines.join("\n"));
        }
    }

    /// Everything shown until now.
    #[must_use]
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.screen.borrow().0).into_owned()
    }

    /// Waits for the end of the command; its exit code.
    ///
    /// # Panics
    /// When it does not end within twenty seconds.
    #[must_use]
    pub fn wait(mut self) -> (i32, String) {
        let started = Instant::now();
        // What nobody reads would keep it from ending.
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                while self.read(Duration::ZERO) {}
                return (status.code().unwrap_or(-1), self.shown());
            }
            self.read(Duration::from_millis(20));
            assert!(started.elapsed() < stretched(TIME_LIMIT), "no end of {}:\n{}", self.line, self.shown());
        }
    }

    /// Whether something came; an end of the terminal is nothing more to come.
    fn read(&self, limit: Duration) -> bool {
        let timeout = Timespec::try_from(limit).unwrap();
        if poll(&mut [PollFd::new(&self.keyboard, PollFlags::IN)], Some(&timeout)).unwrap() == 0 {
            return false;
        }
        let mut buffer = [0; 4096];
        // EIO: nobody has the other end open.
        let length = rustix::io::read(&self.keyboard, &mut buffer).unwrap_or(0);
        self.screen.borrow_mut().0.extend_from_slice(&buffer[..length]);
        length > 0
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_reach_the_command_and_its_size_is_told() {
        let terminal =
            Terminal::start(Invocation::new("sh", ["-c", "stty size; read x; stty size; exit 3"]), 10, 20);
        terminal.expect("10 20");
        terminal.resize(11, 21);
        terminal.press("\n");
        terminal.expect("11 21");
        assert_eq!(terminal.wait().0, 3);
    }

    #[test]
    fn ctrl_c_is_a_signal() {
        // Whoever runs the tests in the background has the signal ignored, and ignored it stays over exec.
        let sleep = Invocation::new("env", ["--default-signal=INT", "sleep", "100"]);
        let terminal = Terminal::start(sleep, 10, 20);
        std::thread::sleep(Duration::from_millis(50));
        terminal.press([3]);
        assert_eq!(terminal.wait().0, -1);
    }
}
