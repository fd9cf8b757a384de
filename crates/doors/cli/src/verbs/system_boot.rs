//! `system boot`: after a boot of the host, starts what restart policies want.

use super::each::all_told;
use crate::args::{Arity, Typed, Verb};
use crate::context::Context;
use crate::failure::{Failure, chain};

/// The verb.
pub(crate) static SYSTEM_BOOT: Verb = Verb {
    name: "boot",
    spellings: &["sampan system boot"],
    usage: "",
    about: "Start the containers that their restart policies want (to be run once after each boot)",
    define: |command| command,
    refused: &[],
    arity: Arity::None,
    run,
};

fn run(context: &mut Context, _: &Typed) -> Result<u8, Failure> {
    let report = context.engine()?.boot().map_err(|error| Failure::of(&error))?;
    for name in &report.started {
        context.line(&format!("started {name}"))?;
    }
    for name in &report.removed {
        context.line(&format!("removed {name}"))?;
    }
    let failure = |(name, error): &(ids::ContainerName, engine::system::BootError)| {
        Failure::new(format!("cannot restore {name}: {}", chain(error)))
    };
    all_told(report.failed.iter().map(failure).collect())
}
