//! Fingerprints of services: one digest over everything an image is made of, known before it is built, and the same on every machine
//! ([`ci_catalog::fingerprint`]). Here the inputs are read: contexts, sources, toolchains; digests of base images come from the caller.
//!
//! A fingerprint that leaves something out is worse than none. So a service has none where an input cannot be known beforehand, and
//! loses it where a build turns out to have read more ([`Marks::confirm`]).

mod cargo;
mod contents;
mod cover;
mod dockerfile;

use std::collections::{BTreeMap, BTreeSet};

use ci_catalog::fingerprint::{BuilderInputs, ContextInput, Fingerprint, Inputs};
use ci_catalog::{Builder, Name, Platform};
use ci_oci::assembly::PROFILE;
use ci_store::Store;
use futures::future::join_all;

pub(crate) use self::contents::Contents;
pub(crate) use self::dockerfile::bases;
use super::bases::Base;
use super::plan::{Plan, Planned};
use crate::context::Context;
use crate::error::Failure;
use crate::project::Project;
use crate::stages::build::Prepared;

/// Digests of base images by their references.
pub(crate) type Digests = BTreeMap<String, String>;

/// The fingerprints of the services of a plan, for the platforms of their images.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    by_name: BTreeMap<Name, Result<Mark, String>>,
    /// Of what is on this machine, for all services that are built or read.
    contents: BTreeMap<Key, Option<Fingerprint>>,
}

/// A fingerprint, and what it takes to be all that a build reads.
#[derive(Debug, Clone)]
struct Mark {
    fingerprint: Fingerprint,
    /// The same without what is elsewhere: bases, and other services.
    contents: Fingerprint,
    assumed: Assumed,
}

/// What a build is taken to read.
#[derive(Debug, Clone)]
enum Assumed {
    Cargo(cargo::Assumed),
    Dockerfile(dockerfile::Assumed),
}

/// A service for some platforms.
type Key = (Name, BTreeSet<Platform>);

impl Marks {
    /// Finds the fingerprints of a plan's services. `digests` tells what bases of a service mean now.
    pub(crate) async fn of(
        project: &Project,
        plan: &Plan<'_>,
        contents: &Contents,
        digests: impl AsyncFn(&Planned<'_>, Vec<Base>) -> eyre::Result<Digests>,
    ) -> Self {
        let mut known: BTreeMap<Key, Result<Mark, String>> = BTreeMap::new();
        let wanted = platforms(plan);
        let asking = plan.services.iter().map(async |planned| {
            let bases = bases(project, planned)?;
            digests(planned, bases).await
        });
        let answers = join_all(asking).await;
        for (planned, digests) in plan.services.iter().zip(answers) {
            let name = &planned.service.name;
            for set in wanted.get(name).into_iter().flatten() {
                let mark = match &digests {
                    Ok(digests) => {
                        let read = |other: &Name| known.get(&(other.clone(), set.clone()));
                        mark(project, planned, set, digests, contents, read)
                    }
                    Err(error) => Err(told(error)),
                };
                known.insert((name.clone(), set.clone()), mark);
            }
        }
        let contents = known.iter().map(|(key, mark)| {
            let contents = mark.as_ref().ok().map(|mark| mark.contents);
            (key.clone(), contents)
        });
        let contents = contents.collect();
        let own = plan.wanted().filter_map(|planned| {
            let set = planned.platforms.iter().cloned().collect();
            let name = planned.service.name.clone();
            let mark = known.remove(&(name.clone(), set))?;
            Some((name, mark))
        });
        Self {
            by_name: own.collect(),
            contents,
        }
    }

    /// Whether what is on this machine is the same for both.
    pub(crate) fn has_contents_of(&self, other: &Self) -> bool {
        self.contents == other.contents
    }

    /// The fingerprint of a service; or why it has none.
    pub(crate) fn get(&self, name: &Name) -> Result<Fingerprint, &str> {
        match self.by_name.get(name) {
            Some(Ok(mark)) => Ok(mark.fingerprint),
            Some(Err(reason)) => Err(reason),
            None => Err("it is not asked for"),
        }
    }

    /// The fingerprint of a service that was built; or why its build is not covered by the one that was computed.
    pub(crate) fn confirm(
        &self,
        ctx: &Context,
        planned: &Planned<'_>,
        prepared: &[(Platform, Prepared)],
    ) -> Result<Fingerprint, String> {
        let name = &planned.service.name;
        let mark = match self.by_name.get(name) {
            Some(Ok(mark)) => mark,
            _ => return self.get(name).map_err(str::to_owned),
        };
        match &mark.assumed {
            Assumed::Cargo(assumed) => assumed.cover(ctx.root(), prepared)?,
            Assumed::Dockerfile(assumed) => cover::cover(ctx, planned, assumed, prepared)?,
        }
        Ok(mark.fingerprint)
    }
}

/// For which platforms the fingerprint of each service counts: those of its image, and those of the images of its readers.
fn platforms(plan: &Plan<'_>) -> BTreeMap<Name, BTreeSet<BTreeSet<Platform>>> {
    let mut wanted: BTreeMap<Name, BTreeSet<BTreeSet<Platform>>> = BTreeMap::new();
    // Services come after those they read.
    for planned in plan.services.iter().rev() {
        let name = &planned.service.name;
        if planned.wanted {
            let own = planned.platforms.iter().cloned().collect();
            wanted.entry(name.clone()).or_default().insert(own);
        }
        let sets = wanted.get(name).cloned().unwrap_or_default();
        for other in planned.service.dependencies() {
            wanted
                .entry(other.clone())
                .or_default()
                .extend(sets.clone());
        }
    }
    wanted
}

fn mark<'a>(
    project: &Project,
    planned: &Planned<'_>,
    platforms: &BTreeSet<Platform>,
    digests: &Digests,
    contents: &Contents,
    read: impl Fn(&Name) -> Option<&'a Result<Mark, String>>,
) -> Result<Mark, String> {
    let service = planned.service;
    let all: Vec<Platform> = platforms.iter().cloned().collect();
    let mut inputs = Inputs::of(service, PROFILE, &all, &planned.variables)
        .map_err(|error| error.to_string())?;
    let assumed = match (&mut inputs.builder, &service.builder) {
        (BuilderInputs::Cargo(inputs), Builder::Cargo(builder)) => {
            let assumed = cargo::fill(inputs, project, builder, &all, contents);
            assumed.map(Assumed::Cargo)
        }
        (BuilderInputs::Dockerfile(inputs), Builder::Dockerfile(builder)) => {
            let fingerprint = |name: &Name| match read(name) {
                Some(Ok(mark)) => Ok(mark.fingerprint),
                Some(Err(reason)) => Err(format!("it reads {name}, of which it holds: {reason}")),
                None => Err(format!("nothing is known of {name}, which it reads")),
            };
            let place = dockerfile::Place {
                project,
                planned,
                builder,
                platforms: &all,
            };
            let assumed = dockerfile::fill(inputs, &place, digests, contents, fingerprint);
            assumed.map(Assumed::Dockerfile)
        }
        _ => Err(eyre::eyre!("its builder is another one than its inputs")),
    };
    let assumed = assumed.map_err(|error| told(&error))?;
    let fingerprint = inputs.fingerprint();
    if let BuilderInputs::Dockerfile(inputs) = &mut inputs.builder {
        inputs.bases.clear();
        let is_content = |input: &ContextInput| matches!(input, ContextInput::Content(_));
        inputs.contexts.retain(|_, input| is_content(input));
    }
    Ok(Mark {
        assumed,
        fingerprint,
        contents: inputs.fingerprint(),
    })
}

/// An error in one line.
fn told(error: &eyre::Report) -> String {
    let failure = Failure::of(error);
    let lines = std::iter::once(failure.message).chain(failure.causes);
    crate::text::one_line(&lines.collect::<Vec<_>>().join(": "))
}

/// What the files of this machine tell of what is built, before anybody is asked for bases.
pub(crate) async fn of_contents(ctx: &Context, plan: &Plan<'_>) -> Marks {
    let unknown = async |_: &Planned<'_>, bases: Vec<Base>| {
        let digest = |base: &Base| (base.reference.to_string(), String::new());
        Ok(bases.iter().map(digest).collect())
    };
    match ctx.engine().store() {
        Some(store) => {
            let contents = Contents::new(Some(Store::clone(store)));
            Marks::of(ctx.project(), plan, &contents, unknown).await
        }
        None => Marks::default(),
    }
}

/// The fingerprints of what is built, with the bases that it is built on.
pub(crate) async fn of_build(ctx: &Context, plan: &Plan<'_>) -> Marks {
    // What a Dagger engine makes of the inputs is its own affair.
    let Some(store) = ctx.engine().store() else {
        return Marks::default();
    };
    let contents = Contents::new(Some(Store::clone(store)));
    let digests = async |planned: &Planned<'_>, bases: Vec<Base>| {
        let references: Vec<String> = bases.iter().map(|it| it.reference.to_string()).collect();
        let pinned = super::bases::pin(ctx, planned, bases).await?;
        let digests = pinned.iter().map(|base| base.digest.to_string());
        Ok(references.into_iter().zip(digests).collect())
    };
    Marks::of(ctx.project(), plan, &contents, digests).await
}

#[cfg(test)]
mod tests;
