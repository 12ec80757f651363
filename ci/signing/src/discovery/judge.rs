//! What holds of all that is attached to an image.

use ci_oci::Digest;

use super::find::BUNDLE_TYPE;
use super::{Content, Found};
use crate::statement::predicate;
use crate::verify::{Policy, Rejection, Trust, Verified, bundle, legacy};

/// What is attached to an image, and what of it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The image, or index.
    pub image: Digest,
    /// What refers to it.
    pub referrers: Vec<Attached>,
    /// The signatures under the tag `sha256-….sig`, in their order.
    pub legacy: Vec<Result<Verified, Rejection>>,
    /// Why there is no more.
    pub problems: Vec<String>,
}

/// One referrer.
#[derive(Debug, Clone, PartialEq)]
pub struct Attached {
    /// Its manifest.
    pub digest: Digest,
    /// Whether the list says that it is a bundle. Some verifiers go by that alone.
    pub listed: bool,
    /// What it is, where it is no bundle; else what became of that.
    pub bundle: Result<Result<Verified, Rejection>, String>,
}

/// Verifies everything that is attached to an image.
pub fn judge(found: &Found, policy: &Policy, trust: &Trust) -> Judged {
    let referrers = found.referrers.iter().map(|referrer| Attached {
        digest: referrer.descriptor.digest,
        listed: referrer
            .descriptor
            .artifact_type
            .as_deref()
            .is_some_and(|kind| kind.starts_with(BUNDLE_TYPE)),
        bundle: match &referrer.content {
            Content::Bundle(json) => Ok(bundle(json, found.image, policy, trust)),
            Content::Other(why) => Err(why.clone()),
        },
    });
    let layers = found.legacy.iter();
    Judged {
        image: found.image,
        referrers: referrers.collect(),
        legacy: layers
            .map(|layer| legacy(layer, found.image, policy, trust))
            .collect(),
        problems: found.problems.clone(),
    }
}

impl Judged {
    /// Everything that holds.
    pub fn verified(&self) -> impl Iterator<Item = &Verified> {
        self.results().filter_map(|result| result.as_ref().ok())
    }

    /// Why the rest does not, each reason once.
    pub fn rejections(&self) -> Vec<&Rejection> {
        let mut reasons: Vec<&Rejection> = Vec::new();
        for reason in self.results().filter_map(|result| result.as_ref().err()) {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        reasons
    }

    /// The signatures that hold: bundles that state nothing but that, and legacy ones.
    pub fn signatures(&self) -> impl Iterator<Item = &Verified> {
        self.verified().filter(|verified| {
            let kind = verified.predicate.as_deref();
            kind.is_none_or(|kind| kind == predicate::SIGNATURE)
        })
    }

    /// What is attested under this type, by the signer.
    pub fn attestations(&self, kind: &str) -> impl Iterator<Item = &Verified> {
        self.verified()
            .filter(move |verified| verified.predicate.as_deref() == Some(kind))
    }

    fn results(&self) -> impl Iterator<Item = &Result<Verified, Rejection>> {
        let bundles = self
            .referrers
            .iter()
            .filter_map(|one| one.bundle.as_ref().ok());
        bundles.chain(&self.legacy)
    }
}
