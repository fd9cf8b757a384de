//! Running one command: its output, its end, and how long it took.
//!
//! Every command has a process group of its own and a time limit; one that outlasts it, or leaves somebody behind who
//! holds its output open, fails the test with everything printed so far.

use crate::patience::stretched;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long a command may take unless the test says otherwise; generous, since two cores may serve many tests.
pub const TIME_LIMIT: Duration = Duration::from_secs(60);
/// How long after a command's end its output may stay open.
const OUTPUT_GRACE: Duration = Duration::from_secs(5);

/// A command that is about to be run.
pub struct Invocation {
    command: Command,
    line: String,
    input: Vec<u8>,
    limit: Duration,
}

impl Invocation {
    /// A program with arguments and the caller's environment.
    pub fn new<S: AsRef<OsStr>>(program: impl AsRef<OsStr>, arguments: impl IntoIterator<Item = S>) -> Self {
        let mut command = Command::new(&program);
        let arguments: Vec<OsString> = arguments.into_iter().map(|word| word.as_ref().to_owned()).collect();
        let words: Vec<String> = std::iter::once(program.as_ref())
            .chain(arguments.iter().map(OsString::as_os_str))
            .map(quoted)
            .collect();
        command.args(arguments);
        Self { command, line: words.join(" "), input: Vec::new(), limit: stretched(TIME_LIMIT) }
    }

    /// What the command reads from standard input, which is empty otherwise.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// Sets a variable of the command's environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn directory(mut self, path: impl AsRef<std::path::Path>) -> Self {
        self.command.current_dir(path);
        self
    }

    /// Replaces [`TIME_LIMIT`].
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The command with the terminal of its standard input as its controlling one, and how it reads; for
    /// [`crate::Terminal`].
    pub(crate) fn on_terminal(self) -> (Command, String) {
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(self.command.get_program()).args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(directory) = self.command.get_current_dir() {
            command.current_dir(directory);
        }
        (command, self.line)
    }

    /// Starts the command and returns at once.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(mut self) -> Running {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let started = Instant::now();
        let mut child = match self.command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("cannot start {}: {error}", self.line),
        };
        let mut stdin = child.stdin.take().unwrap();
        let input = std::mem::take(&mut self.input);
        // A command that does not read its input closes the pipe; that is its right.
        thread::spawn(move || stdin.write_all(&input));
        let stdout = Stream::follow(child.stdout.take().unwrap());
        let stderr = Stream::follow(child.stderr.take().unwrap());
        Running { child, line: self.line, limit: self.limit, started, stdout, stderr }
    }

    /// Runs the command to its end.
    ///
    /// # Panics
    /// When it cannot be started or outlasts its limit.
    #[must_use]
    pub fn run(self) -> Outcome {
        self.start().wait()
    }
}

fn quoted(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let plain = !text.is_empty()
        && text.chars().all(|letter| letter.is_alphanumeric() || "-_./:=,@%+".contains(letter));
    if plain { text.into_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// One output of a command, read as it comes.
struct Stream {
    text: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Stream {
    fn follow(mut pipe: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = channel();
        let collected = Arc::clone(&text);
        thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(length) = pipe.read(&mut buffer) {
                if length == 0 {
                    break;
                }
                collected.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
            end.send(())
        });
        Self { text, ended }
    }

    fn so_far(&self) -> Vec<u8> {
        self.text.lock().unwrap().clone()
    }
}

/// A command that runs. Dropping it kills its process group.
pub struct Running {
    child: Child,
    line: String,
    limit: Duration,
    started: Instant,
    stdout: Stream,
    stderr: Stream,
}

impl Running {
    /// The command's process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Standard output until now.
    #[must_use]
    pub fn stdout_so_far(&self) -> String {
        String::from_utf8_lossy(&self.stdout.so_far()).into_owned()
    }

    /// Waits until standard output holds `text`.
    ///
    /// # Panics
    /// When it does not within the command's limit.
    pub fn wait_for_stdout(&self, text: &str) {
        while !self.stdout_so_far().contains(text) {
            assert!(
                self.started.elapsed() < self.limit,
                "no {text:?} in the output of {}",
                self.described("time is up")
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// When the limit is reached, or somebody else still holds the output.
    #[must_use]
    pub fn wait(mut self) -> Outcome {
        let status = match self.wait_within_limit() {
            Some(status) => status,
            None => panic!("{}", self.described(&format!("no end after {:?}", self.limit))),
        };
        let elapsed = self.started.elapsed();
        for (name, stream) in [("output", &self.stdout), ("error", &self.stderr)] {
            let closed = stream.ended.recv_timeout(OUTPUT_GRACE).is_ok();
            assert!(
                closed,
                "{}",
                self.described(&format!("ended ({status}) but standard {name} is still held open"))
            );
        }
        Outcome {
            line: self.line.clone(),
            status,
            stdout: self.stdout.so_far(),
            stderr: self.stderr.so_far(),
            elapsed,
        }
    }

    fn wait_within_limit(&mut self) -> Option<ExitStatus> {
        let pidfd = pidfd_open(self.pid(), PidfdFlags::empty()).unwrap();
        let left = self.limit.saturating_sub(self.started.elapsed());
        let timeout = Timespec::try_from(left).unwrap();
        // Nothing interrupts a thread that has no signal handlers.
        poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&timeout)).unwrap();
        self.child.try_wait().unwrap()
    }

    fn described(&self, end: &str) -> String {
        describe(&self.line, end, &self.stdout.so_far(), &self.stderr.so_far())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill_process_group(self.pid(), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

fn describe(line: &str, end: &str, stdout: &[u8], stderr: &[u8]) -> String {
    let block = |name: &str, bytes: &[u8]| match String::from_utf8_lossy(bytes).trim_end() {
        "" => format!("  {name}: nothing\n"),
        text => format!("  {name}:\n    {}\n", text.replace('\n', "\n    ")),
    };
    format!("{line}\n  {end}\n{}{}", block("standard output", stdout), block("standard error", stderr))
}

/// How a command ended. The expectations return it again, so that they can be chained; each fails with the whole
/// output.
pub struct Outcome {
    line: String,
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// From the start to the end of the process.
    pub elapsed: Duration,
}

impl Outcome {
    /// The exit code; 128 plus the number for a signal, as shells show it.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.status.code().or_else(|| self.status.signal().map(|number| 128 + number)).unwrap()
    }

    /// Standard output as text.
    #[must_use]
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard output as it came.
    #[must_use]
    pub fn stdout_bytes(&self) -> &[u8] {
        &self.stdout
    }

    /// Standard error as text.
    #[must_use]
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Standard output without surrounding white space: an id, a name, a number.
    #[must_use]
    pub fn word(&self) -> String {
        String::from(self.stdout().trim())
    }

    /// Standard output as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_slice(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("no JSON ({error}): {self}"),
        }
    }

    /// # Panics
    /// Unless the exit code is 0.
    #[must_use]
    pub fn ok(self) -> Self {
        self.fails_with(0)
    }

    /// # Panics
    /// Unless the exit code is `code`.
    #[must_use]
    pub fn fails_with(self, code: i32) -> Self {
        assert!(self.code() == code, "expected exit code {code}: {self}");
        self
    }

    /// # Panics
    /// Unless standard output is exactly `text`.
    #[must_use]
    pub fn prints(self, text: &str) -> Self {
        assert!(self.stdout() == text, "expected to print {text:?}: {self}");
        self
    }

    /// # Panics
    /// Unless standard output contains `text`.
    #[must_use]
    pub fn shows(self, text: &str) -> Self {
        assert!(self.stdout().contains(text), "expected {text:?} in the output: {self}");
        self
    }

    /// # Panics
    /// When standard output contains `text`.
    #[must_use]
    pub fn lacks(self, text: &str) -> Self {
        assert!(!self.stdout().contains(text), "did not expect {text:?} in the output: {self}");
        self
    }

    /// # Panics
    /// Unless standard error contains `text`.
    #[must_use]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr().contains(text), "expected {text:?} in the error: {self}");
        self
    }

    /// # Panics
    /// Unless standard error is one line: what went wrong and what to do, nothing else.
    #[must_use]
    pub fn says_one_line(self) -> Self {
        let lines = self.stderr().trim_end().lines().count();
        assert!(lines == 1, "expected one line of error, got {lines}: {self}");
        self
    }

    /// # Panics
    /// Unless standard error is empty.
    #[must_use]
    pub fn is_quiet(self) -> Self {
        assert!(self.stderr.is_empty(), "expected nothing on standard error: {self}");
        self
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = format!("{} after {:?}", self.status, self.elapsed);
        formatter.write_str(&describe(&self.line, &end, &self.stdout, &self.stderr))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Invocation {
        Invocation::new("sh", ["-c", script])
    }

    #[test]
    fn output_input_and_code_come_through() {
        let outcome = shell("cat; echo wrong >&2; exit 7").input("text").run();
        let _ = outcome.fails_with(7).prints("text").says("wrong").says_one_line();
        assert_eq!(shell("kill -9 $$").run().code(), 137);
    }

    #[test]
    fn a_large_output_does_not_block() {
        assert_eq!(shell("head -c 1000000 /dev/zero").run().ok().stdout_bytes().len(), 1_000_000);
    }

    #[test]
    #[should_panic(expected = "no end after 200ms")]
    fn a_command_that_does_not_end_fails_the_test() {
        let _ = shell("echo before; sleep 30").limit(Duration::from_millis(200)).run();
    }

    #[test]
    #[should_panic(expected = "standard output is still held open")]
    fn a_process_left_behind_with_the_output_fails_the_test() {
        let _ = shell("sleep 7 2>/dev/null & exit 0").run();
    }
}
