//! eBPF programs that guard device access of cgroup v2 groups (bpf(2), `BPF_PROG_TYPE_CGROUP_DEVICE`).
//!
//! Called by `cgroup`, which turns device rules into instructions. This module encodes the few instructions that
//! takes, loads a program and attaches it. The kernel's verifier checks what is loaded, so no sequence of
//! instructions is unsafe to pass; a program stays attached until it is replaced or its group is removed.

use rustix::io::Errno;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// `BPF_PROG_LOAD` and its neighbours in `enum bpf_cmd` (linux/bpf.h).
const PROG_LOAD: libc::c_int = 5;
const PROG_ATTACH: libc::c_int = 8;
const PROG_DETACH: libc::c_int = 9;
const PROG_GET_FD_BY_ID: libc::c_int = 13;
const PROG_QUERY: libc::c_int = 16;
/// `BPF_PROG_TYPE_CGROUP_DEVICE`.
const TYPE_CGROUP_DEVICE: u32 = 15;
/// `BPF_CGROUP_DEVICE` of `enum bpf_attach_type`.
const ATTACH_CGROUP_DEVICE: u32 = 6;
/// `BPF_F_ALLOW_MULTI`: programs of the groups above stay in force.
const ALLOW_MULTI: u32 = 2;
/// `BPF_F_REPLACE`: in the place of `replace_bpf_fd`, in one step.
const REPLACE: u32 = 4;
/// The kernel attaches at most 64 programs to one group (`BPF_CGROUP_MAX_PROGS`).
const ATTACHED_MAX: usize = 64;

/// A register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Register {
    /// The result.
    R0 = 0,
    /// The context, on entry.
    R1 = 1,
    /// Scratch.
    R2 = 2,
    /// Scratch.
    R3 = 3,
    /// Scratch.
    R4 = 4,
    /// Scratch.
    R5 = 5,
}

/// One instruction, `struct bpf_insn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// Class, operation and source.
    pub code: u8,
    /// Destination in the low half, source in the high half.
    pub registers: u8,
    /// Of a jump (from the next instruction) or of memory.
    pub offset: i16,
    /// Constant operand.
    pub immediate: i32,
}

impl Instruction {
    const fn new(code: u8, to: Register, from: Register, offset: i16, immediate: i32) -> Self {
        // The bit fields dst_reg and src_reg change places with the byte order.
        let registers = if cfg!(target_endian = "little") {
            (to as u8) | ((from as u8) << 4)
        } else {
            ((to as u8) << 4) | (from as u8)
        };
        Self { code, registers, offset, immediate }
    }

    /// `BPF_LDX | BPF_MEM | BPF_W`: the 32-bit word at `offset` of the context in [`Register::R1`], zero extended.
    #[must_use]
    pub const fn load_context(to: Register, offset: i16) -> Self {
        Self::new(0x61, to, Register::R1, offset, 0)
    }

    /// `BPF_ALU64 | BPF_MOV | BPF_X`.
    #[must_use]
    pub const fn copy(to: Register, from: Register) -> Self {
        Self::new(0xbf, to, from, 0, 0)
    }

    /// `BPF_ALU64 | BPF_MOV | BPF_K`.
    #[must_use]
    pub const fn set(to: Register, value: i32) -> Self {
        Self::new(0xb7, to, Register::R0, 0, value)
    }

    /// `BPF_ALU64 | BPF_AND | BPF_K`.
    #[must_use]
    pub const fn and(to: Register, mask: i32) -> Self {
        Self::new(0x57, to, Register::R0, 0, mask)
    }

    /// `BPF_ALU64 | BPF_RSH | BPF_K`.
    #[must_use]
    pub const fn shift_right(to: Register, bits: i32) -> Self {
        Self::new(0x77, to, Register::R0, 0, bits)
    }

    /// `BPF_JMP32 | BPF_JNE | BPF_K`: skips `count` instructions unless the low half is `value`.
    #[must_use]
    pub const fn skip_unless_equal(register: Register, value: u32, count: i16) -> Self {
        Self::new(0x56, register, Register::R0, count, value.cast_signed())
    }

    /// `BPF_JMP32 | BPF_JEQ | BPF_K`: skips `count` instructions if the low half is `value`.
    #[must_use]
    pub const fn skip_if_equal(register: Register, value: u32, count: i16) -> Self {
        Self::new(0x16, register, Register::R0, count, value.cast_signed())
    }

    /// `BPF_JMP | BPF_EXIT`.
    #[must_use]
    pub const fn exit() -> Self {
        Self::new(0x95, Register::R0, Register::R0, 0, 0)
    }
}

/// The head of `union bpf_attr` for `BPF_PROG_LOAD`.
#[repr(C)]
struct LoadAttributes {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
}

/// The head of `union bpf_attr` for `BPF_PROG_ATTACH` and `BPF_PROG_DETACH`.
#[repr(C)]
struct AttachAttributes {
    target_fd: RawFd,
    attach_bpf_fd: RawFd,
    attach_type: u32,
    attach_flags: u32,
    replace_bpf_fd: RawFd,
}

/// The head of `union bpf_attr` for `BPF_PROG_QUERY`.
#[repr(C)]
struct QueryAttributes {
    target_fd: RawFd,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    prog_ids: u64,
    prog_cnt: u32,
    padding: u32,
}

/// The head of `union bpf_attr` for `BPF_PROG_GET_FD_BY_ID`.
#[repr(C)]
struct IdAttributes {
    prog_id: u32,
    next_id: u32,
    open_flags: u32,
}

/// Calls bpf(2).
///
/// # Safety
/// `T` is the head of `union bpf_attr` for `command`, without uninitialised padding, and every address in it is
/// valid for what the command does with it.
unsafe fn call<T>(command: libc::c_int, attributes: &mut T) -> rustix::io::Result<libc::c_int> {
    // SAFETY: the pointer and the size are those of a live exclusive reference; the kernel takes missing fields for
    // zero. The caller vouches for the addresses inside.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attributes), size_of::<T>() as libc::c_uint)
    };
    match libc::c_int::try_from(result) {
        Ok(value) if value >= 0 => Ok(value),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL)),
    }
}

/// Takes a descriptor that bpf(2) just returned.
fn owned(fd: libc::c_int) -> OwnedFd {
    // SAFETY: the caller got it from a successful call that returns a new descriptor, and uses it only here.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Loads a device program; it returns 1 to allow an access and 0 to refuse it (`struct bpf_cgroup_dev_ctx`).
///
/// # Errors
/// Whatever bpf(2) reports: `PERM` without CAP_BPF, `INVAL` or `ACCESS` for a program that the verifier refuses.
pub fn load_device_program(program: &[Instruction]) -> rustix::io::Result<OwnedFd> {
    let license = c"Apache-2.0";
    let mut prog_name = [0; 16];
    prog_name[..14].copy_from_slice(b"sampan_devices");
    let mut attributes = LoadAttributes {
        prog_type: TYPE_CGROUP_DEVICE,
        insn_cnt: u32::try_from(program.len()).map_err(|_| Errno::TOOBIG)?,
        insns: program.as_ptr() as u64,
        license: license.as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log_buf: 0,
        kern_version: 0,
        prog_flags: 0,
        prog_name,
    };
    // SAFETY: insns and license point to live data of the stated length that the kernel only reads; no log is asked.
    unsafe { call(PROG_LOAD, &mut attributes) }.map(owned)
}

/// Attaches a device program to a group, beside whatever is attached there.
///
/// # Errors
/// Whatever bpf(2) reports; `BADF` when `group` is not a cgroup v2 directory.
pub fn attach_device_program(group: BorrowedFd<'_>, program: BorrowedFd<'_>) -> rustix::io::Result<()> {
    attach(group, program, ALLOW_MULTI, -1)
}

/// Puts a device program in the place of another in one step, so that no access goes unchecked.
///
/// # Errors
/// Whatever bpf(2) reports; `NOENT` when `old` is not attached there.
pub fn replace_device_program(
    group: BorrowedFd<'_>,
    old: BorrowedFd<'_>,
    new: BorrowedFd<'_>,
) -> rustix::io::Result<()> {
    attach(group, new, ALLOW_MULTI | REPLACE, old.as_raw_fd())
}

fn attach(
    group: BorrowedFd<'_>,
    program: BorrowedFd<'_>,
    flags: u32,
    replaced: RawFd,
) -> rustix::io::Result<()> {
    let mut attributes = AttachAttributes {
        target_fd: group.as_raw_fd(),
        attach_bpf_fd: program.as_raw_fd(),
        attach_type: ATTACH_CGROUP_DEVICE,
        attach_flags: flags,
        replace_bpf_fd: if flags & REPLACE == 0 { 0 } else { replaced },
    };
    // SAFETY: there are no addresses in it, and the descriptors are borrowed for the call.
    unsafe { call(PROG_ATTACH, &mut attributes) }.map(drop)
}

/// Detaches a device program from a group.
///
/// # Errors
/// Whatever bpf(2) reports; `NOENT` when it is not attached there.
pub fn detach_device_program(group: BorrowedFd<'_>, program: BorrowedFd<'_>) -> rustix::io::Result<()> {
    let mut attributes = AttachAttributes {
        target_fd: group.as_raw_fd(),
        attach_bpf_fd: program.as_raw_fd(),
        attach_type: ATTACH_CGROUP_DEVICE,
        attach_flags: 0,
        replace_bpf_fd: 0,
    };
    // SAFETY: there are no addresses in it, and the descriptors are borrowed for the call.
    unsafe { call(PROG_DETACH, &mut attributes) }.map(drop)
}

/// The device programs that are attached to a group itself, in the order in which they were.
///
/// # Errors
/// Whatever bpf(2) reports; `PERM` without CAP_SYS_ADMIN.
pub fn attached_device_programs(group: BorrowedFd<'_>) -> rustix::io::Result<Vec<OwnedFd>> {
    let mut ids = [0u32; ATTACHED_MAX];
    let mut attributes = QueryAttributes {
        target_fd: group.as_fd().as_raw_fd(),
        attach_type: ATTACH_CGROUP_DEVICE,
        query_flags: 0,
        attach_flags: 0,
        prog_ids: ids.as_mut_ptr() as u64,
        prog_cnt: ATTACHED_MAX as u32,
        padding: 0,
    };
    // SAFETY: prog_ids points to exclusively borrowed room for prog_cnt numbers.
    unsafe { call(PROG_QUERY, &mut attributes) }?;
    let found = ids.get(..attributes.prog_cnt as usize).ok_or(Errno::NOSPC)?;
    let mut programs = Vec::with_capacity(found.len());
    for id in found {
        let mut attributes = IdAttributes { prog_id: *id, next_id: 0, open_flags: 0 };
        // SAFETY: there are no addresses in it.
        match unsafe { call(PROG_GET_FD_BY_ID, &mut attributes) } {
            Ok(fd) => programs.push(owned(fd)),
            // Gone in between.
            Err(Errno::NOENT) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_encoded_as_the_kernel_reads_them() {
        let bytes = |one: Instruction| (one.code, one.registers, one.offset, one.immediate);
        assert_eq!(size_of::<Instruction>(), 8);
        if cfg!(target_endian = "little") {
            assert_eq!(bytes(Instruction::load_context(Register::R4, 8)), (0x61, 0x14, 8, 0));
            assert_eq!(bytes(Instruction::copy(Register::R5, Register::R3)), (0xbf, 0x35, 0, 0));
        }
        assert_eq!(bytes(Instruction::skip_unless_equal(Register::R2, u32::MAX, 3)), (0x56, 2, 3, -1));
        assert_eq!(bytes(Instruction::exit()), (0x95, 0, 0, 0));
    }

    #[test]
    fn a_program_loads_and_a_broken_one_does_not() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: needs root");
            return;
        }
        let allow = [Instruction::set(Register::R0, 1), Instruction::exit()];
        load_device_program(&allow).unwrap();
        assert!(load_device_program(&allow[..1]).is_err());
        assert!(load_device_program(&[]).is_err());
    }
}
