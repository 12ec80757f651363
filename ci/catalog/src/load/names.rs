//! Images of several services that would have one name: the same repository and the same tag.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::Draft;
use crate::diagnostic::Problems;
use crate::format::PipelineFile;
use crate::source::Source;
use crate::tags::Level;
use crate::{Catalog, Environment, Name, Placeholder, Service, Template, Variables};

/// Reports services whose images would have one name, whatever commit they are of, in some environment or in none.
pub(super) fn report_shared(
    catalog: &Catalog,
    file: &PipelineFile,
    source: &Source,
    drafts: &BTreeMap<&str, &Draft>,
    problems: &mut Problems,
) {
    let environments = catalog.environments.values().map(Some);
    let mut reported = BTreeSet::new();
    for environment in environments.chain([None]) {
        let mut taken: BTreeMap<String, &Name> = BTreeMap::new();
        for service in catalog.services.values() {
            for (level, template, moving) in templates(catalog, service, environment) {
                let name = name(service, environment, template);
                let Some(first) = taken.insert(name, &service.name) else {
                    continue;
                };
                let draft = drafts.get(service.name.as_str());
                let own = draft.and_then(|draft| Some((&draft.source, draft.file.as_ref()?)));
                let (source, place) = match (level, own) {
                    (Level::Service, Some((source, file))) => (
                        source,
                        file.tags.as_ref().and_then(|tags| tags.span.clone()),
                    ),
                    _ => (source, place(file, level, moving, environment)),
                };
                // Every further service and environment would say the same of the same place.
                let place = place.unwrap_or(0..0);
                if !reported.insert((source.path.clone(), place.start)) {
                    continue;
                }
                let message = format!(
                    "the images of `{first}` and `{}` would have the same repository and tag",
                    service.name
                );
                problems
                    .error(source, &place, message)
                    .help("add `{service}` here or to `repository`");
            }
        }
    }
}

fn templates<'a>(
    catalog: &'a Catalog,
    service: &'a Service,
    environment: Option<&'a Environment>,
) -> impl Iterator<Item = (Level, &'a Template, bool)> {
    let (level, fixed) = catalog.tag_templates(service, environment);
    let moving = environment.map_or(&[][..], |environment| &environment.moving_tags);
    let fixed = fixed.iter().map(move |template| (level, template, false));
    fixed.chain(
        moving
            .iter()
            .map(|template| (Level::Environment, template, true)),
    )
}

/// Repository and tag with what is not known yet as it is written.
fn name(service: &Service, environment: Option<&Environment>, template: &Template) -> String {
    let mut variables = Variables::new();
    for placeholder in Placeholder::ALL {
        variables = variables.with(placeholder, format!("{{{}}}", placeholder.name()));
    }
    variables = variables.with(Placeholder::Service, service.name.as_str());
    if let Some(environment) = environment {
        variables = variables.with(Placeholder::Env, environment.name.as_str());
    }
    // Every placeholder has a value, so nothing can be missing.
    let tag = template.render(&variables).unwrap_or_default();
    format!("{}:{tag}", service.repository)
}

fn place(
    file: &PipelineFile,
    level: Level,
    moving: bool,
    environment: Option<&Environment>,
) -> Option<Range<usize>> {
    let table = environment.and_then(|environment| {
        let mut tables = file.environments.iter();
        tables.find(|(at, _)| environment.name == *at.value)
    });
    let project = || {
        let written = file.project.tags.span.clone();
        written.or_else(|| file.project.repository.span.clone())
    };
    match (level, table) {
        (Level::Environment, Some((_, table))) if moving => table.moving_tags.first()?.span.clone(),
        (Level::Environment, Some((_, table))) => table.tags.as_ref()?.span.clone(),
        _ => project(),
    }
}
