//! Attacks, each shown to be one: on the sound runtime it fails, and on a runtime that is weakened for precisely its
//! class (`runtime::weakness`, feature `weakened`) it succeeds.
//!
//! `cargo test -p runtime --test launch` runs the first half. `cargo test -p runtime --features weakened --test
//! launch` runs both, in namespaces of their own, and requires that every weakness was tried.

mod accounts;
mod devices;
mod kernel_files;
mod mountinfo;
mod places;
mod process;
mod racer;

use crate::Test;
use crate::container::Container;
use std::path::PathBuf;

pub(crate) use racer::exchange;

/// Requires that the attack, an expression that says whether it succeeded, fails, and that it succeeds without these
/// defences.
macro_rules! shown {
    ([$($weakness:ident),+], $attack:expr) => {{
        assert!(!$attack, "the attack succeeded");
        #[cfg(feature = "weakened")]
        {
            use runtime::weakness::{Weakness, with};
            let succeeded = with(&[$(Weakness::$weakness),+], || $attack);
            assert!(succeeded, "this is no attack: it fails even without {:?}", stringify!($($weakness)+));
        }
    }};
}
pub(crate) use shown;

/// How often an attack that needs luck is tried, on a build that is not weakened.
const ATTEMPTS: usize = 60;
/// And where it has to succeed, which it does within a few.
#[cfg(feature = "weakened")]
const ATTEMPTS_MAX: usize = 1000;

/// Tries an attack that needs luck until it succeeds; one that does not by then does not succeed.
pub(crate) fn tries(mut attack: impl FnMut() -> bool) -> bool {
    #[cfg(feature = "weakened")]
    let attempts = if runtime::weakness::is_any() { ATTEMPTS_MAX } else { ATTEMPTS / 6 };
    #[cfg(not(feature = "weakened"))]
    let attempts = ATTEMPTS;
    (0..attempts).any(|_| attack())
}

pub(crate) fn tests() -> Vec<Test> {
    [accounts::TESTS, devices::TESTS, kernel_files::TESTS, places::TESTS, process::TESTS].concat()
}

/// A directory of the host's, with a file in it, that no container is given.
pub(crate) fn outside(container: &Container) -> PathBuf {
    let outside = container.directory.path().join("outside");
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::write(outside.join("secret"), SECRET).unwrap();
    outside
}

pub(crate) const SECRET: &str = "the host's\n";

/// Whether something was made there or changed.
pub(crate) fn was_touched(outside: &std::path::Path) -> bool {
    let names = std::fs::read_dir(outside).unwrap().count();
    names != 1 || std::fs::read_to_string(outside.join("secret")).unwrap() != SECRET
}
