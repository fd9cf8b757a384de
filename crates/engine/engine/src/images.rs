//! Images, thinly: what the store does not decide by itself is whether to pull, and which containers use what.

use crate::Engine;
use crate::containers::{Container, LookupError, PullPolicy, observe};
use crate::model::ContainerConfig;
use ids::Reference;
use image::{
    EMBEDDED_REFERENCE, EmbeddedError, Force, GetError, Image, ImageUse, InvalidPlatform, Removed,
    host_platform, parse_platform, platform_text,
};
use monitor::events::Event;
use state::StateError;

/// Why an image could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The store does not have it, or failed.
    #[error(transparent)]
    Get(#[from] GetError),
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

impl Engine {
    /// The image of a request, pulled if the policy wants it.
    pub(crate) fn image_for(&self, config: &ContainerConfig, pull: PullPolicy) -> Result<Image, ImageError> {
        let image = self.find_image(&config.image, pull)?;
        if let Some(platform) = &config.platform {
            let wanted = parse_platform(platform)?;
            let has = image.platform();
            let fits = wanted.os == has.os
                && wanted.architecture == has.architecture
                && (wanted.variant.is_none() || wanted.variant == has.variant);
            if !fits {
                let wanted = platform_text(&wanted);
                return Err(ImageError::WrongPlatform { name: config.image.clone(), wanted });
            }
        }
        Ok(image)
    }

    fn find_image(&self, name: &str, _pull: PullPolicy) -> Result<Image, ImageError> {
        let images = self.images()?;
        if Reference::parse(name).is_ok_and(|reference| reference.as_str() == EMBEDDED_REFERENCE) {
            return Ok(images.install_embedded(embedded::INIT, &embedded::PROGRAMS)?);
        }
        Ok(images.get(name)?)
    }
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
