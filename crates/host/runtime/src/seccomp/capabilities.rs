//! A set of capabilities, as the conditions of profiles ask for it.

use crate::capability;

/// Capabilities by their numbers; of a container, its bounding set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CapabilitySet(u64);

impl CapabilitySet {
    /// The set of these names (`CAP_…`); unknown ones are passed over.
    #[must_use]
    pub fn from_names<S: AsRef<str>>(names: &[S]) -> Self {
        let numbers = names.iter().filter_map(|name| capability::number(name.as_ref()));
        Self(numbers.fold(0, |set, number| set | (1 << number)))
    }

    /// Whether a capability is in it, by its number.
    #[must_use]
    pub const fn has(self, number: u32) -> bool {
        number < 64 && self.0 & (1 << number) != 0
    }

    /// Whether a capability is in it, by its name.
    #[must_use]
    pub fn has_named(self, name: &str) -> bool {
        capability::number(name).is_some_and(|number| self.has(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_members() {
        let set = CapabilitySet::from_names(&["CAP_CHOWN", "CAP_BPF", "CAP_NONSENSE"]);
        assert!(set.has(0) && set.has(39) && !set.has(21) && !set.has(70));
        assert!(set.has_named("CAP_BPF") && !set.has_named("CAP_NONSENSE"));
    }
}
