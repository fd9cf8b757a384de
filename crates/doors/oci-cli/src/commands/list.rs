//! `list`: every container of the root directory.

use super::Context;
use super::state::View;
use crate::error::CliError;

pub(super) fn list(context: &Context<'_>, json: bool, quiet: bool) -> Result<(), CliError> {
    let mut views = Vec::new();
    for container in context.store.list()? {
        // One that is being created or deleted at this moment is not there yet, or no more.
        if let Ok(Some(record)) = container.record()
            && let Ok(view) = View::of(&container, &record)
        {
            views.push(view);
        }
    }
    if json {
        return super::features::print_json(&views);
    }
    if quiet {
        views.iter().for_each(|view| println!("{}", view.id));
        return Ok(());
    }
    let heading = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"].map(str::to_owned);
    let rows = views.iter().map(|view| {
        [
            view.id.clone(),
            view.pid.to_string(),
            view.status.to_owned(),
            view.bundle.display().to_string(),
            view.created.clone(),
            view.owner.clone(),
        ]
    });
    print!("{}", aligned(&std::iter::once(heading).chain(rows).collect::<Vec<_>>()));
    Ok(())
}

/// runc's table: every column but the last at least 12 wide, with three blanks to the next.
fn aligned(rows: &[[String; 6]]) -> String {
    let width = |column: usize| {
        let longest = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        (longest + 3).max(12)
    };
    let line = |row: &[String; 6]| {
        let (last, others) = row.split_last().unwrap_or((&row[5], &row[..5]));
        let cells = others.iter().enumerate();
        let padded: String = cells.map(|(column, cell)| format!("{cell:<0$}", width(column))).collect();
        format!("{padded}{last}\n")
    };
    rows.iter().map(line).collect()
}
