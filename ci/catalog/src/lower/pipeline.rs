//! A whole `pipeline.toml`: the project and its environments, and the repositories that follow from them.

use std::collections::BTreeMap;

use super::{Lowering, limits, registries, signing, tags};
use crate::format::{At, PipelineFile};
use crate::reference;
use crate::{Environment, Limits, Name, Placeholder, Project, Registries, Signing, Variables};

const REPOSITORY_PLACEHOLDERS: &[Placeholder] = &[
    Placeholder::Project,
    Placeholder::Registry,
    Placeholder::Service,
];

/// The checked values of a `pipeline.toml`.
pub(crate) struct Pipeline {
    pub(crate) project: Option<Project>,
    pub(crate) environments: BTreeMap<Name, Environment>,
    pub(crate) registries: Registries,
    pub(crate) limits: Limits,
    pub(crate) signing: Signing,
}

/// What a `pipeline.toml` says, apart from its services.
pub(crate) fn pipeline(lowering: &mut Lowering<'_>, file: &PipelineFile) -> Pipeline {
    let name = lowering.name(&file.project.name, "a project");
    let registry = registry(lowering, &file.project.registry);
    let repository = lowering.template(&file.project.repository, REPOSITORY_PLACEHOLDERS);
    let tags = tags::fixed(lowering, &file.project.tags);
    let mut environments = BTreeMap::new();
    for (at, table) in &file.environments {
        let name = lowering.name(at, "an environment");
        let tags = match &table.tags {
            None => Some(None),
            Some(list) => tags::fixed(lowering, list).map(Some),
        };
        let moving_tags = tags::moving(lowering, &table.moving_tags);
        if let (Some(name), Some(tags)) = (name, tags) {
            let environment = Environment {
                name: name.clone(),
                tags,
                moving_tags,
                deploy: table.deploy.clone(),
            };
            environments.insert(name, environment);
        }
    }
    let project = || {
        Some(Project {
            name: name?,
            registry: registry?,
            repository: repository?,
            tags: tags?,
        })
    };
    Pipeline {
        project: project(),
        environments,
        registries: registries::registries(lowering, &file.registries),
        limits: limits::limits(lowering, &file.limits),
        signing: signing::signing(lowering, &file.signing),
    }
}

/// The repository of one service, from its own template or the project's.
pub(crate) fn repository(
    lowering: &mut Lowering<'_>,
    at: &At<String>,
    project: &Project,
    service: &Name,
) -> Option<String> {
    let template = lowering.template(at, REPOSITORY_PLACEHOLDERS)?;
    let variables = Variables::new()
        .with(Placeholder::Project, project.name.as_str())
        .with(Placeholder::Registry, project.registry.as_str())
        .with(Placeholder::Service, service.as_str());
    let repository = template.render(&variables).ok()?.to_ascii_lowercase();
    if let Some(fault) = reference::repository_fault(&repository) {
        let message = format!("the image of `{service}` would be `{repository}`, and {fault}");
        lowering.error(at, message);
        return None;
    }
    Some(repository)
}

fn registry(lowering: &mut Lowering<'_>, at: &At<String>) -> Option<String> {
    // Host and namespace, or a host alone: what becomes a repository with one more component.
    let registry = at.value.to_ascii_lowercase();
    let Some(fault) = reference::repository_fault(&format!("{registry}/x")) else {
        return Some(registry);
    };
    let message = format!("`{}` is not a registry: {fault}", at.value);
    lowering
        .error(at, message)
        .help("write host and namespace, as in `registry.example.com/acme`");
    None
}
