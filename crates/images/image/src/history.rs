//! How an image came about, step by step.

use crate::error::StoreError;
use crate::get::GetError;
use crate::images::Images;
use crate::model::Image;
use ids::Digest;
use spec::image::History;

/// One step of an image's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryStep {
    /// The image's id on its last step; the others have none, since no image of them is kept.
    pub id: Option<Digest>,
    /// What the configuration says of it.
    pub step: History,
    /// Bytes of its layer when unpacked; 0 for a step that made none.
    pub size: u64,
}

impl Images {
    /// The steps of an image, the last one first.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn history(&self, name: &str) -> Result<Vec<HistoryStep>, GetError> {
        let image = self.get(name)?;
        Ok(self.steps(&image)?)
    }

    fn steps(&self, image: &Image) -> Result<Vec<HistoryStep>, StoreError> {
        let mut layers = image.layers.iter();
        let mut steps = Vec::new();
        for step in &image.config.history {
            let layer = if step.empty_layer { None } else { layers.next() };
            let key =
                layer.map(|layer| self.snapshots.find_layer(&layer.diff_id, &layer.chain_id)).transpose()?;
            let size = match key.flatten() {
                Some(key) => self.snapshots.layer(&key)?.size,
                None => 0,
            };
            steps.push(HistoryStep { id: None, step: step.clone(), size });
        }
        if let Some(last) = steps.last_mut() {
            last.id = Some(image.id.clone());
        }
        steps.reverse();
        Ok(steps)
    }
}
