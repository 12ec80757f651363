//! `plan`: what a build would do, without doing it, and which bases moved since the last one.

use std::collections::{BTreeMap, BTreeSet};

use ci_catalog::{Builder, Name, Platform};
use ci_engine::Progress;
use ci_oci::{Digest, Reference};
use serde::Serialize;

use super::Request;
use super::bases::{self, ask};
use super::fingerprint::{Contents, Marks};
use super::plan::{Plan, Planned};
use super::record::Record;
use crate::project::Project;

/// The group its steps are shown under.
const GROUP: &str = "plan";

/// What a build would do.
#[derive(Debug, Serialize)]
pub(crate) struct Preview {
    /// Each after those it reads.
    pub(crate) services: Vec<Service>,
    /// Ordered by reference.
    pub(crate) bases: Vec<Base>,
}

/// What would be done for a service.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Service {
    pub(crate) name: String,
    /// Whether it was asked for, or is only read by one that was.
    pub(crate) wanted: bool,
    /// `cargo` or `dockerfile`.
    pub(crate) builder: &'static str,
    /// It is built for these.
    pub(crate) platforms: Vec<String>,
    /// Repository, and the tag if an environment was named.
    pub(crate) image: String,
    /// Services whose images it reads.
    pub(crate) reads: Vec<String>,
    /// References of the images of registries it stands on.
    pub(crate) bases: Vec<Reference>,
    /// Of everything its image is made of, in 64 hexadecimal digits.
    pub(crate) fingerprint: Option<String>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) no_fingerprint: Option<String>,
}

/// An image of a registry, as far as it is known.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Base {
    /// With a tag; with a digest where that is written.
    pub(crate) reference: Reference,
    /// The services that stand on it.
    pub(crate) users: BTreeSet<String>,
    /// What decides on its content.
    pub(crate) pinned: Pin,
    /// What a build would use; nothing if that is for the registry to say and it did not.
    pub(crate) digest: Option<Digest>,
    /// What the registry has under the tag now, if it was asked and answered.
    pub(crate) registry: Option<Digest>,
    /// What builds in the release record used.
    pub(crate) last_build: BTreeSet<Digest>,
    /// Why the registry did not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
}

/// What decides on the content of a base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Pin {
    /// The digest written in the Dockerfile or the catalog.
    Written,
    /// `pipeline.lock`.
    Locked,
    /// What the tag means when it is built.
    No,
}

/// A base whose content is another than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) from: Digest,
    pub(crate) to: Digest,
}

impl Base {
    /// A build would use another content than the last one did. Nothing if the last ones disagree with each other.
    pub(crate) fn moved_since_last_build(&self) -> Option<Move> {
        let mut last = self.last_build.iter();
        match (last.next(), last.next(), self.digest) {
            (Some(&from), None, Some(to)) if from != to => Some(Move { from, to }),
            _ => None,
        }
    }

    /// The registry has another content than is locked.
    pub(crate) fn moved_since_locked(&self) -> Option<Move> {
        match (self.pinned, self.digest, self.registry) {
            (Pin::Locked, Some(from), Some(to)) if from != to => Some(Move { from, to }),
            _ => None,
        }
    }
}

/// Says what `request` would do. Unless it is to be `offline`, registries are asked what the tags of bases mean now; one that does not
/// answer is no error.
///
/// # Errors
/// When there can be no plan: of services, of a Dockerfile, of the lock file.
pub(crate) async fn run(
    project: &Project,
    progress: &Progress,
    request: &Request,
    offline: bool,
) -> eyre::Result<Preview> {
    let plan = Plan::of(project, request)?;
    let mut services = Vec::new();
    let mut users: BTreeMap<Reference, BTreeSet<String>> = BTreeMap::new();
    for planned in &plan.services {
        let bases = of(project, planned)?;
        for base in &bases {
            let name = planned.service.name.to_string();
            users.entry(base.clone()).or_default().insert(name);
        }
        services.push(service(planned, bases));
    }
    let tags = users.keys().filter(|it| it.digest().is_none()).cloned();
    let answers = if offline {
        bases::Answers::new()
    } else {
        ask(project, progress, GROUP, tags).await?
    };
    let used = Record::read(project).map_or_else(BTreeMap::new, |record| used(&record));
    let mut known = Vec::new();
    for (reference, users) in users {
        let key = reference.clone().without_digest();
        let locked = project.lock()?.digest(&reference.to_string());
        let locked: Option<Digest> = locked.map(str::parse).transpose()?;
        let (registry, problem) = match answers.get(&reference) {
            Some(Ok(digest)) => (Some(*digest), None),
            Some(Err(error)) => (None, Some(error.to_string())),
            None => (None, None),
        };
        let (pinned, digest) = match (reference.digest(), locked) {
            (Some(written), _) => (Pin::Written, Some(written)),
            (None, Some(locked)) => (Pin::Locked, Some(locked)),
            (None, None) => (Pin::No, registry),
        };
        known.push(Base {
            last_build: used.get(&key).cloned().unwrap_or_default(),
            reference,
            users,
            pinned,
            digest,
            registry,
            problem,
        });
    }
    mark(project, &plan, &known, &mut services).await;
    Ok(Preview {
        services,
        bases: known,
    })
}

/// Adds the fingerprints of services, with what is known of bases.
async fn mark(project: &Project, plan: &Plan<'_>, known: &[Base], services: &mut [Service]) {
    let digests = async |_: &Planned<'_>, bases: Vec<bases::Base>| {
        let digest = |reference: &Reference| {
            let base = known.iter().find(|base| base.reference == *reference)?;
            Some((reference.to_string(), base.digest?.to_string()))
        };
        Ok(bases
            .iter()
            .filter_map(|it| digest(&it.reference))
            .collect())
    };
    let contents = Contents::of_this_user().await;
    let marks = Marks::of(project, plan, &contents, digests).await;
    for (planned, service) in plan.services.iter().zip(services) {
        match marks.get(&planned.service.name) {
            Ok(fingerprint) => service.fingerprint = Some(fingerprint.to_string()),
            Err(reason) if planned.wanted => service.no_fingerprint = Some(reason.to_owned()),
            Err(_) => {}
        }
    }
}

/// The bases of a service's image, on all platforms.
fn of(project: &Project, planned: &Planned<'_>) -> eyre::Result<BTreeSet<Reference>> {
    let Builder::Dockerfile(builder) = &planned.service.builder else {
        return Ok(BTreeSet::new());
    };
    let mut references = BTreeSet::new();
    for platform in &planned.needed {
        let bases = bases::of(project, planned, builder, platform)?;
        references.extend(bases.into_iter().map(|base| base.reference));
    }
    Ok(references)
}

fn service(planned: &Planned<'_>, bases: BTreeSet<Reference>) -> Service {
    Service {
        name: planned.service.name.to_string(),
        wanted: planned.wanted,
        builder: match planned.service.builder {
            Builder::Cargo(_) => "cargo",
            Builder::Dockerfile(_) => "dockerfile",
        },
        platforms: planned.needed.iter().map(Platform::to_string).collect(),
        image: planned.reference(),
        reads: planned
            .service
            .dependencies()
            .map(Name::to_string)
            .collect(),
        bases: bases.into_iter().collect(),
        fingerprint: None,
        no_fingerprint: None,
    }
}

/// What the builds in the record used.
fn used(record: &Record) -> BTreeMap<Reference, BTreeSet<Digest>> {
    let mut used: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for base in record.services.iter().flat_map(|service| &service.bases) {
        used.entry(base.reference.clone())
            .or_default()
            .insert(base.digest);
    }
    used
}
