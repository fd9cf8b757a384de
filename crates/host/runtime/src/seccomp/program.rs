//! A compiled filter, ready to install and to keep in a cache.

use super::filter::Filter;
use super::{Arch, CacheError, CapabilitySet, CompileError, assemble, default_profile};
use kernel::seccomp::{Flags, INSTRUCTIONS_MAX, Instruction};
use spec::runtime::Seccomp;
use std::os::fd::OwnedFd;

/// Changes whenever the same document would be compiled differently; part of a cache's key.
pub const COMPILER_VERSION: u32 = 1;

const MAGIC: [u8; 4] = *b"SPSC";
/// Magic, compiler version, flags, listener, count.
const HEADER: usize = 20;
const CHECKSUM: usize = 8;
const EVERY_FLAG: [Flags; 4] = [Flags::TSYNC, Flags::LOG, Flags::SPEC_ALLOW, Flags::WAIT_KILLABLE_RECV];

/// Instructions and how to install them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    instructions: Vec<Instruction>,
    flags: Flags,
    notifies: bool,
}

/// What was passed over while compiling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Names of calls that no supported architecture has; they are refused or allowed as the default says.
    pub unknown_calls: Vec<String>,
}

impl Program {
    /// Compiles the seccomp section of a runtime document for the machine that this program runs on.
    ///
    /// # Errors
    /// [`CompileError`] for what the specification does not know, and for what the kernel cannot hold.
    pub fn compile(seccomp: &Seccomp) -> Result<(Self, Report), CompileError> {
        Self::compile_for(Arch::NATIVE, seccomp)
    }

    /// As [`Program::compile`] for a machine of another architecture.
    ///
    /// # Errors
    /// As [`Program::compile`].
    pub fn compile_for(native: Arch, seccomp: &Seccomp) -> Result<(Self, Report), CompileError> {
        let mut filter = Filter::parse(native, seccomp)?;
        let unknown_calls = std::mem::take(&mut filter.unknown);
        Ok((Self::of(&filter)?, Report { unknown_calls }))
    }

    /// Docker's default profile for a container whose bounding set is this; some 20 microseconds.
    ///
    /// # Errors
    /// None that a test would not have shown; the profile is part of the program.
    pub fn default_for(capabilities: CapabilitySet) -> Result<Self, CompileError> {
        Self::of(&default_profile::filter(Arch::NATIVE, capabilities))
    }

    fn of(filter: &Filter) -> Result<Self, CompileError> {
        let instructions = assemble::assemble(filter)?;
        Ok(Self { instructions, flags: filter.flags, notifies: filter.notifies })
    }

    /// What the kernel runs at each call.
    #[must_use]
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// Whether it asks an agent, to whom the listener must be handed.
    #[must_use]
    pub fn notifies(&self) -> bool {
        self.notifies
    }

    /// Puts the filter on the calling thread for good: the listener, if it asks an agent. Allocates nothing. Needs
    /// `no_new_privs` or CAP_SYS_ADMIN, which is the caller's part.
    ///
    /// # Errors
    /// Whatever seccomp(2) reports.
    pub fn install(&self) -> rustix::io::Result<Option<OwnedFd>> {
        if self.notifies {
            kernel::seccomp::install_with_listener(&self.instructions, self.flags).map(Some)
        } else {
            kernel::seccomp::install(&self.instructions, self.flags).map(|()| None)
        }
    }

    /// The form for a cache: of this machine's byte order, with a checksum.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let flags = EVERY_FLAG.iter().enumerate().filter(|(_, flag)| self.flags.contains(**flag));
        let flags: u32 = flags.map(|(bit, _)| 1 << bit).sum();
        let mut bytes = Vec::with_capacity(HEADER + 8 * self.instructions.len() + CHECKSUM);
        bytes.extend(MAGIC);
        bytes.extend(COMPILER_VERSION.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(u32::from(self.notifies).to_ne_bytes());
        // At most INSTRUCTIONS_MAX.
        bytes.extend((self.instructions.len() as u32).to_ne_bytes());
        for one in &self.instructions {
            bytes.extend(one.code.to_ne_bytes());
            bytes.extend([one.jt, one.jf]);
            bytes.extend(one.k.to_ne_bytes());
        }
        bytes.extend(checksum(&bytes).to_ne_bytes());
        bytes
    }

    /// Reads what [`Program::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`CacheError`] for anything else; compile again then.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CacheError> {
        let fail = |problem| CacheError { problem };
        let (content, sum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(fail("too short"))?;
        let (header, code) = content.split_at_checked(HEADER).ok_or(fail("too short"))?;
        if header[..4] != MAGIC || word(header, 4) != COMPILER_VERSION {
            return Err(fail("of another version"));
        }
        if checksum(content) != u64::from_ne_bytes(*sum) {
            return Err(fail("the checksum differs"));
        }
        let count = word(header, 16) as usize;
        if count == 0 || count > INSTRUCTIONS_MAX || code.len() != 8 * count {
            return Err(fail("the length is wrong"));
        }
        let set = EVERY_FLAG.iter().enumerate().filter(|(bit, _)| word(header, 8) & (1 << bit) != 0);
        let flags = set.fold(Flags::default(), |all, (_, flag)| all | *flag);
        let instructions = code
            .chunks_exact(8)
            .map(|one| Instruction {
                code: u16::from_ne_bytes([one[0], one[1]]),
                jt: one[2],
                jf: one[3],
                k: word(one, 4),
            })
            .collect();
        Ok(Self { instructions, flags, notifies: word(header, 12) != 0 })
    }
}

/// The 32 bits at an offset; the callers know that they are there.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_ne_bytes)
}

/// FNV-1a: against a torn or foreign file, not against somebody who may write the cache.
fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
