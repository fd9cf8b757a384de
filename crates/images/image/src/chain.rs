//! Chain ids: the identity of a layer together with everything below it (image-spec config.md, "Layer ChainID").

use crate::model::ImageLayer;
use content::Digester;
use ids::Digest;

/// The layers of an image by their uncompressed digests (base first), each with its chain id.
pub(crate) fn layers(diff_ids: &[Digest]) -> Vec<ImageLayer> {
    let mut layers: Vec<ImageLayer> = Vec::with_capacity(diff_ids.len());
    for diff_id in diff_ids {
        let chain_id = match layers.last() {
            None => diff_id.clone(),
            Some(below) => Digester::of(format!("{} {diff_id}", below.chain_id).as_bytes()),
        };
        layers.push(ImageLayer { diff_id: diff_id.clone(), chain_id });
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_chain_covers_what_is_below() {
        let diffs: Vec<Digest> = (1..4).map(|seed| Digest::from_sha256([seed; 32])).collect();
        let all = layers(&diffs);
        assert_eq!(all[0].chain_id, diffs[0]);
        let second = Digester::of(format!("{} {}", diffs[0], diffs[1]).as_bytes());
        assert_eq!(all[1].chain_id, second);
        assert_eq!(all[2].chain_id, Digester::of(format!("{second} {}", diffs[2]).as_bytes()));
        assert_eq!(layers(&diffs[..2]), all[..2]);
    }
}
