//! Architectures whose calls a filter can tell apart.

use super::CompileError;

/// One calling convention of the kernel. The order is that of the columns of the number table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    /// 64-bit x86.
    X86_64,
    /// 32-bit x86.
    X86,
    /// x86-64 with 32-bit pointers; shares [`Arch::X86_64`]'s token and marks its numbers with a bit.
    X32,
    /// 64-bit Arm.
    Aarch64,
    /// 32-bit Arm.
    Arm,
}

/// `__X32_SYSCALL_BIT` of asm/unistd.h.
pub(super) const X32_BIT: u32 = 0x4000_0000;

impl Arch {
    const ALL: [Self; 5] = [Self::X86_64, Self::X86, Self::X32, Self::Aarch64, Self::Arm];

    /// What this program runs on.
    pub const NATIVE: Self = if cfg!(target_arch = "aarch64") { Self::Aarch64 } else { Self::X86_64 };

    /// The runtime specification's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "SCMP_ARCH_X86_64",
            Self::X86 => "SCMP_ARCH_X86",
            Self::X32 => "SCMP_ARCH_X32",
            Self::Aarch64 => "SCMP_ARCH_AARCH64",
            Self::Arm => "SCMP_ARCH_ARM",
        }
    }

    /// The name in the conditions of Docker's profiles.
    #[must_use]
    pub const fn docker_name(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::X86 => "x86",
            Self::X32 => "x32",
            Self::Aarch64 => "arm64",
            Self::Arm => "arm",
        }
    }

    /// `AUDIT_ARCH_…` of linux/audit.h.
    pub(super) const fn token(self) -> u32 {
        match self {
            Self::X86_64 | Self::X32 => 0xc000_003e,
            Self::X86 => 0x4000_0003,
            Self::Aarch64 => 0xc000_00b7,
            Self::Arm => 0x4000_0028,
        }
    }

    /// Whether arguments are compared by their low halves: the registers are that wide, or, of x32, meant so.
    pub(super) const fn has_short_arguments(self) -> bool {
        matches!(self, Self::X86 | Self::X32 | Self::Arm)
    }

    /// What is added to the numbers of the table.
    pub(super) const fn base(self) -> u32 {
        if matches!(self, Self::X32) { X32_BIT } else { 0 }
    }

    /// Where the numbers of the ordinary table end: Arm has private calls far above (`__ARM_NR_BASE`).
    pub(super) const fn table_end(self) -> u32 {
        0xf_0000
    }

    pub(super) const fn column(self) -> usize {
        self as usize
    }

    /// Which others the same kernel runs.
    #[must_use]
    pub const fn companions(self) -> &'static [Self] {
        match self {
            Self::X86_64 => &[Self::X86, Self::X32],
            Self::Aarch64 => &[Self::Arm],
            Self::X86 | Self::X32 | Self::Arm => &[],
        }
    }

    /// The architectures that a kernel of `native` can run, of those named; native always. One that it cannot run
    /// needs no filter.
    pub(super) fn select(native: Self, names: &[String]) -> Result<Vec<Self>, CompileError> {
        let mut selected = vec![native];
        for name in names {
            match Self::ALL.into_iter().find(|arch| arch.name() == name) {
                Some(arch) if native.companions().contains(&arch) && !selected.contains(&arch) => {
                    selected.push(arch);
                }
                Some(_) => {}
                None if is_foreign(name) => {}
                None => return Err(CompileError::Architecture { name: name.clone() }),
            }
        }
        Ok(selected)
    }
}

/// Whether the runtime specification knows an architecture that this program is never built for
/// (config-linux.md, "Seccomp").
fn is_foreign(name: &str) -> bool {
    const FOREIGN: [&str; 18] = [
        "LOONGARCH64",
        "M68K",
        "MIPS",
        "MIPS64",
        "MIPS64N32",
        "MIPSEL",
        "MIPSEL64",
        "MIPSEL64N32",
        "PARISC",
        "PARISC64",
        "PPC",
        "PPC64",
        "PPC64LE",
        "RISCV64",
        "S390",
        "S390X",
        "SH",
        "SHEB",
    ];
    name.strip_prefix("SCMP_ARCH_").is_some_and(|rest| FOREIGN.contains(&rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_kernel_runs_is_selected() {
        let names =
            ["SCMP_ARCH_S390X", "SCMP_ARCH_X86", "SCMP_ARCH_ARM", "SCMP_ARCH_X86_64", "SCMP_ARCH_X86"];
        let names = names.map(str::to_owned);
        assert_eq!(Arch::select(Arch::X86_64, &names).unwrap(), [Arch::X86_64, Arch::X86]);
        assert_eq!(Arch::select(Arch::Aarch64, &names).unwrap(), [Arch::Aarch64, Arch::Arm]);
        assert!(Arch::select(Arch::X86_64, &["SCMP_ARCH_Z80".to_owned()]).is_err());
    }

    #[test]
    fn columns_are_the_order() {
        assert_eq!(Arch::ALL.map(Arch::column), [0, 1, 2, 3, 4]);
    }
}
