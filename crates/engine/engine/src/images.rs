//! Images, thinly: what the store does not decide by itself is whether to pull, and which containers use what.

use crate::Engine;
use crate::containers::{Container, CreateOptions, LookupError, PullPolicy, observe};
use crate::model::ContainerConfig;
use ids::{Digest, Reference};
use image::{
    EMBEDDED_REFERENCE, EmbeddedError, Force, GetError, Image, ImageUse, InvalidPlatform, Progress,
    PullError, PullOptions, Pulled, Removed, Silent, host_platform, parse_platform, platform_text,
};
use monitor::events::Event;
use spec::image::Platform;
use state::StateError;

/// Why an image could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The store does not have it, or failed.
    #[error(transparent)]
    Get(#[from] GetError),
    /// It could not be pulled.
    #[error(transparent)]
    Pull(Box<PullError>),
    /// It could not be pushed.
    #[error(transparent)]
    Push(Box<image::PushError>),
    /// The demo image could not be installed.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// Not a platform.
    #[error(transparent)]
    Platform(#[from] InvalidPlatform),
    /// It is there for another machine. The words are Docker's.
    #[error("image with reference {name} was found but does not provide the specified platform ({wanted})")]
    WrongPlatform {
        /// The image.
        name: String,
        /// What was asked.
        wanted: String,
    },
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
}

impl From<PullError> for ImageError {
    fn from(error: PullError) -> Self {
        Self::Pull(Box::new(error))
    }
}

impl From<image::PushError> for ImageError {
    fn from(error: image::PushError) -> Self {
        Self::Push(Box::new(error))
    }
}

/// How many layers are transferred at once, as dockerd's default has it.
const DOWNLOADS_AT_ONCE: usize = 3;

impl Engine {
    /// The image of a request, pulled if the policy wants it.
    pub(crate) fn image_for(
        &self,
        config: &ContainerConfig,
        options: &CreateOptions<'_>,
    ) -> Result<Image, ImageError> {
        let (name, images) = (&config.image, self.images()?);
        if Reference::parse(name).is_ok_and(|reference| reference.as_str() == EMBEDDED_REFERENCE) {
            return Ok(images.install_embedded(embedded::INIT, &embedded::PROGRAMS)?);
        }
        let wanted = config.platform.as_deref().map(parse_platform).transpose()?;
        if options.pull != PullPolicy::Always {
            match images.get(name) {
                Ok(image) if wanted.as_ref().is_none_or(|wanted| fits(wanted, &image.platform())) => {
                    return Ok(image);
                }
                Ok(_) if options.pull == PullPolicy::Never => {
                    let wanted = wanted.as_ref().map(platform_text).unwrap_or_default();
                    return Err(ImageError::WrongPlatform { name: name.clone(), wanted });
                }
                Err(GetError::NotFound { .. }) if options.pull == PullPolicy::Missing => {}
                Err(error) => return Err(error.into()),
                Ok(_) => {}
            }
        }
        let reference = Reference::parse(name).map_err(GetError::from)?;
        let progress = options.progress.unwrap_or(&Silent);
        Ok(self.pull(&reference, wanted.as_ref(), image::PullPolicy::Always, progress)?.image)
    }

    /// Pulls an image from its registry, with the credentials of the user and the registries of the host file.
    ///
    /// # Errors
    /// See [`PullError`]; nothing is left of it then.
    pub fn pull(
        &self,
        reference: &Reference,
        platform: Option<&Platform>,
        policy: image::PullPolicy,
        progress: &dyn Progress,
    ) -> Result<Pulled, ImageError> {
        let config = self.registry_config();
        let options = PullOptions { platform, policy, config: &config, at_once: DOWNLOADS_AT_ONCE };
        let pulled = self.images()?.pull(reference, &options, progress)?;
        self.event(&Event::now("image", "pull", reference.as_str()).with("name", reference.familiar()));
        Ok(pulled)
    }
}

fn fits(wanted: &Platform, has: &Platform) -> bool {
    let has_variant = has.variant.as_deref().unwrap_or_default();
    wanted.os == has.os
        && wanted.architecture == has.architecture
        && wanted.variant.as_deref().is_none_or(|variant| variant == has_variant)
}

impl Engine {
    /// Which containers use which images.
    pub(crate) fn image_uses(&self) -> Result<Vec<ImageUse>, LookupError> {
        let used = |container: Container| ImageUse {
            running: observe::observe(&self.directories(&container.id)).is_up(),
            container: container.id.short().to_owned(),
            image: container.image,
        };
        Ok(self.all_containers()?.into_iter().map(used).collect())
    }

    /// Tells in the event log what was done to an image besides pulling and removing it: `import`, `load` or `tag`, under
    /// the name that people know it by, or its id.
    pub fn tell_of_image(&self, action: &str, id: &Digest, name: Option<&Reference>) {
        let name = name.map_or_else(|| id.to_string(), Reference::familiar);
        self.event(&Event::now("image", action, id.as_str()).with("name", name));
    }

    /// Removes a name of an image, and the image with its last name.
    ///
    /// # Errors
    /// See [`RemoveImageError`].
    pub fn remove_image(&self, name: &str, force: Force) -> Result<Vec<Removed>, RemoveImageError> {
        let removed = self.images()?.remove(name, force, &self.image_uses()?)?;
        for one in &removed {
            match one {
                Removed::Untagged(reference) => self.event(&Event::now("image", "untag", reference.as_str())),
                Removed::Deleted(id) => self.event(&Event::now("image", "delete", id.as_str())),
            }
        }
        Ok(removed)
    }
}

/// Why an image could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveImageError {
    /// There is none, it is used, or the store failed.
    #[error(transparent)]
    Remove(#[from] image::RemoveError),
    /// Containers could not be listed.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What a person should know about an image for another machine, in Docker's words.
pub(crate) fn platform_warning(image: &Image, config: &ContainerConfig) -> Option<String> {
    let (has, host) = (image.platform(), host_platform());
    let foreign = has.architecture != host.architecture || has.os != host.os;
    (foreign && config.platform.is_none()).then(|| {
        format!(
            "The requested image's platform ({}) does not match the detected host platform ({}) and no specific platform was requested",
            platform_text(&has),
            platform_text(&host)
        )
    })
}
