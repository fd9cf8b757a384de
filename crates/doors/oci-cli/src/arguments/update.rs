//! `update`.

use super::{Command, required, take_id, usage};
use crate::error::CliError;
use crate::id::BundleId;
use lexopt::prelude::{Long, Short, Value, ValueExt};
use spec::runtime::{BlockIo, Cpu, Memory, Pids, Resources};
use std::path::PathBuf;

/// Other limits for a container.
#[derive(Debug)]
pub(crate) struct UpdateOptions {
    pub(crate) id: BundleId,
    /// A document with all of them, `-` for standard input.
    pub(crate) document: Option<PathBuf>,
    /// Those given one by one.
    pub(crate) resources: Resources,
}

pub(super) fn parse(parser: &mut lexopt::Parser) -> Result<Command, CliError> {
    let (mut id, mut document, mut some) = (None, None, false);
    let (mut cpu, mut memory) = (Cpu::default(), Memory::default());
    let (mut pids, mut weight) = (None, None);
    while let Some(argument) = parser.next()? {
        let name = match argument {
            Long("resources") | Short('r') => {
                document = Some(parser.value()?.into());
                continue;
            }
            Value(word) => {
                take_id(&mut id, word)?;
                continue;
            }
            Long(name) => name.to_owned(),
            other => return Err(other.unexpected().into()),
        };
        some = true;
        let mut value = || -> Result<String, CliError> { Ok(parser.value()?.string()?) };
        match name.as_str() {
            "blkio-weight" => weight = Some(number(&name, &value()?)?),
            "cpu-period" => cpu.period = Some(number(&name, &value()?)?),
            "cpu-quota" => cpu.quota = Some(number(&name, &value()?)?),
            "cpu-burst" => cpu.burst = Some(number(&name, &value()?)?),
            "cpu-share" => cpu.shares = Some(number(&name, &value()?)?),
            "cpu-rt-period" => cpu.realtime_period = Some(number(&name, &value()?)?),
            "cpu-rt-runtime" => cpu.realtime_runtime = Some(number(&name, &value()?)?),
            "cpu-idle" => cpu.idle = Some(number(&name, &value()?)?),
            "cpuset-cpus" => cpu.cpus = value()?,
            "cpuset-mems" => cpu.mems = value()?,
            "memory" => memory.limit = Some(bytes(&name, &value()?)?),
            "memory-reservation" => memory.reservation = Some(bytes(&name, &value()?)?),
            "memory-swap" => memory.swap = Some(bytes(&name, &value()?)?),
            // The kernel has had no such limits since 5.16; runc takes the values and warns.
            "kernel-memory" => memory.kernel = Some(bytes(&name, &value()?)?),
            "kernel-memory-tcp" => memory.kernel_tcp = Some(bytes(&name, &value()?)?),
            "pids-limit" => pids = Some(Pids { limit: number(&name, &value()?)? }),
            "l3-cache-schema" | "mem-bw-schema" => {
                return Err(CliError::Unsupported {
                    what: format!("--{name} (no resctrl file system is used)"),
                });
            }
            _ => return Err(usage(format!("invalid option '--{name}'"))),
        }
    }
    if document.is_none() && !some {
        return Err(usage("update needs --resources FILE or a limit"));
    }
    let resources = Resources {
        cpu: (cpu != Cpu::default()).then_some(cpu),
        memory: (memory != Memory::default()).then_some(memory),
        pids,
        block_io: weight.map(|weight| BlockIo { weight: Some(weight), ..BlockIo::default() }),
        ..Resources::default()
    };
    Ok(Command::Update(Box::new(UpdateOptions { id: required(id)?, document, resources })))
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, CliError> {
    text.parse().map_err(|_| usage(format!("--{name}: {text:?} is no number that fits")))
}

/// Bytes, with `k`, `m`, `g` or `t` as powers of 1024; -1 is no limit.
fn bytes(name: &str, text: &str) -> Result<i64, CliError> {
    let wrong = || usage(format!("--{name}: {text:?} is no size such as 64m"));
    if text == "-1" {
        return Ok(-1);
    }
    let lower = text.to_ascii_lowercase();
    let trimmed = lower.strip_suffix('b').unwrap_or(&lower);
    let trimmed = trimmed.strip_suffix('i').unwrap_or(trimmed);
    let (digits, shift) = match trimmed.as_bytes().last() {
        Some(b'k') => (&trimmed[..trimmed.len() - 1], 10),
        Some(b'm') => (&trimmed[..trimmed.len() - 1], 20),
        Some(b'g') => (&trimmed[..trimmed.len() - 1], 30),
        Some(b't') => (&trimmed[..trimmed.len() - 1], 40),
        _ => (trimmed, 0),
    };
    let number: u32 = digits.parse().map_err(|_| wrong()).or_else(|error| {
        if shift == 0 { digits.parse::<i64>().map(|_| 0).map_err(|_| error) } else { Err(error) }
    })?;
    if shift == 0 {
        return digits.parse().ok().filter(|bytes| *bytes >= 0).ok_or_else(wrong);
    }
    i64::from(number).checked_mul(1 << shift).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("-1", -1),
            ("0", 0),
            ("5000000000", 5_000_000_000),
            ("64m", 64 << 20),
            ("1G", 1 << 30),
            ("2kib", 2048),
        ] {
            assert_eq!(bytes("memory", text).unwrap(), expected, "{text}");
        }
        for wrong in ["", "m", "-5", "1.5g", "9999999999t"] {
            assert!(bytes("memory", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn options_stand_before_and_after_the_id() {
        let line = ["--memory", "64m", "c1", "--pids-limit=5", "--cpu-share", "512"];
        let Ok(Command::Update(options)) = parse(&mut lexopt::Parser::from_args(line)) else { panic!() };
        assert_eq!(options.resources.memory.unwrap().limit, Some(64 << 20));
        assert_eq!(options.resources.pids.unwrap().limit, 5);
        assert_eq!(options.resources.cpu.unwrap().shares, Some(512));
        assert!(parse(&mut lexopt::Parser::from_args(["c1"])).is_err());
    }
}
