//! The plain programs of the demo image: enough to try `run`, `exec`, `logs` and `stop` without a download.
//!
//! Output goes out byte for byte; arguments need not be text.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::ExitCode;
use std::time::Duration;

/// The exit code of a program that was called the wrong way.
const USAGE: u8 = 2;

/// Runs the program called `name`; 127 when there is none.
pub(crate) fn main(name: &[u8], arguments: &[OsString]) -> ExitCode {
    let done = match name {
        b"true" => Ok(ExitCode::SUCCESS),
        b"false" => Ok(ExitCode::FAILURE),
        b"exit" => exit(arguments),
        b"sleep" => sleep(arguments),
        b"echo" => echo(arguments),
        b"cat" => cat(arguments),
        b"env" => env(),
        b"pwd" => pwd(),
        _ => Err(Failure { code: 127, reason: String::from("no such program in this image") }),
    };
    done.unwrap_or_else(|failure| {
        let name = String::from_utf8_lossy(name);
        // Nothing can be done for a caller who closed standard error.
        let _ = writeln!(io::stderr(), "{name}: {}", failure.reason);
        ExitCode::from(failure.code)
    })
}

struct Failure {
    code: u8,
    reason: String,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { code: 1, reason: error.to_string() }
    }
}

type Outcome = Result<ExitCode, Failure>;

fn usage(reason: &str) -> Failure {
    Failure { code: USAGE, reason: String::from(reason) }
}

fn exit(arguments: &[OsString]) -> Outcome {
    let code = match arguments {
        [] => 0,
        [code] => parse(code).ok_or_else(|| usage("the exit code is a number from 0 to 255"))?,
        _ => return Err(usage("one argument, the exit code")),
    };
    Ok(ExitCode::from(code))
}

fn sleep(arguments: &[OsString]) -> Outcome {
    let [duration] = arguments else {
        return Err(usage("one argument, the seconds to sleep, or infinity"));
    };
    let duration = duration_from(duration).ok_or_else(|| usage("seconds as 3, 0.5 or infinity"))?;
    std::thread::sleep(duration);
    Ok(ExitCode::SUCCESS)
}

/// Seconds as a decimal number, with coreutils' suffixes s, m, h, d, or `infinity`. What is finer than a nanosecond
/// is cut off. Without floating point, whose parser would be a tenth of this program.
fn duration_from(text: &OsStr) -> Option<Duration> {
    let text = text.to_str()?;
    if matches!(text, "infinity" | "inf") {
        return Some(Duration::MAX);
    }
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86400)];
    let (number, unit_seconds) = units
        .into_iter()
        .find_map(|(suffix, seconds)| Some((text.strip_suffix(suffix)?, seconds)))
        .unwrap_or((text, 1));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let seconds: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let nanoseconds: u32 = format!("{fraction:0<9.9}").parse().ok()?;
    Duration::new(seconds, nanoseconds).checked_mul(unit_seconds)
}

fn echo(arguments: &[OsString]) -> Outcome {
    let (newline, words) = match arguments {
        [first, rest @ ..] if first == "-n" => (false, rest),
        all => (true, all),
    };
    let mut line: Vec<u8> = words.join(OsStr::new(" ")).into_vec();
    if newline {
        line.push(b'\n');
    }
    io::stdout().write_all(&line)?;
    Ok(ExitCode::SUCCESS)
}

fn cat(arguments: &[OsString]) -> Outcome {
    let mut code = ExitCode::SUCCESS;
    if arguments.is_empty() {
        copy_out(&mut io::stdin().lock())?;
    }
    for path in arguments {
        let copied = if path == "-" { copy_out(&mut io::stdin().lock()) } else { copy_file_out(path) };
        if let Err(error) = copied {
            writeln!(io::stderr(), "cat: {}: {error}", path.to_string_lossy())?;
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

fn copy_file_out(path: &OsStr) -> io::Result<()> {
    copy_out(&mut File::open(path)?)
}

/// Copies without buffering lines: what a terminal user types comes back at once.
fn copy_out(from: &mut impl Read) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    let mut out = io::stdout().lock();
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                out.write_all(&buffer[..length])?;
                out.flush()?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn env() -> Outcome {
    let mut text = Vec::new();
    for (name, value) in std::env::vars_os() {
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        text.extend_from_slice(value.as_bytes());
        text.push(b'\n');
    }
    io::stdout().write_all(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn pwd() -> Outcome {
    let mut path = std::env::current_dir()?.into_os_string().into_vec();
    path.push(b'\n');
    io::stdout().write_all(&path)?;
    Ok(ExitCode::SUCCESS)
}

fn parse(text: &OsStr) -> Option<u8> {
    text.to_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds_unless_a_suffix_says_otherwise() {
        let seconds = |text: &str| duration_from(OsStr::new(text)).map(|duration| duration.as_secs_f64());
        assert_eq!(seconds("3"), Some(3.0));
        assert_eq!(seconds("0.25"), Some(0.25));
        assert_eq!(seconds(".5"), Some(0.5));
        assert_eq!(seconds("0.1234567891"), Some(0.123_456_789));
        assert_eq!(seconds("2s"), Some(2.0));
        assert_eq!(seconds("1.5m"), Some(90.0));
        assert_eq!(seconds("1h"), Some(3600.0));
        assert_eq!(seconds("1d"), Some(86400.0));
        assert_eq!(duration_from(OsStr::new("infinity")), Some(Duration::MAX));
        for wrong in ["", "s", ".", "-1", "+1", "1x", "nan", "1e4", "99999999999999999999d"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_exit_code_outside_a_byte_is_refused() {
        assert!(exit(&[OsString::from("256")]).is_err());
        assert!(exit(&[OsString::from("-1")]).is_err());
        assert!(exit(&[OsString::from("1"), OsString::from("2")]).is_err());
        assert!(exit(&[]).is_ok());
    }
}
