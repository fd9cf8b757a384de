//! Images.

use crate::failure::Failure;
use engine::image::{Progress, Pulled};

/// Images.
pub(crate) trait Images {
    /// Pulls an image, whether it is there or not.
    fn pull(&self, image: &str, platform: Option<&str>, progress: &dyn Progress) -> Result<Pulled, Failure>;
}
