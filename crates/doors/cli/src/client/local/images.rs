//! Images of the engine.

use super::{Local, failed};
use crate::client::Images;
use crate::failure::Failure;
use engine::image::{Progress, PullPolicy, Pulled, parse_platform};
use ids::Reference;

impl Images for Local {
    fn pull(&self, image: &str, platform: Option<&str>, progress: &dyn Progress) -> Result<Pulled, Failure> {
        let reference = Reference::parse(image).map_err(failed)?;
        let platform = platform.map(parse_platform).transpose().map_err(failed)?;
        let always = PullPolicy::Always;
        self.engine.pull(&reference, platform.as_ref(), always, progress).map_err(failed)
    }
}
