//! A test body in namespaces of its own.
//!
//! The test program runs itself again for one test under unshare(1): with a pid namespace, so that every process the
//! test starts can be counted and ends with it; with a mount namespace, so that every mount can; and with a network
//! namespace, so that links, rules and ports are the test's own. The body then runs in that second process.

use crate::invocation::Invocation;
use crate::sampan::Sampan;
use crate::{census, paths};
use std::path::Path;
use std::time::Duration;

/// Set in the inner process: the name of the one test it runs.
const INSIDE: &str = "SAMPAN_TEST_INSIDE";
/// Set in the inner process: the test's own directory, which the outer one removes.
const DIRECTORY: &str = "SAMPAN_TEST_DIRECTORY";
/// How long one test may take.
const TIME_LIMIT: Duration = Duration::from_secs(180);
const LONG_TIME_LIMIT: Duration = Duration::from_secs(3600);

/// Runs `body` with an instance of its own and requires that nothing is left when it is done.
///
/// # Panics
/// When the body does, when it outlasts three minutes, or when something is left behind; with the whole output.
pub fn isolated<F: FnOnce(&Sampan)>(body: F) {
    isolated_within(crate::patience::stretched(TIME_LIMIT), body);
}

/// As [`isolated`], for tests of the long tier.
///
/// # Panics
/// As [`isolated`], after an hour.
pub fn isolated_long<F: FnOnce(&Sampan)>(body: F) {
    isolated_within(LONG_TIME_LIMIT, body);
}

fn isolated_within<F: FnOnce(&Sampan)>(limit: Duration, body: F) {
    let name = test_name::<F>();
    if std::env::var_os(INSIDE).is_some_and(|inside| inside == name) {
        inside(body);
    } else {
        outside(name, limit);
    }
}

/// The test's name as libtest knows it, from the type of its closure: `suite::run::codes::{{closure}}`.
fn test_name<F>() -> &'static str {
    let closure = std::any::type_name::<F>();
    let function = closure.strip_suffix("::{{closure}}").unwrap_or(closure);
    function.split_once("::").map_or(function, |(_, name)| name)
}

fn inside<F: FnOnce(&Sampan)>(body: F) {
    let directory = std::env::var_os(DIRECTORY).unwrap();
    let sampan = Sampan::new(Path::new(&directory), paths::program());
    body(&sampan);
    sampan.require_nothing_left();
}

fn outside(name: &str, limit: Duration) {
    assert!(rustix::process::geteuid().is_root(), "the black-box suite needs root");
    // Short: the paths of sockets below it must fit into 108 bytes.
    let directory = tempfile::Builder::new().prefix("sp-").tempdir_in("/tmp").unwrap();
    // A new network namespace has its loopback down. The shell stays as pid 1 and reaps what the test orphans.
    let script = r#"ip link set lo up && "$0" "$@"; exit $?"#;
    let test_program = std::env::current_exe().unwrap();
    let unshare =
        ["--pid", "--fork", "--kill-child", "--mount-proc", "--mount", "--net", "--", "sh", "-c", script];
    let libtest = [name, "--exact", "--nocapture", "--include-ignored", "--test-threads=1"];
    let outcome = Invocation::new(
        "unshare",
        unshare.iter().map(Path::new).chain([test_program.as_path()]).chain(libtest.iter().map(Path::new)),
    )
    .env(INSIDE, name)
    .env(DIRECTORY, directory.path())
    .limit(limit)
    .run();
    let left = census::cgroup::remove_of_instance(&directory.path().join("data"));
    // Shown by libtest only when the test fails.
    println!("{}{}", outcome.stdout(), outcome.stderr());
    assert!(outcome.code() == 0, "{name} failed inside its namespaces (exit code {})", outcome.code());
    assert!(left.is_empty(), "control groups left behind: {left:?}");
    assert!(outcome.stdout().contains("1 passed"), "{name} did not run inside its namespaces");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of<F: FnOnce()>(_: F) -> &'static str {
        test_name::<F>()
    }

    #[test]
    fn a_test_knows_its_own_name() {
        assert_eq!(name_of(|| {}), "isolation::tests::a_test_knows_its_own_name");
    }
}
