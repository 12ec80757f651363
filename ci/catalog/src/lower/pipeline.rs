//! A whole `pipeline.toml`: the project and its environments, and the repositories that follow from them.

use std::collections::BTreeMap;

use super::{Lowering, limits, registries};
use crate::format::{At, EnvironmentTable, PipelineFile};
use crate::reference;
use crate::{Environment, Limits, Name, Placeholder, Project, Registries, Template, Variables};

const REPOSITORY_PLACEHOLDERS: &[Placeholder] = &[
    Placeholder::Project,
    Placeholder::Registry,
    Placeholder::Service,
];

/// A tag cannot hold the colons of `{commit_time}` or the slashes of `{registry}`.
const TAG_PLACEHOLDERS: &[Placeholder] = &[
    Placeholder::Branch,
    Placeholder::Env,
    Placeholder::Project,
    Placeholder::Service,
    Placeholder::Sha,
    Placeholder::ShortSha,
    Placeholder::SourceDateEpoch,
];

/// What a `pipeline.toml` says, apart from its services.
pub(crate) struct Pipeline {
    pub(crate) project: Option<Project>,
    pub(crate) environments: BTreeMap<Name, Environment>,
    pub(crate) registries: Registries,
    pub(crate) limits: Limits,
}

/// What the `pipeline.toml` of a catalog with so many `services` says.
pub(crate) fn pipeline(
    lowering: &mut Lowering<'_>,
    file: &PipelineFile,
    services: usize,
) -> Pipeline {
    let name = lowering.name(&file.project.name, "a project");
    let registry = registry(lowering, &file.project.registry);
    let repository = lowering.template(&file.project.repository, REPOSITORY_PLACEHOLDERS);
    let shared = services > 1
        && repository
            .as_ref()
            .is_some_and(|template| !uses(template, Placeholder::Service));
    let mut environments = BTreeMap::new();
    for (at, table) in &file.environments {
        let name = lowering.name(at, "an environment");
        lowering.anchor = lowering.span(at);
        if let (Some(name), Some(tag)) = (name, tag(lowering, table, shared)) {
            environments.insert(name.clone(), Environment { name, tag });
        }
    }
    lowering.anchor = 0..0;
    let project = || {
        Some(Project {
            name: name?,
            registry: registry?,
            repository: repository?,
        })
    };
    Pipeline {
        project: project(),
        environments,
        registries: registries::registries(lowering, &file.registries),
        limits: limits::limits(lowering, &file.limits),
    }
}

/// The repository of one service.
pub(crate) fn repository(
    lowering: &mut Lowering<'_>,
    file: &PipelineFile,
    project: &Project,
    service: &Name,
) -> Option<String> {
    let variables = Variables::new()
        .with(Placeholder::Project, project.name.as_str())
        .with(Placeholder::Registry, project.registry.as_str())
        .with(Placeholder::Service, service.as_str());
    let repository = project.repository.render(&variables).ok()?;
    if let Some(fault) = reference::repository_fault(&repository) {
        lowering.anchor = lowering.span(&file.project.registry);
        let message = format!("the image of `{service}` would be `{repository}`, and {fault}");
        lowering.error(&file.project.repository, message);
        return None;
    }
    Some(repository)
}

fn registry(lowering: &mut Lowering<'_>, at: &At<String>) -> Option<String> {
    // Host and namespace, or a host alone: what becomes a repository with one more component.
    let Some(fault) = reference::repository_fault(&format!("{}/x", at.value)) else {
        return Some(at.value.clone());
    };
    let message = format!("`{}` is not a registry: {fault}", at.value);
    lowering
        .error(at, message)
        .help("write host and namespace, as in `registry.example.com/acme`");
    None
}

fn tag(
    lowering: &mut Lowering<'_>,
    table: &EnvironmentTable,
    shared_repository: bool,
) -> Option<Template> {
    let at = &table.tag;
    let template = lowering.template(at, TAG_PLACEHOLDERS)?;
    if let Some(fault) = reference::tag_fault(&template) {
        lowering.error(at, fault).help(
            "a tag has letters, digits, `_`, `.` and `-`, and begins with neither of the last two",
        );
        return None;
    }
    if !uses(&template, Placeholder::Sha) && !uses(&template, Placeholder::ShortSha) {
        // An existing tag is never moved, so a tag that does not change could be pushed only once.
        lowering
            .error(at, "a tag must say which commit the image is of")
            .help("add `{sha}` or `{short_sha}`, as in `{env}-{sha}-{service}`");
        return None;
    }
    if shared_repository && !uses(&template, Placeholder::Service) {
        lowering
            .error(
                at,
                "several services would have the same repository and tag",
            )
            .help("add `{service}` here or to `repository`");
        return None;
    }
    Some(template)
}

fn uses(template: &Template, placeholder: Placeholder) -> bool {
    template.placeholders().any(|used| used == placeholder)
}
