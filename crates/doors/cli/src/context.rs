//! What every command is given: settings of the whole program, the engine when it is needed, and where to print.

use crate::failure::Failure;
use crate::lifecycle::Lifecycle;
use engine::{Engine, HostContext, Roots};
use std::cell::OnceCell;
use std::error::Error;
use std::io::{self, IsTerminal, Write};

/// Builds the host context for the roots that the command line asks for.
pub type OpenHost = Box<dyn Fn(Roots) -> Result<HostContext, Box<dyn Error + Send + Sync>>>;

/// The context of one command.
pub(crate) struct Context {
    roots: Roots,
    build: &'static str,
    open: OpenHost,
    engine: OnceCell<Engine>,
}

impl Context {
    pub(crate) fn new(roots: Roots, build: &'static str, open: OpenHost) -> Self {
        Self { roots, build, open, engine: OnceCell::new() }
    }

    /// What was built.
    pub(crate) fn build(&self) -> &'static str {
        self.build
    }

    /// The engine, opened at first use: `version` and `--help` touch nothing.
    pub(crate) fn engine(&self) -> Result<&Engine, Failure> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let host =
            (self.open)(self.roots.clone()).map_err(|error| Failure::of(error.as_ref()).with_code(125))?;
        Ok(self.engine.get_or_init(|| Engine::open(host)))
    }

    /// Who runs containers.
    pub(crate) fn lifecycle(&self) -> Result<&dyn Lifecycle, Failure> {
        self.engine().map(|engine| engine as &dyn Lifecycle)
    }

    /// Prints to standard output.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        print(text)
    }

    /// Prints one line to standard output.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        self.print(&format!("{text}\n"))
    }

    /// Prints one line to standard error, with the program's name before it.
    pub(crate) fn warn(&self, text: &str) {
        // Nobody is left to be told when standard error is closed.
        let _ = writeln!(io::stderr(), "sampan: {text}");
    }

    /// Prints what Docker's daemon would warn of, as its command line does.
    pub(crate) fn warn_as_docker(&self, text: &str) {
        // Nobody is left to be told when standard error is closed.
        let _ = writeln!(io::stderr(), "WARNING: {text}");
    }

    /// Asks a yes-or-no question; only `y` and `yes` are yes.
    pub(crate) fn confirm(&self, question: &str) -> Result<bool, Failure> {
        self.print(&format!("{question} [y/N] "))?;
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        if !io::stdin().is_terminal() {
            self.print("\n")?;
        }
        Ok(read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }
}

/// Prints to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        // The reader has gone, as with `| head`: nobody is left to be told.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::silent(141)),
        Err(error) => Err(Failure::new(format!("cannot write to standard output: {error}"))),
    }
}

/// Columns of the terminal, or 80.
pub(crate) fn terminal_width() -> usize {
    rustix::termios::tcgetwinsize(io::stdout())
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns >= 40)
        .unwrap_or(80)
}
