//! From a typed filter to instructions.
//!
//! The program looks at the architecture, then at the number. Numbers fall into intervals with one outcome each, and
//! a binary search over the intervals' beginnings finds the one; most calls are decided in eight instructions. An
//! outcome is a verdict, or comparisons of arguments and then a verdict. Jumps of classic BPF skip at most 255
//! instructions; where a subtree is longer, an unconditional jump does it.
//!
//! Where rules for one call disagree, the first without conditions wins, then the first whose conditions hold. That
//! is how libseccomp builds its tree, so profiles mean what they mean under runc.

use super::arch::X32_BIT;
use super::filter::{Comparison, Condition, Filter, Rule, Verdict};
use super::multiplex;
use super::{Arch, CompileError};
use kernel::seccomp::{INSTRUCTIONS_MAX, Instruction};

/// `BPF_LD | BPF_W | BPF_ABS`: a word of `struct seccomp_data`.
const LOAD: u16 = 0x20;
/// `BPF_ALU | BPF_AND | BPF_K`.
const AND: u16 = 0x54;
/// `BPF_JMP | BPF_JA`, and the conditional jumps by `BPF_K`.
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const JUMP_NOT_LESS: u16 = 0x35;
/// `BPF_RET | BPF_K`.
const RETURN: u16 = 0x06;
/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;
/// `ENOSYS`.
const NO_SUCH_CALL: Verdict = Verdict::errno(38);

const fn plain(code: u16, k: u32) -> Instruction {
    Instruction { code, jt: 0, jf: 0, k }
}

/// A rule as it concerns one number.
#[derive(Debug, Clone, Copy)]
struct Case<'a> {
    number: u32,
    /// Arguments are compared by their low halves.
    short: bool,
    verdict: Verdict,
    conditions: &'a [Condition],
}

/// What the numbers of one interval come to.
#[derive(Debug, Clone, Copy)]
enum Outcome<'a> {
    Return(Verdict),
    /// The first case whose conditions hold, else the default.
    Check(&'a [Case<'a>]),
}

impl Outcome<'_> {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Return(one), Self::Return(two)) => one == two,
            (Self::Check(one), Self::Check(two)) => {
                let same = |(a, b): (&Case<'_>, &Case<'_>)| {
                    a.verdict == b.verdict && a.short == b.short && a.conditions == b.conditions
                };
                one.len() == two.len() && one.iter().zip(*two).all(same)
            }
            _ => false,
        }
    }
}

/// Numbers from `start` to the next interval's.
#[derive(Debug, Clone, Copy)]
struct Interval<'a> {
    start: u32,
    outcome: Outcome<'a>,
}

/// The program of a filter.
///
/// # Errors
/// [`CompileError::TooLarge`] when it needs more instructions than the kernel takes.
pub(super) fn assemble(filter: &Filter) -> Result<Vec<Instruction>, CompileError> {
    let mut program = Vec::with_capacity(512);
    program.push(plain(LOAD, ARCHITECTURE));
    // x32 is part of x86-64's section.
    for arch in filter.architectures.iter().filter(|arch| **arch != Arch::X32) {
        let mut cases = cases(filter, *arch);
        let mut newest = vec![(*arch, newest(filter, *arch))];
        if *arch == Arch::X86_64 && filter.architectures.contains(&Arch::X32) {
            cases.extend(self::cases(filter, Arch::X32));
            newest.push((Arch::X32, self::newest(filter, Arch::X32)));
        }
        // Stable: among the cases of a number the rules' order stays.
        cases.sort_by_key(|case| case.number);
        let intervals = intervals(filter, &newest, &cases);
        let jump = program.len();
        program.push(Instruction { code: JUMP_EQUAL, jt: 0, jf: 0, k: arch.token() });
        program.push(plain(LOAD, NUMBER));
        emit_search(&mut program, &intervals, filter);
        skip_from_here(&mut program, jump, Branch::Otherwise);
    }
    program.push(plain(RETURN, Verdict::FOREIGN.0));
    if program.len() > INSTRUCTIONS_MAX {
        let (count, what) = (program.len(), "instructions");
        return Err(CompileError::TooLarge { count, what, max: INSTRUCTIONS_MAX });
    }
    Ok(program)
}

/// The rules as they concern the numbers of one architecture. One with the default's verdict says nothing new, and
/// left in it could hide another with conditions.
fn cases(filter: &Filter, arch: Arch) -> Vec<Case<'_>> {
    let mut cases = Vec::with_capacity(512);
    for rule in filter.rules.iter().filter(|rule| rule.verdict != filter.default) {
        for call in rule.calls.iter() {
            if let Some(number) = call.number(arch.column()) {
                let number = number | arch.base();
                let (short, verdict) = (arch.has_short_arguments(), rule.verdict);
                cases.push(Case { number, short, verdict, conditions: &rule.conditions });
            }
        }
        if arch == Arch::X86 && rule.conditions.is_empty() {
            cases.extend(multiplexed(rule));
        }
    }
    cases
}

/// Sockets and System V IPC have numbers of their own on 32-bit x86 since 4.3 and 5.1; before, and in old programs
/// still, they are all one call with a selector. A rule with conditions cannot reach the arguments behind it.
fn multiplexed(rule: &Rule) -> impl Iterator<Item = Case<'_>> {
    rule.calls.iter().filter_map(|call| multiplex::entry(*call)).map(|entry| Case {
        number: entry.number,
        short: true,
        verdict: rule.verdict,
        conditions: std::slice::from_ref(&entry.selector),
    })
}

/// The highest number that the filter names, whatever it says of it; without any, the filter knows of none.
fn newest(filter: &Filter, arch: Arch) -> Option<u32> {
    let numbers =
        filter.rules.iter().flat_map(|rule| rule.calls.iter()).filter_map(|call| call.number(arch.column()));
    numbers.filter(|number| *number < arch.table_end()).max().map(|number| number | arch.base())
}

/// What becomes of a number that no rule names: `(start, verdict)` of each stretch, from zero up.
///
/// A program probes for a new call and falls back when it is not there, so a call that is newer than the filter must
/// look absent and not forbidden (opencontainers/runc#2750). This holds for filters that refuse by default.
fn background(filter: &Filter, newest: &[(Arch, Option<u32>)]) -> Vec<(u32, Verdict)> {
    let mut stretches = Vec::with_capacity(5);
    for (arch, newest) in newest {
        stretches.push((arch.base(), filter.default));
        if let (false, Some(newest)) = (filter.default.is_permissive(), newest) {
            stretches.push((newest + 1, NO_SUCH_CALL));
            if *arch == Arch::Arm {
                stretches.push((arch.table_end(), filter.default));
            }
        }
    }
    if let [(Arch::X86_64, last)] = newest
        && (filter.default.is_permissive() || last.is_none())
    {
        // Without x32 its numbers are of a foreign architecture; -1 is a call that a tracer skipped.
        stretches.push((X32_BIT, Verdict::FOREIGN));
        stretches.push((u32::MAX, filter.default));
    }
    stretches
}

/// Covers all numbers; `cases` are sorted.
fn intervals<'a>(
    filter: &Filter,
    newest: &[(Arch, Option<u32>)],
    cases: &'a [Case<'a>],
) -> Vec<Interval<'a>> {
    let background = background(filter, newest);
    let mut intervals: Vec<Interval<'a>> = Vec::with_capacity(256);
    let mut push = |start: u32, outcome: Outcome<'a>| match intervals.last_mut() {
        Some(last) if last.start == start => last.outcome = outcome,
        Some(last) if last.outcome.is_same(&outcome) => {}
        _ => intervals.push(Interval { start, outcome }),
    };
    let mut groups = cases.chunk_by(|a, b| a.number == b.number).peekable();
    for (index, (start, verdict)) in background.iter().enumerate() {
        let end = background.get(index + 1).map(|next| next.0);
        push(*start, Outcome::Return(*verdict));
        while let Some(group) = groups.next_if(|group| end.is_none_or(|end| group[0].number < end)) {
            push(group[0].number, outcome(group));
            // The last number of all has no successor.
            if let Some(after) = group[0].number.checked_add(1) {
                push(after, Outcome::Return(*verdict));
            }
        }
    }
    merge(intervals)
}

/// Joins neighbours that became the same when a later number took an interval's place.
fn merge(mut intervals: Vec<Interval<'_>>) -> Vec<Interval<'_>> {
    intervals.dedup_by(|later, earlier| later.outcome.is_same(&earlier.outcome));
    intervals
}

fn outcome<'a>(group: &'a [Case<'a>]) -> Outcome<'a> {
    match group.iter().find(|case| case.conditions.is_empty()) {
        Some(case) => Outcome::Return(case.verdict),
        None => Outcome::Check(group),
    }
}

/// Emits the search for the interval of the number in the accumulator.
fn emit_search(program: &mut Vec<Instruction>, intervals: &[Interval<'_>], filter: &Filter) {
    match intervals {
        [] => program.push(plain(RETURN, filter.default.0)),
        [one] => emit_outcome(program, one.outcome, filter),
        _ => {
            let (lower, upper) = intervals.split_at(intervals.len() / 2);
            let jump = program.len();
            program.push(plain(JUMP_NOT_LESS, upper[0].start));
            emit_search(program, lower, filter);
            skip_from_here(program, jump, Branch::Holds);
            emit_search(program, upper, filter);
        }
    }
}

/// Which way of a conditional jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Branch {
    Holds,
    Otherwise,
}

/// Makes one way of the jump at `jump` lead to the end of the program as it is now.
fn skip_from_here(program: &mut Vec<Instruction>, jump: usize, branch: Branch) {
    let distance = program.len() - jump - 1;
    let (short, other) = match u8::try_from(distance) {
        Ok(short) => (short, 0),
        Err(_) => {
            // The way that is taken falls onto an unconditional jump, the other one skips that.
            program.insert(jump + 1, plain(JUMP, u32::try_from(distance).unwrap_or(u32::MAX)));
            (0, 1)
        }
    };
    let one = &mut program[jump];
    (one.jt, one.jf) = if branch == Branch::Holds { (short, other) } else { (other, short) };
}

fn emit_outcome(program: &mut Vec<Instruction>, outcome: Outcome<'_>, filter: &Filter) {
    match outcome {
        Outcome::Return(verdict) => program.push(plain(RETURN, verdict.0)),
        Outcome::Check(cases) => {
            for case in cases {
                emit_case(program, case);
            }
            program.push(plain(RETURN, filter.default.0));
        }
    }
}

/// Emits the comparisons of one case and its verdict; when one fails, what follows is the next case.
fn emit_case(program: &mut Vec<Instruction>, case: &Case<'_>) {
    let comparisons: Vec<Vec<Step>> =
        case.conditions.iter().map(|condition| steps(condition, case.short)).collect();
    // At most six conditions of at most six steps, so every distance fits.
    let mut left: usize = comparisons.iter().map(Vec::len).sum();
    for comparison in &comparisons {
        for (index, step) in comparison.iter().enumerate() {
            left -= 1;
            let distance = |to: To| match to {
                To::Next => 0,
                To::Success => comparison.len() - index - 1,
                To::Failure => left + 1,
            };
            let fit = |to| u8::try_from(distance(to)).unwrap_or(u8::MAX);
            program.push(Instruction {
                code: step.code,
                jt: fit(step.holds),
                jf: fit(step.otherwise),
                k: step.k,
            });
        }
    }
    program.push(plain(RETURN, case.verdict.0));
}

/// Where a comparison goes on.
#[derive(Debug, Clone, Copy)]
enum To {
    Next,
    Success,
    Failure,
}

/// An instruction whose jumps are not laid out yet.
#[derive(Debug, Clone, Copy)]
struct Step {
    code: u16,
    k: u32,
    holds: To,
    otherwise: To,
}

impl Step {
    const fn straight(code: u16, k: u32) -> Self {
        Self { code, k, holds: To::Next, otherwise: To::Next }
    }

    const fn jump(code: u16, k: u32, holds: To, otherwise: To) -> Self {
        Self { code, k, holds, otherwise }
    }
}

/// Offsets of an argument's low and high halves in `struct seccomp_data`.
const fn halves(index: u8) -> (u32, u32) {
    let start = ARGUMENTS + 8 * index as u32;
    if cfg!(target_endian = "little") { (start, start + 4) } else { (start + 4, start) }
}

/// One comparison. Arguments are compared without sign, as the specification's examples and libseccomp do.
fn steps(condition: &Condition, short: bool) -> Vec<Step> {
    use To::{Failure, Next, Success};
    let (low_at, high_at) = halves(condition.index);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    let split = |value: u64| (value as u32, (value >> 32) as u32);
    let (low, high) = split(condition.value);
    let mut steps = Vec::with_capacity(6);
    if !short {
        steps.push(Step::straight(LOAD, high_at));
        match condition.comparison {
            Comparison::Equal => steps.push(Step::jump(JUMP_EQUAL, high, Next, Failure)),
            Comparison::NotEqual => steps.push(Step::jump(JUMP_EQUAL, high, Next, Success)),
            Comparison::Greater | Comparison::GreaterOrEqual => {
                steps.push(Step::jump(JUMP_GREATER, high, Success, Next));
                steps.push(Step::jump(JUMP_EQUAL, high, Next, Failure));
            }
            Comparison::Less | Comparison::LessOrEqual => {
                steps.push(Step::jump(JUMP_GREATER, high, Failure, Next));
                steps.push(Step::jump(JUMP_EQUAL, high, Next, Success));
            }
            Comparison::MaskedEqual { mask } => {
                steps.push(Step::straight(AND, split(mask).1));
                steps.push(Step::jump(JUMP_EQUAL, high, Next, Failure));
            }
        }
    }
    steps.push(Step::straight(LOAD, low_at));
    let last = match condition.comparison {
        Comparison::Equal => Step::jump(JUMP_EQUAL, low, Success, Failure),
        Comparison::NotEqual => Step::jump(JUMP_EQUAL, low, Failure, Success),
        Comparison::Greater => Step::jump(JUMP_GREATER, low, Success, Failure),
        Comparison::GreaterOrEqual => Step::jump(JUMP_NOT_LESS, low, Success, Failure),
        Comparison::Less => Step::jump(JUMP_NOT_LESS, low, Failure, Success),
        Comparison::LessOrEqual => Step::jump(JUMP_GREATER, low, Failure, Success),
        Comparison::MaskedEqual { mask } => {
            steps.push(Step::straight(AND, split(mask).0));
            Step::jump(JUMP_EQUAL, low, Success, Failure)
        }
    };
    steps.push(last);
    steps
}
