#!/usr/bin/env python3
"""What libseccomp makes of random filters, fed to it as runc does: one JSON document per line.

    libseccomp.py SEED CASES PROBES

Needs libseccomp.so.2 (2.5 or newer) on x86-64. Each line has a filter in the runtime specification's form and
probes [architecture, number, six arguments, result]. `libseccomp.rs` beside this file compares.
"""

import ctypes
import json
import os
import random
import struct
import sys
import tempfile

ARCHES = {
    "SCMP_ARCH_X86_64": 0xC000003E,
    "SCMP_ARCH_X86": 0x40000003,
    "SCMP_ARCH_X32": 0x4000003E,
    "SCMP_ARCH_AARCH64": 0xC00000B7,
    "SCMP_ARCH_ARM": 0x40000028,
}
FAMILIES = [
    ("SCMP_ARCH_X86_64", ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]),
    ("SCMP_ARCH_AARCH64", ["SCMP_ARCH_ARM"]),
]
X32_BIT = 0x40000000
OPERATORS = ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"]
NAMES = """read write open close stat mmap mmap2 mprotect brk ioctl readv writev access pipe select sched_yield dup2
pause nanosleep getpid sendfile socket connect accept accept4 sendto recvfrom sendmsg recvmsg shutdown bind listen
getsockname socketpair setsockopt getsockopt recvmmsg sendmmsg socketcall ipc semget semop semctl shmat shmget msgget
msgsnd clone fork vfork execve exit wait4 kill uname fcntl fcntl64 truncate64 chmod chown chown32 umask gettimeofday
getrlimit ugetrlimit ptrace getuid getuid32 syslog setuid32 personality statfs64 prctl arch_prctl modify_ldt mount
umount2 reboot gettid futex futex_time64 set_thread_area epoll_wait openat newfstatat fstatat64 unshare splice tee
cacheflush set_tls getrandom execveat statx openat2 clone3 pidfd_getfd no_such_call""".split()

# Numbers of their own on 32-bit x86, which libseccomp's resolver hides behind those of socketcall and ipc.
DIRECT = {
    "socket": 359, "socketpair": 360, "bind": 361, "connect": 362, "listen": 363, "accept4": 364, "getsockopt": 365,
    "setsockopt": 366, "getsockname": 367, "sendto": 369, "sendmsg": 370, "recvfrom": 371, "recvmsg": 372,
    "shutdown": 373, "recvmmsg": 337, "sendmmsg": 345, "semget": 393, "semctl": 394, "shmget": 395, "shmat": 397,
    "msgget": 399, "msgsnd": 400,
}

ALLOW, LOG, TRACE = 0x7FFF0000, 0x7FFC0000, 0x7FF00000
ENOSYS = 0x00050026

library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
library.seccomp_init.restype = ctypes.c_void_p


class Comparison(ctypes.Structure):
    _fields_ = [
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    ]


library.seccomp_rule_add_array.argtypes = [
    ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(Comparison)]
for name in ("seccomp_arch_add", "seccomp_arch_remove"):
    getattr(library, name).argtypes = [ctypes.c_void_p, ctypes.c_uint32]
library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
library.seccomp_release.argtypes = [ctypes.c_void_p]


def value(action, errno):
    return {
        "SCMP_ACT_ALLOW": ALLOW,
        "SCMP_ACT_ERRNO": 0x00050000 | (1 if errno is None else errno),
        "SCMP_ACT_KILL_PROCESS": 0x80000000,
        "SCMP_ACT_KILL": 0,
        "SCMP_ACT_TRAP": 0x00030000,
        "SCMP_ACT_LOG": LOG,
    }[action]


def build(document, native):
    """The program of libseccomp, as runc asks for it."""
    default = value(document["defaultAction"], document.get("defaultErrnoRet"))
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(default)))
    for arch in document["architectures"]:
        library.seccomp_arch_add(context, ARCHES[arch])
    if native != "SCMP_ARCH_X86_64":
        library.seccomp_arch_add(context, ARCHES[native])
        library.seccomp_arch_remove(context, ARCHES["SCMP_ARCH_X86_64"])
    for rule in document["syscalls"]:
        action = value(rule["action"], rule.get("errnoRet"))
        if action == default:
            continue
        args = [Comparison(a["index"], 1 + OPERATORS.index(a["op"][9:]), a["value"], a["valueTwo"])
                for a in rule["args"]]
        repeated = len({a.arg for a in args}) < len(args)
        for one in rule["names"]:
            number = library.seccomp_syscall_resolve_name(one.encode())
            if number == -1:
                continue
            for group in [[a] for a in args] if repeated else [args]:
                array = (Comparison * max(1, len(group)))(*group)
                # A rule that is there already is no error; runc passes over it too.
                library.seccomp_rule_add_array(context, action, number, len(group), array)
    with tempfile.TemporaryFile() as file:
        assert library.seccomp_export_bpf(context, file.fileno()) == 0
        file.seek(0)
        code = file.read()
    library.seccomp_release(context)
    return list(struct.iter_unpack("=HBBI", code)), default


def run(program, arch, number, args):
    """Classic BPF. None when the number was never looked at: libseccomp 2.5 leaves the load out of some programs."""
    looked = False
    data = struct.pack("=IIQ6Q", number, arch, 0, *args)
    accumulator = at = 0
    while True:
        code, jt, jf, k = program[at]
        at += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, k)
            looked = looked or k == 0
        elif code == 0x54:
            accumulator &= k
        elif code == 0x05:
            at += k
        elif code in (0x15, 0x25, 0x35):
            holds = {0x15: accumulator == k, 0x25: accumulator > k, 0x35: accumulator >= k}[code]
            at += jt if holds else jf
        elif code == 0x06:
            return k if looked else None
        else:
            raise ValueError(hex(code))


def resolve(arch, one):
    if arch == "SCMP_ARCH_X86" and one in DIRECT:
        return DIRECT[one]
    number = library.seccomp_syscall_resolve_name_arch(ctypes.c_uint32(ARCHES[arch]), one.encode())
    return number if number >= 0 else None


def newest(document, arch):
    """The highest number that the filter names: runc puts a stub in front that answers ENOSYS beyond it. Arm's private
    calls far above do not count for us."""
    numbers = {resolve(arch, one) for rule in document["syscalls"] for one in rule["names"]} - {None}
    ordinary = [n for n in numbers if arch != "SCMP_ARCH_ARM" or n < 0xF0000]
    return max(ordinary, default=None)


def random_value(dice):
    return dice.choice([dice.randrange(4), 0xFFFFFFFF, 1 << 32, (1 << 32) + 2, (1 << 64) - 1, dice.getrandbits(64)])


def random_rule(dice, used):
    names = [one for one in dice.sample(NAMES, dice.randrange(1, 8)) if one not in used]
    action, errno = random_action(dice)
    args = []
    for _ in range(dice.choice([0, 0, 1, 1, 2, 3])):
        op = dice.choice(OPERATORS)
        first, second = random_value(dice), random_value(dice)
        # libseccomp clears the unmasked bits of the value; the specification does not say so.
        args.append({"index": dice.randrange(3), "value": first,
                     "valueTwo": second & first if op == "MASKED_EQ" else 0, "op": "SCMP_CMP_" + op})
    if args:
        # libseccomp compares the arguments of socketcall and ipc themselves, which are others than the rule's.
        names = [one for one in names if one not in DIRECT and one not in ("accept", "semop")]
    if len({one["index"] for one in args}) < len(args):
        # libseccomp 2.5 errs where two inequalities of one argument share a tree.
        for one in args:
            one["op"], one["valueTwo"] = "SCMP_CMP_EQ", 0
    return {"names": names, "action": action, "errnoRet": errno, "args": args}


def random_action(dice):
    action = dice.choice(["ALLOW", "ERRNO", "ERRNO", "KILL", "KILL_PROCESS", "TRAP", "LOG"])
    return "SCMP_ACT_" + action, dice.randrange(1, 40) if action == "ERRNO" else None


def random_case(dice, probes):
    native, others = dice.choice(FAMILIES)
    default, errno = random_action(dice)
    document = {
        "defaultAction": default,
        "defaultErrnoRet": errno,
        "architectures": dice.sample(others, dice.randrange(len(others) + 1)),
        "syscalls": [],
    }
    # Calls of rules before, with their verdicts. Where verdicts differ, libseccomp's answer hangs on details of its
    # tree; where inequalities of two rules share one, it errs.
    used = {}
    for _ in range(dice.randrange(1, 10)):
        rule = random_rule(dice, ())
        verdict = (value(rule["action"], rule["errnoRet"]), bool(rule["args"]) and len(document["syscalls"]))
        rule["names"] = [one for one in rule["names"] if used.setdefault(one, verdict) == verdict]
        if rule["names"]:
            document["syscalls"].append(rule)
    program, default = build(document, native)
    arches = [native] + document["architectures"]
    known = {arch: newest(document, arch) for arch in arches}
    results = []
    for _ in range(probes):
        arch = dice.choice(arches)
        number = resolve(arch, dice.choice(NAMES))
        if number is None:
            continue
        number += dice.choice([0, 0, 0, 1])
        args = [random_value(dice) for _ in range(3)] + [0, 0, 0]
        result = run(program, ARCHES[arch] | 0x80000000 if arch == "SCMP_ARCH_X32" else ARCHES[arch], number, args)
        if result is None:
            continue
        last = known[arch]
        private = arch == "SCMP_ARCH_ARM" and number >= 0xF0000
        if default not in (ALLOW, LOG) and last is not None and number > last and not private:
            result = ENOSYS
        results.append([arch, number, args, result])
    return {"native": native, "seccomp": document, "probes": results}


def main():
    seed, cases, probes = (int(one) for one in sys.argv[1:])
    dice = random.Random(seed)
    for _ in range(cases):
        print(json.dumps(random_case(dice, probes), separators=(",", ":")))


if __name__ == "__main__":
    main()
