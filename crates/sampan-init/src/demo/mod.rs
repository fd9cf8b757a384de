//! `hello`: a container that shows itself from inside.
//!
//! Every line is read here, from the kernel, by the process inside; the one thing that is told from outside is when
//! the user's command started (`SAMPAN_STARTED_AT`, nanoseconds of `CLOCK_BOOTTIME`). What cannot be read is left
//! out, so the page is shorter on a host that hides something, never wrong.

mod capability;
mod cgroup;
mod layout;
mod mounts;
mod network;
mod process;
mod route;
mod security;

use layout::{Row, Style};
use rustix::time::Timespec;
use std::io::Write;
use std::process::ExitCode;

/// Where `sampan run` leaves the time at which its own command started.
const STARTED_AT: &str = "SAMPAN_STARTED_AT";

/// Prints the page. `first_instruction` is the time since boot at which this program began.
pub(crate) fn main(first_instruction: Timespec) -> ExitCode {
    let mut rows = vec![process::identity(), process::host_name()];
    rows.extend(process::namespaces());
    rows.push(mounts::root_file_system());
    rows.extend(network::rows());
    rows.extend(cgroup::rows());
    rows.push(process::resource_limits());
    rows.extend(security::rows());
    let style = Style::of_standard_output();
    let mut page = layout::title(&headline(), style);
    page.push_str(&layout::table(&rows.into_iter().flatten().collect::<Vec<Row>>(), style));
    if let Some(text) = first_instruction_after(std::env::var(STARTED_AT).ok().as_deref(), first_instruction)
    {
        page.push('\n');
        page.push_str(&layout::closing(&text, style));
    }
    match std::io::stdout().write_all(page.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn headline() -> String {
    let kernel = rustix::system::uname();
    format!(
        "Hello from inside a container, on {} {} ({})",
        kernel.sysname().to_string_lossy(),
        kernel.release().to_string_lossy(),
        kernel.machine().to_string_lossy()
    )
}

/// The sentence about the start, or nothing when the time is missing, malformed or of another boot.
fn first_instruction_after(started_at: Option<&str>, first_instruction: Timespec) -> Option<String> {
    let started_ns: i128 = started_at?.trim().parse().ok()?;
    let first_ns =
        i128::from(first_instruction.tv_sec) * 1_000_000_000 + i128::from(first_instruction.tv_nsec);
    let elapsed_ns = u64::try_from(first_ns - started_ns).ok()?;
    // A day says that the clock is another machine's.
    if elapsed_ns > 86_400_000_000_000 {
        return None;
    }
    let tenths = elapsed_ns.div_ceil(100_000);
    Some(format!("First instruction {}.{} ms after you pressed return.", tenths / 10, tenths % 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, nanoseconds: i64) -> Timespec {
        Timespec { tv_sec: seconds, tv_nsec: nanoseconds }
    }

    #[test]
    fn the_start_is_told_in_tenths_of_a_millisecond_rounded_up() {
        let sentence = first_instruction_after(Some("5000000000"), at(5, 6_130_000));
        assert_eq!(sentence.as_deref(), Some("First instruction 6.2 ms after you pressed return."));
    }

    #[test]
    fn an_impossible_start_is_not_told() {
        assert_eq!(first_instruction_after(None, at(5, 0)), None);
        assert_eq!(first_instruction_after(Some("soon"), at(5, 0)), None);
        assert_eq!(first_instruction_after(Some("6000000000"), at(5, 0)), None);
        assert_eq!(first_instruction_after(Some("0"), at(200_000, 0)), None);
    }
}
