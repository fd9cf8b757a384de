//! The kernel's machine for classic BPF, as far as seccomp(2) lets a program go.

use kernel::seccomp::Instruction;

/// `struct seccomp_data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Data {
    pub(super) number: u32,
    pub(super) arch: u32,
    pub(super) args: [u64; 6],
}

impl Data {
    fn word(&self, offset: u32) -> u32 {
        assert!(offset.is_multiple_of(4), "unaligned load at {offset}");
        match offset {
            0 => self.number,
            4 => self.arch,
            8 | 12 => 0,
            16..64 => {
                let arg = self.args[(offset as usize - 16) / 8];
                if offset.is_multiple_of(8) { arg as u32 } else { (arg >> 32) as u32 }
            }
            _ => panic!("load beyond the data at {offset}"),
        }
    }
}

/// Runs a program: its result and how many instructions that took.
pub(super) fn run(program: &[Instruction], data: Data) -> (u32, usize) {
    let (mut accumulator, mut at, mut taken) = (0u32, 0usize, 0usize);
    loop {
        let one = program[at];
        at += 1;
        taken += 1;
        let mut branch = |holds: bool| at += usize::from(if holds { one.jt } else { one.jf });
        match one.code {
            0x20 => accumulator = data.word(one.k),
            0x54 => accumulator &= one.k,
            0x05 => at += one.k as usize,
            0x15 => branch(accumulator == one.k),
            0x25 => branch(accumulator > one.k),
            0x35 => branch(accumulator >= one.k),
            0x06 => return (one.k, taken),
            other => panic!("unexpected instruction {other:#x}"),
        }
    }
}

/// What the kernel's checker asks of a program (bpf_check_classic): every jump stays inside, the last returns.
pub(super) fn check(program: &[Instruction]) {
    for (at, one) in program.iter().enumerate() {
        let furthest = match one.code {
            0x05 => one.k as usize,
            0x15 | 0x25 | 0x35 => usize::from(one.jt.max(one.jf)),
            _ => 0,
        };
        assert!(at + 1 + furthest < program.len() || one.code == 0x06, "instruction {at} leads out");
    }
    assert_eq!(program.last().map(|one| one.code), Some(0x06));
}
