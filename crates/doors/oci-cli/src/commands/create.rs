//! `create`: everything but the program itself (runtime.md, "Create").

use super::{Context, launch};
use crate::arguments::CreateOptions;
use crate::error::CliError;

pub(super) fn create(context: &Context<'_>, options: &CreateOptions) -> Result<(), CliError> {
    let made = launch::make(context, options, true)?;
    made.created.leave()?;
    Ok(())
}
