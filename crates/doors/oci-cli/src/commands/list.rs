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
    let widest = views.iter().map(|view| view.id.len()).max().unwrap_or(0).max(2);
    println!("{:widest$}  {:8}  {:8}  {:30}  BUNDLE", "ID", "PID", "STATUS", "CREATED");
    for view in &views {
        let bundle = view.bundle.display();
        println!("{:widest$}  {:<8}  {:8}  {:30}  {bundle}", view.id, view.pid, view.status, view.created);
    }
    Ok(())
}
