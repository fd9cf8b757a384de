//! One file for each command.

mod create;
mod criu;
mod delete;
mod events;
mod exec;
mod features;
mod kill;
mod launch;
mod list;
mod pause;
mod ps;
mod run;
mod spec;
mod start;
mod state;
mod update;

use crate::arguments::{Command, HELP, Invocation};
use crate::error::CliError;
use crate::log::{Level, Log};
use crate::store::Store;

/// What every command may need.
pub(crate) struct Context<'a> {
    store: Store,
    log: &'a Log,
    no_cgroups: bool,
    lenient_cgroups: bool,
}

impl Context<'_> {
    /// Tells what is not as it should be without being a failure: in the log, where there is one, since standard error
    /// is then the container's.
    fn warn(&self, message: &str) {
        if self.log.path.is_none() {
            eprintln!("sampan-runtime: warning: {message}");
        }
        self.log.write(Level::Warning, message);
    }
}

/// Does one command and returns the exit code.
///
/// # Errors
/// [`CliError`] of the command.
pub(crate) fn perform(invocation: &Invocation) -> Result<i32, CliError> {
    // What makes processes must not be writable from inside them; it may mean to start over, so it comes first.
    if matches!(invocation.command, Command::Create(_) | Command::Run(..) | Command::Exec(_)) {
        runtime::seal::protect()?;
    }
    let global = &invocation.global;
    let context = Context {
        store: Store::new(global.root.clone()),
        log: &global.log,
        no_cgroups: global.no_cgroups,
        lenient_cgroups: global.lenient_cgroups,
    };
    let done = match &invocation.command {
        Command::Run(options, run) => return run::run(&context, options, run),
        Command::Exec(options) => return exec::exec(&context, options),
        Command::Help => {
            print!("{HELP}");
            Ok(())
        }
        Command::Version => {
            println!(
                "sampan-runtime version {}\nspec: {}",
                env!("CARGO_PKG_VERSION"),
                ::spec::runtime::VERSION
            );
            Ok(())
        }
        Command::Features => features::features(),
        Command::Spec { bundle, rootless } => spec::spec(bundle, *rootless),
        Command::Create(options) => create::create(&context, options),
        Command::Start(id) => start::start(&context, id),
        Command::State(id) => state::state(&context, id),
        Command::Kill { id, signal, all } => kill::kill(&context, id, *signal, *all),
        Command::Delete { id, force } => delete::delete(&context, id, *force),
        Command::List { json, quiet } => list::list(&context, *json, *quiet),
        Command::Pause(id) => pause::pause(&context, id),
        Command::Resume(id) => pause::resume(&context, id),
        Command::Ps { id, json, options } => ps::ps(&context, id, *json, options),
        Command::Update(options) => update::update(&context, options),
        Command::Events(options) => events::events(&context, options),
        Command::Checkpoint(id) => criu::checkpoint(&context, id),
        Command::Restore(id) => criu::restore(&context, id),
    };
    done.map(|()| 0)
}
