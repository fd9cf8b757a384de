//! Device rules as a BPF program.
//!
//! The kernel asks with a kind, two numbers and a set of accesses. The rules are tried from the last to the first: an
//! allowing one takes its accesses off those still asked for, and with none left the answer is yes; a denying one
//! that has any of them makes it no. What no rule speaks of is refused.

use super::{Access, Kind, Rule};
use kernel::bpf::{Instruction, Register};

/// Offsets in `struct bpf_cgroup_dev_ctx`: accesses in the high and kind in the low half of the first word.
const ACCESS_AND_KIND: i16 = 0;
const MAJOR: i16 = 4;
const MINOR: i16 = 8;
/// `BPF_DEVCG_DEV_BLOCK` and `BPF_DEVCG_DEV_CHAR`.
const BLOCK: u32 = 1;
const CHARACTER: u32 = 2;

const KIND_REGISTER: Register = Register::R2;
const ASKED_REGISTER: Register = Register::R3;
const MAJOR_REGISTER: Register = Register::R4;
const MINOR_REGISTER: Register = Register::R5;

/// The program that answers as the rules say.
pub(super) fn from_rules(rules: &[Rule]) -> Vec<Instruction> {
    let mut program = vec![
        Instruction::load_context(KIND_REGISTER, ACCESS_AND_KIND),
        Instruction::copy(ASKED_REGISTER, KIND_REGISTER),
        Instruction::and(KIND_REGISTER, 0xffff),
        Instruction::shift_right(ASKED_REGISTER, 16),
        Instruction::load_context(MAJOR_REGISTER, MAJOR),
        Instruction::load_context(MINOR_REGISTER, MINOR),
    ];
    for rule in rules.iter().rev() {
        let conditions = conditions(*rule);
        let verdict = verdict(*rule);
        let total = conditions.is_empty() && rule.access == Access::ALL;
        for (index, (register, value)) in conditions.iter().enumerate() {
            // At most three conditions and five instructions of the verdict.
            let skipped = i16::try_from(conditions.len() - index - 1 + verdict.len()).unwrap_or(i16::MAX);
            program.push(Instruction::skip_unless_equal(*register, *value, skipped));
        }
        program.extend(verdict);
        if total {
            // The verifier refuses instructions that cannot be reached.
            return program;
        }
    }
    program.extend(answer(false));
    program
}

fn answer(allow: bool) -> [Instruction; 2] {
    [Instruction::set(Register::R0, i32::from(allow)), Instruction::exit()]
}

/// What must be equal for the rule to match.
fn conditions(rule: Rule) -> Vec<(Register, u32)> {
    let kind = match rule.kind {
        Kind::Any => None,
        Kind::Block => Some((KIND_REGISTER, BLOCK)),
        Kind::Character => Some((KIND_REGISTER, CHARACTER)),
    };
    let major = rule.major.map(|major| (MAJOR_REGISTER, major));
    let minor = rule.minor.map(|minor| (MINOR_REGISTER, minor));
    kind.into_iter().chain(major).chain(minor).collect()
}

/// What a matching rule does.
fn verdict(rule: Rule) -> Vec<Instruction> {
    let access = i32::from(rule.access.0);
    let mut verdict = Vec::with_capacity(5);
    if rule.access != Access::ALL {
        if rule.allow {
            verdict.push(Instruction::and(ASKED_REGISTER, !access));
            verdict.push(Instruction::skip_unless_equal(ASKED_REGISTER, 0, 2));
        } else {
            verdict.push(Instruction::copy(Register::R0, ASKED_REGISTER));
            verdict.push(Instruction::and(Register::R0, access));
            verdict.push(Instruction::skip_if_equal(Register::R0, 0, 2));
        }
    }
    verdict.extend(answer(rule.allow));
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone, Copy)]
    struct Request {
        kind: u32,
        major: u32,
        minor: u32,
        access: u8,
    }

    /// Runs the instructions of `kernel::bpf` on a request.
    fn run(program: &[Instruction], request: Request) -> bool {
        let context = [(u32::from(request.access) << 16) | request.kind, request.major, request.minor];
        let mut registers = [0u64; 6];
        let mut at = 0usize;
        for _ in 0..program.len() {
            let one = program[at];
            let (to, from) = (usize::from(one.registers & 15), usize::from(one.registers >> 4));
            at += 1;
            let skip = |condition| if condition { usize::try_from(one.offset).unwrap() } else { 0 };
            match one.code {
                0x61 => registers[to] = u64::from(context[usize::try_from(one.offset).unwrap() / 4]),
                0xbf => registers[to] = registers[from],
                0xb7 => registers[to] = i64::from(one.immediate).cast_unsigned(),
                0x57 => registers[to] &= i64::from(one.immediate).cast_unsigned(),
                0x77 => registers[to] >>= one.immediate,
                0x56 => at += skip(registers[to] as u32 != one.immediate.cast_unsigned()),
                0x16 => at += skip(registers[to] as u32 == one.immediate.cast_unsigned()),
                0x95 => return registers[0] == 1,
                other => panic!("unknown instruction {other:#x}"),
            }
        }
        panic!("the program did not end");
    }

    /// The meaning of the list, said plainly: each access bit is decided by the last rule that speaks of it.
    fn expected(rules: &[Rule], request: Request) -> bool {
        [1, 2, 4].into_iter().filter(|bit| request.access & bit != 0).all(|bit| {
            let matches = |rule: &&Rule| {
                let kind = match rule.kind {
                    Kind::Any => true,
                    Kind::Block => request.kind == BLOCK,
                    Kind::Character => request.kind == CHARACTER,
                };
                kind && rule.major.is_none_or(|major| major == request.major)
                    && rule.minor.is_none_or(|minor| minor == request.minor)
                    && rule.access.0 & bit != 0
            };
            rules.iter().rev().find(matches).is_some_and(|rule| rule.allow)
        })
    }

    fn rules() -> impl Strategy<Value = Vec<Rule>> {
        let kind = prop_oneof![Just(Kind::Any), Just(Kind::Block), Just(Kind::Character)];
        let number = || prop_oneof![Just(None), (0u32..3).prop_map(Some), Just(Some(u32::MAX))];
        let rule = (any::<bool>(), kind, number(), number(), 1u8..8).prop_map(
            |(allow, kind, major, minor, bits)| Rule { allow, kind, major, minor, access: Access(bits) },
        );
        proptest::collection::vec(rule, 0..12)
    }

    proptest! {
        #[test]
        fn the_program_means_what_the_rules_say(
            rules in rules(),
            kind in 1u32..3,
            major in prop_oneof![0u32..3, Just(u32::MAX)],
            minor in prop_oneof![0u32..3, Just(u32::MAX)],
            access in 1u8..8,
        ) {
            let request = Request { kind, major, minor, access };
            prop_assert_eq!(run(&from_rules(&rules), request), expected(&rules, request));
        }
    }

    #[test]
    fn the_verifier_takes_programs_of_every_shape() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: needs root");
            return;
        }
        let mut lists = vec![Vec::new()];
        for kind in [Kind::Any, Kind::Block, Kind::Character] {
            for (allow, access) in [(true, 7), (false, 7), (true, 2), (false, 5)] {
                let one = Rule { allow, kind, major: Some(1), minor: None, access: Access(access) };
                let total = Rule { major: None, ..one };
                lists.push(vec![total, one, one]);
                lists.push(vec![one, total, one]);
            }
        }
        lists.push(vec![
            Rule {
                allow: true,
                kind: Kind::Character,
                major: Some(u32::MAX),
                minor: Some(1),
                access: Access(3)
            };
            super::super::RULES_MAX
        ]);
        for list in lists {
            kernel::bpf::load_device_program(&from_rules(&list)).unwrap();
        }
    }
}
