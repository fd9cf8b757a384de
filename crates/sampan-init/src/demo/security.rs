//! What this process may do: capabilities, seccomp, no_new_privs (`/proc/self/status`, proc_pid_status(5)).

use super::capability;
use super::layout::Row;

pub(super) fn rows() -> Vec<Option<Row>> {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return Vec::new() };
    let last = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap").ok();
    let known = last.and_then(|text| text.trim().parse::<u32>().ok()).map(|last| last + 1);
    let row = |label, text: Option<String>| text.map(|text| Row::new(label, text));
    vec![
        row("capabilities", capabilities(&status, known)),
        row("seccomp", seccomp(&status)),
        row("new privileges", new_privileges(&status)),
    ]
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// `known` is how many capabilities this kernel has.
fn capabilities(status: &str, known: Option<u32>) -> Option<String> {
    let set = u64::from_str_radix(field(status, "CapEff")?, 16).ok()?;
    let known = known.unwrap_or(capability::NAMES.len() as u32);
    Some(match set.count_ones() {
        0 => format!("none of {known}"),
        count if count == known => format!("all {known}"),
        count => format!("{count} of {known}: {}", capability::names(set).join(" ")),
    })
}

fn seccomp(status: &str) -> Option<String> {
    Some(match field(status, "Seccomp")? {
        "0" => String::from("off"),
        "1" => String::from("strict"),
        "2" => match field(status, "Seccomp_filters") {
            Some("1") => String::from("filtering, 1 filter"),
            Some(count) => format!("filtering, {count} filters"),
            None => String::from("filtering"),
        },
        other => format!("mode {other}"),
    })
}

fn new_privileges(status: &str) -> Option<String> {
    let text =
        if field(status, "NoNewPrivs")? == "1" { "never (no_new_privs)" } else { "by set-user-id programs" };
    Some(String::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_counted_and_named() {
        assert_eq!(capabilities("CapEff:\t0000000000000000", Some(41)).as_deref(), Some("none of 41"));
        assert_eq!(capabilities("CapEff:\t000001ffffffffff", Some(41)).as_deref(), Some("all 41"));
        assert_eq!(
            capabilities("CapEff:\t0000000000002001", Some(41)).as_deref(),
            Some("2 of 41: chown net_raw")
        );
        assert_eq!(capabilities("", Some(41)), None);
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let status = "Seccomp:\t2\nSeccomp_filters:\t1\nNoNewPrivs:\t0\n";
        assert_eq!(seccomp(status).as_deref(), Some("filtering, 1 filter"));
        assert_eq!(new_privileges(status).as_deref(), Some("by set-user-id programs"));
    }
}
