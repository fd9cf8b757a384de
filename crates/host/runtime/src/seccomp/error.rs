//! Why a seccomp document cannot become a program.

/// A seccomp section of the runtime specification cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// No such architecture.
    #[error("unknown seccomp architecture {name:?}")]
    Architecture {
        /// As it came.
        name: String,
    },
    /// No such action.
    #[error("unknown seccomp action {name:?}")]
    Action {
        /// As it came.
        name: String,
    },
    /// No such comparison.
    #[error("unknown seccomp operator {name:?} for {call}")]
    Operator {
        /// As it came.
        name: String,
        /// The first call of the rule.
        call: String,
    },
    /// No such flag.
    #[error("unknown seccomp flag {name:?}")]
    Flag {
        /// As it came.
        name: String,
    },
    /// A call has six arguments.
    #[error("seccomp rule for {call} compares argument {index}; there are 0 to 5")]
    Argument {
        /// As it came.
        index: u32,
        /// The first call of the rule.
        call: String,
    },
    /// The kernel passes on errnos to 4095.
    #[error("seccomp errno {errno} is larger than 4095")]
    Errno {
        /// As it came.
        errno: u32,
    },
    /// A rule without calls.
    #[error("a seccomp rule names no system call")]
    NoNames,
    /// The default action leaves the decision to an agent.
    #[error("SCMP_ACT_NOTIFY cannot be the default action, since the agent could not be reached")]
    NotifyByDefault,
    /// There is nobody to notify.
    #[error("SCMP_ACT_NOTIFY needs listenerPath")]
    NoListener,
    /// There are too many rules.
    #[error("the seccomp filter has {count} {what}; at most {max} are possible")]
    TooLarge {
        /// How many.
        count: usize,
        /// Of what.
        what: &'static str,
        /// At the most.
        max: usize,
    },
}

/// Bytes are not those of a compiled program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cached seccomp program is not usable: {problem}")]
pub struct CacheError {
    /// In words.
    pub problem: &'static str,
}
