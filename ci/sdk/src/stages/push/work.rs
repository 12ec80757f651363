//! What a push is to do: the units, images and tags that the release record and the catalog ask for, all checked before anything is
//! sent.

use std::collections::BTreeSet;

use ci_catalog::fingerprint::Fingerprint;
use ci_catalog::{Tag, distinct_tags};
use ci_oci::{Descriptor, Reference};

use super::Request;
use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::stages::plan::{Plan, tags_of, with_fingerprint};
use crate::stages::record::{Record, Service};

/// Images that are released together.
#[derive(Debug)]
pub(super) struct Unit {
    /// Ordered by service.
    pub(super) images: Vec<Work>,
}

/// One image that is to be pushed.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) service: String,
    /// Its repository, without tag or digest.
    pub(super) repository: Reference,
    /// Its manifest, or the index of several.
    pub(super) image: Descriptor,
    /// Whether it was not built, since its registry has it. Then it is not at hand.
    pub(super) is_in_registry: bool,
    /// Of what it was made of, where that is known.
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) tags: Vec<Tag>,
    /// Repositories of the same registry that may have some of its blobs.
    pub(super) mounts: Vec<String>,
}

/// The units that a request asks for. `stored` are the images at hand.
pub(super) fn of(
    project: &Project,
    record: &Record,
    stored: &[Descriptor],
    request: &Request,
) -> eyre::Result<Vec<Unit>> {
    if record.source.dirty && !request.allow_dirty {
        let message = "the images were built from uncommitted changes, and their tags would name a commit that has none of them";
        return Err(UserError::new(Exit::Usage, message)
            .hint("commit and build again, or push them all the same with `--allow-dirty`")
            .into());
    }
    let checkout = record.source.checkout();
    let environment = request.environment.as_ref().or(record.environment.as_ref());
    let wanted = super::super::Request {
        services: match &request.services[..] {
            [] => record.services.iter().map(|it| it.name.clone()).collect(),
            named => named.to_vec(),
        },
        environment: environment.cloned(),
        ..super::super::Request::default()
    };
    let catalog = project.catalog();
    let epoch = project.source_date_epoch();
    let plan = Plan::new(catalog, &checkout, epoch, &wanted)?;
    let environment = environment.and_then(|name| catalog.environment(name));
    let mut works = Vec::new();
    for planned in plan.wanted() {
        let service = planned.service;
        let built = record.service(service.name.as_str()).ok_or_else(|| {
            let message = format!("{} was not built", service.name);
            UserError::new(Exit::Usage, message).hint(format!("`build {}` first", service.name))
        })?;
        let variables = match fingerprint(built) {
            Some(fingerprint) => with_fingerprint(&planned.variables, &fingerprint),
            None => planned.variables.clone(),
        };
        let tags = tags_of(catalog, service, environment, &variables)?;
        works.push((service, built, tags));
    }
    distinct_tags(works.iter().map(|(service, _, tags)| (*service, &tags[..])))
        .map_err(|conflict| UserError::new(Exit::Usage, conflict.to_string()))?;
    let mut units: Vec<Unit> = Vec::new();
    let mut done = BTreeSet::new();
    for (service, ..) in &works {
        if done.contains(&service.name) {
            continue;
        }
        let members: BTreeSet<_> = catalog
            .release_unit(service)
            .into_iter()
            .map(|member| &member.name)
            .collect();
        let of_unit = works
            .iter()
            .filter(|(service, ..)| members.contains(&service.name));
        let mut images = Vec::new();
        for (service, built, tags) in of_unit {
            images.push(work(stored, built, &service.repository, tags.clone())?);
        }
        images.sort_by(|a, b| a.service.cmp(&b.service));
        units.push(Unit { images });
        done.extend(members);
    }
    Ok(units)
}

fn fingerprint(built: &Service) -> Option<Fingerprint> {
    built.fingerprint.as_ref()?.parse().ok()
}

fn work(
    stored: &[Descriptor],
    built: &Service,
    repository: &str,
    tags: Vec<Tag>,
) -> eyre::Result<Work> {
    let image = stored.iter().find(|image| image.digest == built.digest);
    let is_in_registry = image.is_none() && built.reused;
    let found = Descriptor::new(&built.media_type, built.digest, 0);
    let image = image.or(is_in_registry.then_some(&found)).ok_or_else(|| {
        let message = format!(
            "the image of {} that was recorded, {}, is no longer there",
            built.name, built.digest
        );
        UserError::new(Exit::Usage, message).hint(format!("`build {}` again", built.name))
    })?;
    let repository: Reference = repository.parse()?;
    let bases = built.bases.iter().map(|base| &base.reference);
    let mounts = bases
        .filter(|base| base.registry() == repository.registry())
        .map(|base| base.repository().to_owned())
        .collect::<BTreeSet<_>>();
    Ok(Work {
        service: built.name.clone(),
        image: image.clone(),
        is_in_registry,
        fingerprint: fingerprint(built),
        mounts: mounts.into_iter().collect(),
        repository,
        tags,
    })
}
