//! What the release record offers for promotion: images that were pushed.

use std::collections::BTreeSet;

use ci_catalog::{Service, Tag};
use ci_deployments::{Candidate, InvalidRelease};

use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::stages::build::web_address;
use crate::stages::plan::{Plan, tags_of, with_fingerprint};
use crate::stages::record::Record;

/// The release record, and its images as candidates.
#[derive(Debug)]
pub(super) struct Release {
    record: Record,
    candidates: Vec<Candidate>,
}

impl Release {
    /// Reads the record.
    ///
    /// # Errors
    /// When there is none, or its images are of no commit.
    pub(super) fn read(project: &Project, environment: &str) -> eyre::Result<Self> {
        let record = Record::required(project)?;
        let candidates = ci_deployments::candidates(&serde_json::to_vec(&record)?);
        let mut candidates = candidates.map_err(|error| {
            let hint = match error {
                InvalidRelease::Dirty => "commit, then `build` and `push` again",
                InvalidRelease::NoCommit => "build in a git checkout",
                _ => "`build` again",
            };
            UserError::new(Exit::Usage, error.to_string()).hint(hint)
        })?;
        for candidate in &mut candidates {
            // The same however it was cloned: commits of different repositories are not compared.
            let address = candidate.source.repository.take();
            candidate.source.repository = address.map(|it| web_address(&it).unwrap_or(it));
            order_tags(project, &record, environment, candidate);
        }
        Ok(Self { record, candidates })
    }

    /// The services it has, those of the catalog only.
    pub(super) fn services(&self, project: &Project) -> Vec<String> {
        let names = self.record.services.iter().map(|it| it.name.clone());
        names
            .filter(|it| project.catalog().service(it).is_some())
            .collect()
    }

    /// The images of a unit.
    ///
    /// # Errors
    /// When one of them was built and not pushed. One that was not built is left out: the plan says so.
    pub(super) fn candidates(&self, unit: &[&Service]) -> eyre::Result<Vec<Candidate>> {
        let mut found = Vec::new();
        for service in unit {
            let name = service.name.as_str();
            if self
                .record
                .service(name)
                .is_some_and(|it| it.tags.is_empty())
            {
                return Err(UserError::new(
                    Exit::Usage,
                    format!("{name} was built, and not pushed"),
                )
                .hint(format!(
                    "`push {name}` first: what is promoted has to be in its registry"
                ))
                .into());
            }
            found.extend(
                self.candidates
                    .iter()
                    .find(|it| it.service == name)
                    .cloned(),
            );
        }
        Ok(found)
    }
}

/// Puts the tag that the environment gives images first, and drops those that move: they say nothing of what is pinned.
fn order_tags(project: &Project, record: &Record, environment: &str, candidate: &mut Candidate) {
    let mut moving = BTreeSet::new();
    let mut own = Vec::new();
    for other in project.catalog().environments() {
        let name = other.name.as_str();
        for tag in tags(project, record, name, &candidate.service) {
            if tag.moving {
                moving.insert(tag.text);
            } else if name == environment {
                own.push(tag.text);
            }
        }
    }
    candidate.tags.retain(|tag| !moving.contains(tag));
    candidate
        .tags
        .sort_by_key(|tag| own.iter().position(|it| it == tag).unwrap_or(usize::MAX));
    candidate.image.tag = candidate.tags.first().cloned();
}

/// The tags that an environment gives the image; none where they cannot be told any more.
fn tags(project: &Project, record: &Record, environment: &str, service: &str) -> Vec<Tag> {
    let checkout = record.source.checkout();
    let request = crate::stages::Request {
        services: vec![service.to_owned()],
        environment: Some(environment.to_owned()),
        ..crate::stages::Request::default()
    };
    let catalog = project.catalog();
    let plan = Plan::new(catalog, &checkout, project.source_date_epoch(), &request);
    let Ok(plan) = plan else {
        return Vec::new();
    };
    let Some(planned) = plan.wanted().find(|it| it.service.name.as_str() == service) else {
        return Vec::new();
    };
    let fingerprint = record
        .service(service)
        .and_then(|it| it.fingerprint.as_ref()?.parse().ok());
    let variables = match fingerprint {
        Some(fingerprint) => with_fingerprint(&planned.variables, &fingerprint),
        None => planned.variables.clone(),
    };
    tags_of(
        catalog,
        planned.service,
        catalog.environment(environment),
        &variables,
    )
    .unwrap_or_default()
}
