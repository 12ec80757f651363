//! Which images of registries a Dockerfile names, without an engine: the file is read as `dockerBuild` reads it.

use std::collections::{BTreeMap, BTreeSet};

use ci_catalog::{Builder, ContextSource, DockerfileBuilder, Name, Placeholder, Platform};
use ci_dockerfile::Base::Image as FromImage;
use ci_dockerfile::{External, Plan as DockerfilePlan};
use ci_oci::Reference;

use super::Base;
use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::stages::Request;
use crate::stages::dockerfile::Dockerfile;
use crate::stages::plan::{Plan, Planned};

/// The bases that a target of a service's Dockerfile needs for a platform, each once.
///
/// # Errors
/// When the Dockerfile cannot be read or planned, an argument cannot be rendered, or a name is no reference.
pub(crate) fn of(
    project: &Project,
    planned: &Planned<'_>,
    builder: &DockerfileBuilder,
    platform: &Platform,
) -> eyre::Result<Vec<Base>> {
    let Dockerfile { name, text, plan } = Dockerfile::read(project, planned, builder, platform)?;
    let externals = plan.externals().iter();
    externals
        .filter_map(|external| {
            let place = |image: &str| place(&name, &text, &plan, image);
            base(planned, builder, external, place).transpose()
        })
        .collect()
}

/// The line of a FROM, and what else it may have meant; the file, where it is not a FROM that names the image.
fn place(name: &str, text: &[u8], plan: &DockerfilePlan, image: &str) -> String {
    let stages = plan.needed().iter().filter_map(|id| plan.stage(*id));
    let line = stages
        .filter(|stage| matches!(&stage.base, FromImage { reference, .. } if reference == image))
        .map(|stage| stage.span.first_line)
        .min();
    let meant = match plan.nearest_stage(image) {
        Some(stage) => format!(" (did you mean the stage {stage}?)"),
        None => String::new(),
    };
    let text = String::from_utf8_lossy(text);
    let numbered = (1..).zip(text.lines());
    match line.and_then(|line| numbered.into_iter().find(|(number, _)| *number == line)) {
        Some((line, text)) => format!("{name}:{line}: {}{meant}", text.trim()),
        None => format!("{name}: {image}{meant}"),
    }
}

/// What a Dockerfile is built with: the catalog's arguments, and the time that images carry.
pub(crate) fn arguments(
    project: &Project,
    planned: &Planned<'_>,
    builder: &DockerfileBuilder,
) -> Result<BTreeMap<String, String>, UserError> {
    let mut arguments = BTreeMap::new();
    for (name, template) in &builder.args {
        let value = planned.render(&format!("dockerfile.args.{name}"), template)?;
        arguments.insert(name.clone(), value);
    }
    arguments
        .entry("SOURCE_DATE_EPOCH".into())
        .or_insert_with(|| project.source_date_epoch().to_string());
    Ok(arguments)
}

fn base(
    planned: &Planned<'_>,
    builder: &DockerfileBuilder,
    external: &External,
    place: impl Fn(&str) -> String,
) -> eyre::Result<Option<Base>> {
    let (name, written, platform, place) = match external {
        External::Image {
            reference,
            platform,
        } => (reference, reference, platform, place(reference)),
        External::Context { name, platform } => match builder.contexts.get(name) {
            Some(ContextSource::Image(reference)) => {
                let manifest = planned.service.manifest.display();
                let place = format!("{manifest}: `dockerfile.contexts.{name}`");
                (name, reference, platform, place)
            }
            _ => return Ok(None),
        },
    };
    let reference: Reference = written
        .parse()
        .map_err(|error| UserError::new(Exit::Usage, format!("{place}: {error}")))?;
    Ok(Some(Base {
        name: name.clone(),
        reference: reference.or_latest(),
        platform: platform.to_string(),
        place,
    }))
}

/// A base, and the services that use it.
pub(crate) type Users = BTreeMap<Reference, BTreeSet<Name>>;

/// Everything in `pipeline.lock` that services use: in their images and in the targets of their checks, for all their platforms and
/// in every environment. Without names: all services of the catalog.
///
/// # Errors
/// As [`of`].
pub(crate) fn used(project: &Project, names: &[String]) -> eyre::Result<Users> {
    let catalog = project.catalog();
    let all = || catalog.services().map(|service| service.name.to_string());
    let request = Request {
        services: if names.is_empty() {
            all().collect()
        } else {
            names.to_vec()
        },
        ..Request::default()
    };
    let plan = Plan::of(project, &request)?;
    let mut users = Users::new();
    for planned in plan.services {
        let name = planned.service.name.clone();
        for planned in in_each_environment(project, planned) {
            for base in of_service(project, &planned)? {
                if let Some(key) = base.key() {
                    users.entry(key.clone()).or_default().insert(name.clone());
                }
            }
        }
    }
    Ok(users)
}

/// A service as it is built, once for every environment if its arguments can tell them apart.
fn in_each_environment<'a>(project: &Project, planned: Planned<'a>) -> Vec<Planned<'a>> {
    let args = match &planned.service.builder {
        Builder::Dockerfile(builder) => builder.args.values(),
        Builder::Cargo(_) => return Vec::new(),
    };
    let tells_apart = args
        .flat_map(|template| template.placeholders())
        .any(|placeholder| placeholder == Placeholder::Env);
    let environments = project.catalog().environments();
    if !tells_apart || environments.len() == 0 {
        return vec![planned];
    }
    environments
        .map(|environment| Planned {
            variables: planned
                .variables
                .clone()
                .with(Placeholder::Env, environment.name.as_str()),
            ..planned.clone()
        })
        .collect()
}

/// The bases of a service: those of its image, and those of the targets its checks run in.
pub(crate) fn of_service(project: &Project, planned: &Planned<'_>) -> eyre::Result<Vec<Base>> {
    let Builder::Dockerfile(builder) = &planned.service.builder else {
        return Ok(Vec::new());
    };
    let checks = planned.service.checks.iter();
    let checks = checks.filter_map(|check| check.target.clone()).map(Some);
    let targets: BTreeSet<_> = checks.chain([builder.target.clone()]).collect();
    let mut bases = BTreeSet::new();
    for target in targets {
        let builder = DockerfileBuilder {
            target,
            ..builder.clone()
        };
        for platform in &planned.needed {
            bases.extend(of(project, planned, &builder, platform)?);
        }
    }
    Ok(bases.into_iter().collect())
}

#[cfg(test)]
mod tests;
