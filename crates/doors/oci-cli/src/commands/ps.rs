//! `ps`: the processes of a container, as the host numbers them.

use super::Context;
use crate::error::CliError;
use crate::groups;
use crate::id::BundleId;
use std::ffi::OsString;
use std::process::{Command, Stdio};

pub(super) fn ps(
    context: &Context<'_>,
    id: &BundleId,
    json: bool,
    options: &[OsString],
) -> Result<(), CliError> {
    let record = context.store.open(id)?.created_record()?;
    let group = groups::open(record.cgroup.as_ref())?;
    let processes = group.map_or(Ok(Vec::new()), |group| group.processes())?;
    let pids: Vec<i32> = processes.into_iter().map(|pid| pid.as_raw_nonzero().get()).collect();
    if json {
        // One line, as runc has it: go-runc decodes it, people use the table.
        println!("{}", serde_json::json!(pids));
        return Ok(());
    }
    print!("{}", of_container(&table(options)?, &pids, options)?);
    Ok(())
}

/// What ps(1) of the host says about all processes.
fn table(options: &[OsString]) -> Result<String, CliError> {
    let default = [OsString::from("-ef")];
    let options = if options.is_empty() { &default } else { options };
    let output = Command::new("ps").args(options).stdin(Stdio::null()).output();
    let output = output.map_err(|error| failed(options, error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(failed(options, said.lines().next().unwrap_or("it fails").to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn failed(options: &[OsString], reason: String) -> CliError {
    let options: Vec<_> = options.iter().map(|word| word.to_string_lossy()).collect();
    CliError::Ps { options: options.join(" "), reason }
}

/// The heading and the lines of these processes, by the column that is headed PID.
fn of_container(table: &str, pids: &[i32], options: &[OsString]) -> Result<String, CliError> {
    let heading = table.lines().next().unwrap_or("");
    let column = heading.split_whitespace().position(|word| word == "PID");
    let column = column.ok_or_else(|| failed(options, "its output has no column PID".to_owned()))?;
    let is_ours = |line: &str| {
        let pid = line.split_whitespace().nth(column).and_then(|word| word.parse().ok());
        pid.is_some_and(|pid: i32| pids.contains(&pid))
    };
    let lines = table.lines().skip(1).filter(|line| is_ours(line));
    Ok(std::iter::once(heading).chain(lines).map(|line| format!("{line}\n")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_chosen_by_the_column_of_the_number() {
        let table =
            "UID          PID    PPID CMD\nroot           1       0 init\nroot          12       1 sh 1\n";
        assert_eq!(
            of_container(table, &[12], &[]).unwrap(),
            "UID          PID    PPID CMD\nroot          12       1 sh 1\n"
        );
        assert!(of_container("USER\nroot\n", &[1], &[]).is_err());
    }
}
