//! What creating alone and creating with a start have in common.

use crate::client::{PullPolicy, Refusal};
use crate::failure::Failure;
use engine::CreateOptions;
use engine::containers::CreateError;
use engine::image::GetError;
use engine::images::ImageError;

/// An image that is not there, or not for the platform, can be pulled.
pub(super) fn refusal(error: CreateError, pull: PullPolicy) -> Refusal {
    match error {
        CreateError::Image(ImageError::Get(GetError::NotFound { .. }) | ImageError::WrongPlatform { .. })
            if pull == PullPolicy::Missing =>
        {
            Refusal::NoImage
        }
        other => Refusal::Failed(Failure::of(&other).with_code(125)),
    }
}

/// The engine pulls only when it is told to: who asks says first what is missing.
pub(super) const AS_IT_IS: CreateOptions<'static> = CreateOptions { pull: PullPolicy::Never, progress: None };
