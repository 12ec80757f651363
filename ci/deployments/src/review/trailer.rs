//! The machine-readable end of a description: an HTML comment, so that nobody has to read it.

use ci_oci::{Digest, Reference};
use serde::{Deserialize, Serialize};

use crate::Promotion;

const START: &str = "<!-- pipeline-promotion ";
const END: &str = " -->";
/// More services than this are no release unit; the description has to fit.
const MAX_SERVICES: usize = 100;

/// What a description says to programs. It is for finding one's own: anybody may write it, so nothing may be trusted because of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trailer {
    /// Counts up when a reader of the version before would misunderstand.
    pub version: u32,
    /// Where to.
    pub environment: String,
    /// The unit, named by its first service.
    pub unit: String,
    /// What is pinned.
    pub services: Vec<TrailerService>,
}

/// What is pinned of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailerService {
    /// The service.
    pub name: String,
    /// The image, with its digest.
    pub image: Reference,
    /// What was pinned before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Digest>,
    /// The source commit.
    pub commit: String,
}

impl Trailer {
    /// The trailer of a promotion.
    pub fn of(promotion: &Promotion) -> Self {
        let service = |change: &crate::Move| TrailerService {
            name: change.service.to_string(),
            image: change
                .after
                .image
                .repository
                .clone()
                .without_tag_and_digest()
                .with_digest(change.after.image.digest),
            before: change.before,
            commit: change.after.source.commit.clone(),
        };
        Self {
            version: 1,
            environment: promotion.environment.to_string(),
            unit: promotion.unit.to_string(),
            services: promotion
                .moves
                .iter()
                .take(MAX_SERVICES)
                .map(service)
                .collect(),
        }
    }

    /// The trailer of a description, if it has one. It is the last thing in it, so nothing that stands above can pretend to be it.
    pub fn parse(body: &str) -> Option<Self> {
        let (_, after) = body.rsplit_once(START)?;
        let (json, _) = after.split_once(END)?;
        serde_json::from_str(json).ok()
    }

    /// A description without its trailer.
    pub(crate) fn removed(body: &str) -> String {
        match body.rsplit_once(START) {
            Some((before, _)) if Self::parse(body).is_some() => before.trim_end().to_owned(),
            _ => body.to_owned(),
        }
    }

    /// Whether both pin the same images in the same environment.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let images = |trailer: &Self| -> Vec<(String, Reference)> {
            let services = trailer.services.iter();
            services
                .map(|it| (it.name.clone(), it.image.clone()))
                .collect()
        };
        self.environment == other.environment && images(self) == images(other)
    }

    /// Whether all that `other` promotes is promoted here, too.
    pub(crate) fn replaces(&self, other: &Self) -> bool {
        let has = |name: &str| self.services.iter().any(|it| it.name == name);
        self.environment == other.environment
            && !other.services.is_empty()
            && other.services.iter().all(|it| has(&it.name))
    }

    /// As it stands in a description. A comment must not hold what ends it.
    pub(super) fn write(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        let json = json
            .replace("--", "-\\u002d")
            .replace('<', "\\u003c")
            .replace('>', "\\u003e");
        format!("{START}{json}{END}\n")
    }
}
