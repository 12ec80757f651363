//! The release record, `.pipeline/release.json`: what was built, from what, and where it goes. It is the contract between
//! stages, so that each can run in a process of its own; later stages add to it what they did.
//!
//! It holds no times of this run, no machine and no user: building the same again gives the same record. Services that were not
//! built this time stay in it if they are of the same commit, environment and engine. What later stages added to a service
//! stays as long as its digest does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ci_catalog::{Builder, Name};
use ci_oci::{Digest, Reference};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::build::Release;
use super::plan::{Plan, Planned, rfc3339};
use super::recipe::Recipe;
use super::test::Results;
use super::{Checkout, files, lock::Lock};
use crate::context::Context;
use crate::error::{Exit, UserError};
use crate::project::Project;

/// Counts up when a reader of the version before would misunderstand.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// Name of the file in the state folder.
pub(crate) const FILE: &str = "release.json";

/// Everything that was built from one commit, for one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    /// [`SCHEMA_VERSION`].
    pub(crate) schema_version: u32,
    /// The project of the catalog.
    pub(crate) project: String,
    pub(crate) source: Source,
    /// The environment that was named, if any.
    pub(crate) environment: Option<String>,
    /// What built it: `embedded` or `dagger`.
    pub(crate) engine: String,
    /// Ordered by name.
    pub(crate) services: Vec<Service>,
}

/// What it was built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Source {
    /// Address of the repository, without credentials.
    pub(crate) repository: Option<String>,
    /// Full id; zeros if it is not known.
    pub(crate) commit: String,
    /// Such as `refs/heads/main`.
    #[serde(rename = "ref")]
    pub(crate) reference: Option<String>,
    /// Whether there were changes that are not in the commit.
    pub(crate) dirty: bool,
    /// RFC 3339 in UTC.
    pub(crate) commit_time: Option<String>,
    /// Where the catalog uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
}

/// One image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Service {
    pub(crate) name: String,
    /// Registry and repository, without tag or digest.
    pub(crate) repository: String,
    /// Of the manifest, or of the index of several.
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    /// In the order of the catalog.
    pub(crate) platforms: Vec<Platform>,
    /// Tags that were pushed; the push adds them.
    pub(crate) tags: Vec<String>,
    /// `cargo` or `dockerfile`.
    pub(crate) builder: String,
    /// Services that are released with it.
    pub(crate) coupled_with: Vec<String>,
    /// The images of registries it was built on, ordered by reference. Records from before there were any have none.
    #[serde(default)]
    pub(crate) bases: Vec<Base>,
    /// How it is made. Records from before there were any have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) recipe: Option<Recipe>,
    /// Of everything it was made of, in 64 hexadecimal digits; absent where that cannot be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fingerprint: Option<String>,
    /// Whether it was not built, since its registry has an image of the same inputs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) reused: bool,
    /// How its tests ended; absent if it was not tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tests: Option<Results>,
    /// What later stages added.
    #[serde(flatten)]
    pub(crate) more: BTreeMap<String, Value>,
}

/// The image of one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Platform {
    pub(crate) platform: String,
    /// Of the manifest.
    pub(crate) digest: Digest,
    /// Bytes of its blobs.
    pub(crate) size: u64,
    /// Bill of materials; absent where the builder knows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sbom: Option<Sbom>,
}

/// An image of a registry, as it was used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Base {
    /// Registry, repository and tag: `docker.io/library/debian:12-slim`.
    pub(crate) reference: Reference,
    /// What the reference meant: of a manifest, or of an index of several.
    pub(crate) digest: Digest,
}

/// A bill of materials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sbom {
    /// From the catalog's root.
    pub(crate) path: PathBuf,
    pub(crate) digest: Digest,
}

impl Record {
    /// The record of a build. Services of it that were not built have no entry.
    pub(crate) fn of(
        ctx: &Context,
        plan: &Plan<'_>,
        released: &[(&Planned<'_>, Release)],
    ) -> eyre::Result<Self> {
        let checkout = plan.checkout;
        let engine = if ctx.engine().is_embedded() {
            "embedded"
        } else {
            "dagger"
        };
        let mut services: Vec<Service> = released
            .iter()
            .map(|(planned, release)| service(ctx, planned, release))
            .collect::<eyre::Result<_>>()?;
        services.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self {
            schema_version: SCHEMA_VERSION,
            project: ctx.catalog().project().name.to_string(),
            source: Source {
                repository: checkout.repository.clone(),
                commit: checkout.commit.clone(),
                reference: checkout.reference.clone(),
                dirty: checkout.dirty,
                commit_time: checkout.commit_time.map(rfc3339).transpose()?,
                version: checkout.version.as_ref().map(ToString::to_string),
            },
            environment: plan.environment.map(Name::to_string),
            engine: engine.to_owned(),
            services,
        })
    }

    /// The record that is there, if there is one of this version.
    pub(crate) fn read(project: &Project) -> Option<Self> {
        let record: Self = files::read_json(&project.state_dir().join(FILE))?;
        (record.schema_version == SCHEMA_VERSION).then_some(record)
    }

    /// The record that a later stage works from.
    ///
    /// # Errors
    /// When nothing has been built, or another version of this program did.
    pub(crate) fn required(project: &Project) -> Result<Self, UserError> {
        Self::read(project).ok_or_else(|| {
            let message = "nothing has been built: there is no release record of this version";
            UserError::new(Exit::Usage, message).hint("`build` writes it: .pipeline/release.json")
        })
    }

    /// The image of a service.
    pub(crate) fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// Merges it with the record that is there, writes the result and returns it.
    pub(crate) async fn write(self, ctx: &Context, plan: &Plan<'_>) -> eyre::Result<Self> {
        let path = ctx.state_dir().join(FILE);
        let _lock = lock(ctx.state_dir()).await?;
        let attempted: BTreeSet<&str> = plan.wanted().map(|it| it.service.name.as_str()).collect();
        let stays = |name: &str| !attempted.contains(name) && ctx.catalog().service(name).is_some();
        let before = files::read_json::<Self>(&path);
        let merged = match before.clone() {
            Some(before) => self.merge(before, stays),
            None => self,
        };
        // Written only when it differs: whoever watches the file sees releases, not builds.
        if before.as_ref() != Some(&merged) {
            files::write_json(&path, &merged)?;
        }
        Ok(merged)
    }

    /// Adds what is still true of `before`: of services that were not built now, those that `stays` says yes to.
    fn merge(mut self, before: Self, stays: impl Fn(&str) -> bool) -> Self {
        let is_same = self.schema_version == before.schema_version
            && self.project == before.project
            && self.source.commit == before.source.commit
            && self.source.dirty == before.source.dirty
            && self.source.version == before.source.version
            && self.environment == before.environment
            && self.engine == before.engine;
        if !is_same {
            return self;
        }
        for old in before.services {
            let new = self.services.iter_mut().find(|new| new.name == old.name);
            match new {
                Some(new) if new.digest == old.digest => {
                    new.tags = old.tags;
                    new.tests = old.tests;
                    new.more = old.more;
                }
                Some(_) => {}
                None if stays(&old.name) => self.services.push(old),
                None => {}
            }
        }
        self.services.sort_by(|a, b| a.name.cmp(&b.name));
        self
    }
}

/// Changes the record that is there, and returns it.
///
/// # Errors
/// When there is none, or it cannot be written.
pub(crate) async fn change(
    project: &Project,
    change: impl FnOnce(&mut Record),
) -> eyre::Result<Record> {
    let _lock = lock(project.state_dir()).await?;
    let before = Record::required(project)?;
    let mut after = before.clone();
    change(&mut after);
    if after != before {
        files::write_json(&project.state_dir().join(FILE), &after)?;
    }
    Ok(after)
}

/// Two runs may end at once; each adds to what the other wrote.
async fn lock(state_dir: &Path) -> std::io::Result<Lock> {
    Lock::wait(&state_dir.join(".release.lock")).await
}

impl Source {
    /// As if it were checked out now.
    pub(crate) fn checkout(&self) -> Checkout {
        let time = self.commit_time.as_deref();
        let time = time.and_then(|time| time.parse::<jiff::Timestamp>().ok());
        Checkout {
            repository: self.repository.clone(),
            commit: self.commit.clone(),
            reference: self.reference.clone(),
            dirty: self.dirty,
            commit_time: time.map(jiff::Timestamp::as_second),
            unknown: None,
            version: self.version.as_deref().and_then(|it| it.parse().ok()),
        }
    }
}

fn service(ctx: &Context, planned: &Planned<'_>, release: &Release) -> eyre::Result<Service> {
    let unit = ctx.catalog().release_unit(planned.service).into_iter();
    let others = unit.filter(|other| other.name != planned.service.name);
    let platforms = release.platforms.iter().map(|variant| Platform {
        platform: variant.platform.to_string(),
        digest: variant.digest,
        size: variant.size,
        sbom: variant
            .sbom
            .clone()
            .map(|(path, digest)| Sbom { path, digest }),
    });
    // The Dockerfile may call one image by several names.
    let bases: BTreeSet<Base> = release
        .bases
        .iter()
        .map(|base| Base {
            reference: base.reference.clone(),
            digest: base.digest,
        })
        .collect();
    Ok(Service {
        name: planned.service.name.to_string(),
        repository: planned.service.repository.clone(),
        digest: release.descriptor.digest,
        media_type: release.descriptor.media_type.clone(),
        platforms: platforms.collect(),
        tags: Vec::new(),
        builder: match planned.service.builder {
            Builder::Cargo(_) => "cargo".into(),
            Builder::Dockerfile(_) => "dockerfile".into(),
        },
        coupled_with: others.map(|other| other.name.to_string()).collect(),
        bases: bases.into_iter().collect(),
        recipe: Some(Recipe::of(ctx.project(), planned)?),
        fingerprint: release.fingerprint.map(|it| it.to_string()),
        reused: release.is_reused,
        tests: None,
        more: BTreeMap::new(),
    })
}

#[cfg(test)]
mod tests;
