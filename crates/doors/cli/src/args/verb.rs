//! Verbs and groups of verbs as data.

use super::Typed;
use crate::context::Context;
use crate::failure::Failure;
use clap::Command;

/// One verb of the command line.
pub(crate) struct Verb {
    /// Its name.
    pub(crate) name: &'static str,
    /// All its spellings, as the help lists them.
    pub(crate) spellings: &'static [&'static str],
    /// What follows the name in the usage line.
    pub(crate) usage: &'static str,
    /// One sentence.
    pub(crate) about: &'static str,
    /// Adds the flags; called only when the verb is used.
    pub(crate) define: fn(Command) -> Command,
    /// Flags of Docker's that are not honoured.
    pub(crate) refused: &'static [Refused],
    /// How many arguments.
    pub(crate) arity: Arity,
    /// Carries it out; the number is the exit code.
    pub(crate) run: fn(&mut Context, &Typed) -> Result<u8, Failure>,
}

/// How many arguments a verb takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arity {
    /// None.
    None,
    /// So many.
    Exactly(usize),
    /// So many or more.
    AtLeast(usize),
    /// Up to so many.
    AtMost(usize),
    /// From so many to so many.
    Between(usize, usize),
    /// So many or more, and whatever follows the first is not looked at for flags.
    Trailing(usize),
}

/// A flag that Docker has and we do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Its long name.
    pub(crate) name: &'static str,
    /// Its short name, or `'\0'`.
    pub(crate) short: char,
    /// Why, or what to do.
    pub(crate) reason: &'static str,
}

/// A noun and its verbs.
pub(crate) struct Group {
    /// The noun.
    pub(crate) name: &'static str,
    /// One sentence.
    pub(crate) about: &'static str,
    /// Names inside the group and their verbs; aliases are further entries with `listed` false.
    pub(crate) verbs: &'static [GroupVerb],
}

/// A verb inside a group.
pub(crate) struct GroupVerb {
    /// Its name there.
    pub(crate) name: &'static str,
    /// The verb.
    pub(crate) verb: &'static Verb,
    /// Whether the help lists it.
    pub(crate) listed: bool,
}

/// A word that can follow the program's name.
#[derive(Clone, Copy)]
pub(crate) enum Entry {
    /// A verb.
    Verb(&'static Verb),
    /// A noun.
    Group(&'static Group),
}

impl Entry {
    /// The word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Verb(verb) => verb.name,
            Self::Group(group) => group.name,
        }
    }

    /// One sentence.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Verb(verb) => verb.about,
            Self::Group(group) => group.about,
        }
    }
}
