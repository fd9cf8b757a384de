//! What every command is given: settings of the whole program, the client when it is needed, and where to print.

use crate::args::Typed;
use crate::client::Client;
use crate::client::local::Local;
use crate::contexts::Store;
use crate::failure::Failure;
use crate::settings::{self, Settings};
use crate::target::{Asked, Target};
use engine::{Engine, HostContext, Roots};
use std::cell::OnceCell;
use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

/// Builds the host context for the roots that the command line asks for.
pub type OpenHost = Box<dyn Fn(Roots) -> Result<HostContext, Box<dyn Error + Send + Sync>>>;

/// The context of one command.
pub(crate) struct Context {
    roots: Roots,
    build: &'static str,
    open: OpenHost,
    local: OnceCell<Local>,
    asked: Asked,
    settings: OnceCell<Settings>,
}

impl Context {
    pub(crate) fn new(roots: Roots, build: &'static str, open: OpenHost, asked: Asked) -> Self {
        Self { roots, build, open, local: OnceCell::new(), asked, settings: OnceCell::new() }
    }

    /// What was built.
    pub(crate) fn build(&self) -> &'static str {
        self.build
    }

    /// Who has the containers, opened at first use: `version` and `--help` touch nothing.
    /// Refused when another place was asked for.
    pub(crate) fn client(&self) -> Result<&dyn Client, Failure> {
        self.local().map(|local| local as &dyn Client)
    }

    /// The engine of this host, for verbs that make sense nowhere else.
    pub(crate) fn engine(&self) -> Result<&Engine, Failure> {
        self.local().map(Local::engine)
    }

    fn local(&self) -> Result<&Local, Failure> {
        if let Some(local) = self.local.get() {
            return Ok(local);
        }
        self.target()?.require_local()?;
        let host =
            (self.open)(self.roots.clone()).map_err(|error| Failure::of(error.as_ref()).with_code(125))?;
        let docker_config = self.config_directory().map(|directory| settings::file_in(&directory));
        Ok(self.local.get_or_init(|| Local::new(Engine::open(HostContext { docker_config, ..host }))))
    }

    /// Whether there is an instance already: opening the engine would make one.
    pub(crate) fn has_instance(&self) -> bool {
        self.roots.data.is_dir()
    }

    /// What was typed about the surroundings.
    pub(crate) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// The directory of the user's settings and contexts, if there is a place for it.
    pub(crate) fn config_directory(&self) -> Option<PathBuf> {
        settings::directory(self.asked.config.as_deref())
    }

    /// The same where it is needed.
    pub(crate) fn needed_config_directory(&self) -> Result<PathBuf, Failure> {
        self.config_directory().ok_or_else(|| {
            Failure::new("there is no place for settings; set HOME or DOCKER_CONFIG, or use --config")
        })
    }

    /// The user's settings, read at first use.
    pub(crate) fn settings(&self) -> &Settings {
        self.settings.get_or_init(|| {
            let Some(directory) = self.config_directory() else { return Settings::default() };
            let (settings, warning) = Settings::read(&settings::file_in(&directory));
            warning.iter().for_each(|warning| self.warn_as_docker(warning));
            settings
        })
    }

    /// Where the command is to run.
    pub(crate) fn target(&self) -> Result<Target, Failure> {
        let name = self.context_name();
        let store = self.config_directory().map(|directory| Store::new(&directory));
        self.asked.target(name, store.as_ref()).map_err(|error| {
            let text = crate::failure::chain(&error);
            Failure::new(format!("Failed to initialize: unable to resolve docker endpoint: {text}"))
        })
    }

    /// The name of the context in use.
    pub(crate) fn context_name(&self) -> String {
        self.asked.context_name(|| self.settings().current_context.clone())
    }

    /// `--detach-keys`, as typed or as the user has set them.
    pub(crate) fn detach_keys<'a>(&'a self, typed: &'a Typed) -> Option<&'a str> {
        let own = || Some(self.settings().detach_keys.as_str());
        typed.text("detach-keys").filter(|keys| !keys.is_empty()).or_else(own)
    }

    /// `--format` of a list, as typed or, where the list is not a quiet one, as the user has set it.
    pub(crate) fn list_format<'a>(&'a self, typed: &'a Typed, own: fn(&Settings) -> &String) -> &'a str {
        match typed.text("format").unwrap_or_default() {
            "" if !typed.is_on("quiet") => own(self.settings()),
            format => format,
        }
    }

    /// `--filter` of a `prune`: those that were typed, and those of the user's settings that do not contradict them.
    pub(crate) fn prune_filters<'a>(&'a self, typed: &'a Typed) -> Vec<&'a str> {
        let mut filters = typed.list("filter");
        for own in &self.settings().prune_filters {
            let Some((key, value)) = own.split_once('=').filter(|(_, value)| !value.is_empty()) else {
                continue;
            };
            let opposite = match key {
                "label" => format!("label!={value}"),
                "label!" => format!("label={value}"),
                _ => String::new(),
            };
            if !filters.contains(&opposite.as_str()) {
                filters.push(own);
            }
        }
        filters
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
        let _ = writeln!(io::stderr(), "{}{text}", crate::program::called().complaint());
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
