//! Registries: how they are spoken to on this host, logging in and out, pushing.

use crate::Engine;
use crate::images::ImageError;
use distribution::{Config, RegistryError};
use ids::Reference;
use image::{PushOptions, PushProgress, Pushed};
use monitor::events::Event;
use spec::image::Platform;

pub use distribution::{Found, Kept};
pub use ids::DEFAULT_REGISTRY;

/// How many layers are sent at once, as dockerd's default has it.
const UPLOADS_AT_ONCE: usize = 5;

impl Engine {
    /// How registries are spoken to: the host file, and the user's environment.
    pub(crate) fn registry_config(&self) -> Config {
        let context = self.context();
        let defaults = Config::default();
        Config {
            insecure: context.config.insecure_registries.clone(),
            mirrors: context.config.registry_mirrors.clone(),
            docker_config: context.docker_config.clone().or(defaults.docker_config),
            ..defaults
        }
    }

    /// Pushes an image to its registry, with the credentials of the user.
    ///
    /// # Errors
    /// See [`image::PushError`].
    pub fn push(
        &self,
        reference: &Reference,
        platform: Option<&Platform>,
        progress: &dyn PushProgress,
    ) -> Result<Pushed, ImageError> {
        let config = self.registry_config();
        let options = PushOptions { config: &config, at_once: UPLOADS_AT_ONCE, platform };
        let pushed = self.images()?.push(reference, &options, progress)?;
        self.event(&Event::now("image", "push", reference.as_str()).with("name", reference.familiar()));
        Ok(pushed)
    }

    /// Finds out whether a registry accepts user and password, and keeps them.
    ///
    /// # Errors
    /// When it does not, cannot be reached, or they cannot be kept.
    pub fn login(&self, registry: &str, user: &str, password: &str) -> Result<Kept, RegistryError> {
        distribution::login(&self.registry_config(), registry, user, password)
    }

    /// Looks for repositories on the hub, or on the registry that the term begins with; at most `limit`.
    ///
    /// # Errors
    /// When the registry cannot be reached, or cannot be searched.
    pub fn search(&self, term: &str, limit: u32) -> Result<Vec<Found>, RegistryError> {
        let (registry, words) = distribution::registry_of(term);
        distribution::search(&self.registry_config(), registry, words, limit)
    }

    /// Forgets the credentials for a registry; whether there were any.
    ///
    /// # Errors
    /// When they cannot be looked for or deleted.
    pub fn logout(&self, registry: &str) -> Result<bool, RegistryError> {
        distribution::logout(&self.registry_config(), registry)
    }
}
