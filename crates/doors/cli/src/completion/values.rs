//! Names of what is there: containers, images, networks, volumes, contexts.

use super::wanted::Wanted;
use super::{Candidate, number_of};
use crate::context::Context;
use crate::contexts::{DEFAULT, DEFAULT_DESCRIPTION, Store};
use engine::{Engine, ListFilter};

/// Looks names up. What cannot be found out has no candidates: a shell that is being typed into shows no errors.
pub(super) struct Values<'a> {
    pub(super) context: &'a Context,
}

impl Values<'_> {
    /// The candidates, and what they look like to a shell.
    pub(super) fn of(&self, wanted: &Wanted, typed: &str) -> (Vec<Candidate>, u8) {
        let mut number = number_of(wanted);
        let found = match wanted {
            Wanted::Nothing | Wanted::Files | Wanted::Directories => Vec::new(),
            Wanted::Words(words) => {
                if words.iter().any(|word| word.ends_with('=')) {
                    number |= super::NO_BLANK;
                }
                words.iter().map(|word| Candidate::new(*word, "")).collect()
            }
            Wanted::Containers(states) => self.containers(states),
            // A path is one when it looks like one; files are the shell's to name.
            Wanted::Copied | Wanted::Mounted if typed.starts_with(['/', '.', '~']) => Vec::new(),
            Wanted::Copied => with_colon(self.containers(&[])),
            Wanted::Mounted => with_colon(self.volumes()),
            Wanted::Images => self.images(),
            Wanted::Networks => self.networks(),
            Wanted::NetworkModes => {
                let mut found = self.networks();
                let others = ["bridge", "host", "none"];
                let missing = others.iter().filter(|name| !found.iter().any(|one| one.word == **name));
                let missing: Vec<Candidate> = missing.map(|name| Candidate::new(*name, "")).collect();
                found.extend(missing);
                found
            }
            Wanted::Volumes => self.volumes(),
            Wanted::Contexts => self.contexts(),
            Wanted::Anything => {
                let mut found = self.containers(&[]);
                found.extend(self.images());
                found.extend(self.networks());
                found.extend(self.volumes());
                found
            }
            Wanted::Environment => std::env::vars_os()
                .filter_map(|(name, _)| name.into_string().ok())
                .map(|name| Candidate::new(name, ""))
                .collect(),
        };
        (found, number)
    }

    /// Somebody who is typing must not find an instance made by that.
    fn engine(&self) -> Option<&Engine> {
        self.context.has_instance().then(|| self.context.engine().ok()).flatten()
    }

    fn containers(&self, states: &[&str]) -> Vec<Candidate> {
        let Some(engine) = self.engine() else { return Vec::new() };
        let all = engine.list(ListFilter { all: true }).unwrap_or_default();
        all.iter()
            .filter(|view| states.is_empty() || states.contains(&view.state.as_str()))
            .map(|view| {
                Candidate::new(view.name.as_str(), format!("{}, {}", view.config.image, view.state.as_str()))
            })
            .collect()
    }

    fn images(&self) -> Vec<Candidate> {
        let images = self.engine().and_then(|engine| engine.images().ok());
        let all = images.and_then(|images| images.list().ok()).unwrap_or_default();
        let mut names: Vec<String> =
            all.iter().flat_map(|info| info.tags.iter().map(ids::Reference::familiar)).collect();
        names.sort();
        names.into_iter().map(|name| Candidate::new(name, "")).collect()
    }

    fn networks(&self) -> Vec<Candidate> {
        let Some(engine) = self.engine() else { return Vec::new() };
        let all = engine.list_networks().unwrap_or_default();
        all.iter().map(|view| Candidate::new(view.name.to_string(), "")).collect()
    }

    fn volumes(&self) -> Vec<Candidate> {
        let Some(engine) = self.engine() else { return Vec::new() };
        let all = engine.list_volumes().unwrap_or_default();
        all.iter().map(|view| Candidate::new(view.name.as_str(), "")).collect()
    }

    fn contexts(&self) -> Vec<Candidate> {
        let store = self.context.config_directory().map(|directory| Store::new(&directory));
        let all = store.and_then(|store| store.all().ok()).unwrap_or_default();
        let mut found: Vec<Candidate> =
            all.iter().map(|meta| Candidate::new(meta.name.as_str(), meta.description())).collect();
        found.push(Candidate::new(DEFAULT, DEFAULT_DESCRIPTION));
        found
    }
}

fn with_colon(found: Vec<Candidate>) -> Vec<Candidate> {
    found.into_iter().map(|one| Candidate { word: format!("{}:", one.word), ..one }).collect()
}
