//! The plan: what the command line and the catalog mean together. Which services, in which order, for which platforms, and
//! with which values for templates.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use ci_catalog::fingerprint::Fingerprint;
use ci_catalog::{
    Catalog, Environment, Name, Placeholder, Platform, RenderError, Service, Tag, TagError,
    Template, Variables,
};

use super::Request;
use super::checkout::Checkout;
use crate::error::{Exit, UserError};
use crate::project::Project;

/// What is to be done.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// Where it is built from.
    pub(crate) checkout: &'a Checkout,
    /// The environment, if one was named.
    pub(crate) environment: Option<&'a Name>,
    /// The services, each after those whose images it reads.
    pub(crate) services: Vec<Planned<'a>>,
}

/// A service of a [`Plan`].
#[derive(Debug, Clone)]
pub(crate) struct Planned<'a> {
    pub(crate) service: &'a Service,
    /// Whether it was asked for, or is only read by one that was.
    pub(crate) wanted: bool,
    /// The platforms of its image, in the order of the catalog; none if it is only read.
    pub(crate) platforms: Vec<Platform>,
    /// These, and those of the services that read its image.
    pub(crate) needed: Vec<Platform>,
    /// What templates of this service may use.
    pub(crate) variables: Variables,
    /// The tag of its image, if an environment was named.
    pub(crate) tag: Option<String>,
}

impl Planned<'_> {
    /// Repository, and tag if there is one.
    pub(crate) fn reference(&self) -> String {
        match &self.tag {
            Some(tag) => format!("{}:{tag}", self.service.repository),
            None => self.service.repository.clone(),
        }
    }

    /// The same with the tag that an image has which was made of these inputs.
    ///
    /// # Errors
    /// When there is no such tag.
    pub(crate) fn reference_of(
        &self,
        catalog: &Catalog,
        plan: &Plan<'_>,
        fingerprint: Option<Fingerprint>,
    ) -> Result<String, UserError> {
        let environment = plan
            .environment
            .and_then(|it| catalog.environment(it.as_str()));
        let (None, Some(environment), Some(fingerprint)) = (&self.tag, environment, fingerprint)
        else {
            return Ok(self.reference());
        };
        let variables = with_fingerprint(&self.variables, &fingerprint);
        let tag = first_tag(catalog, self.service, Some(environment), &variables)?;
        let tagged = Self {
            tag,
            ..self.clone()
        };
        Ok(tagged.reference())
    }

    /// A template as text; `key` says where it is written.
    pub(crate) fn render(&self, key: &str, template: &Template) -> Result<String, UserError> {
        template
            .render(&self.variables)
            .map_err(|error| unrenderable(&self.service.manifest, key, error))
    }
}

/// Values of templates for what was made of these inputs.
pub(crate) fn with_fingerprint(variables: &Variables, fingerprint: &Fingerprint) -> Variables {
    let variables = variables.clone();
    variables.with(Placeholder::Fingerprint, fingerprint.short())
}

/// The first tag of an image; none if it needs what is known only when the image is released.
fn first_tag(
    catalog: &Catalog,
    service: &Service,
    environment: Option<&Environment>,
    variables: &Variables,
) -> Result<Option<String>, UserError> {
    match catalog.tags(service, environment, variables) {
        Ok(tags) => Ok(tags.into_iter().next().map(|tag| tag.text)),
        Err(TagError {
            reason:
                RenderError::Missing(
                    Placeholder::Fingerprint | Placeholder::MajorMinor | Placeholder::Version,
                ),
            ..
        }) => Ok(None),
        Err(error) => Err(unrenderable(&error.file, &error.key, error.reason)),
    }
}

/// All tags of an image.
///
/// # Errors
/// When one of them cannot be made.
pub(crate) fn tags_of(
    catalog: &Catalog,
    service: &Service,
    environment: Option<&Environment>,
    variables: &Variables,
) -> Result<Vec<Tag>, UserError> {
    catalog
        .tags(service, environment, variables)
        .map_err(|error| unrenderable(&error.file, &error.key, error.reason))
}

/// Why the template at `key` of a catalog file cannot be rendered.
fn unrenderable(file: &Path, key: &str, error: RenderError) -> UserError {
    let message = format!("{}: `{key}`: {error}", file.display());
    let failure = UserError::new(Exit::Usage, message);
    match error {
        RenderError::Missing(Placeholder::Env) => {
            failure.hint("name an environment of pipeline.toml with `--env NAME`")
        }
        RenderError::Missing(Placeholder::Branch) => {
            failure.hint("no branch is checked out; `git switch BRANCH` does that")
        }
        RenderError::Missing(Placeholder::Fingerprint) => failure.hint(
            "it is known once the image is built, if it is at all: `plan --output json` says why not",
        ),
        RenderError::Missing(Placeholder::Version) => {
            failure.hint("the `version` command says which comes next, or what is missing to tell")
        }
        RenderError::Missing(Placeholder::MajorMinor) => {
            failure.hint("a pre-release has none; the `version` command says which version it is")
        }
        _ => failure,
    }
}

impl<'a> Plan<'a> {
    /// What `request` asks for.
    ///
    /// # Errors
    /// When a service or the environment is not in the catalog, or a tag cannot be made.
    pub(crate) fn of(project: &'a Project, request: &Request) -> eyre::Result<Self> {
        let epoch = project.source_date_epoch();
        Self::new(project.catalog(), project.checkout(), epoch, request)
    }

    /// What `request` asks for of a catalog. `epoch` is the time that images carry.
    pub(crate) fn new(
        catalog: &'a Catalog,
        checkout: &'a Checkout,
        epoch: i64,
        request: &Request,
    ) -> eyre::Result<Self> {
        let environment = match &request.environment {
            Some(name) => Some(catalog.environment(name).ok_or_else(|| {
                let names = catalog.environments().map(|it| it.name.as_str());
                unknown_environment(name, &names.collect::<Vec<_>>())
            })?),
            None => None,
        };
        let mut wanted = catalog.select(&request.services)?;
        if let Some(only) = &request.only {
            wanted.retain(|service| only.contains(&service.name));
        }
        let order = catalog.build_order(&wanted);
        let wanted: BTreeSet<&Name> = wanted.into_iter().map(|it| &it.name).collect();
        let environment_name = environment.map(|it| &it.name);
        let common = variables(catalog, checkout, epoch, environment_name)?;
        let mut services = Vec::with_capacity(order.len());
        for service in order {
            let variables = common
                .clone()
                .with(Placeholder::Service, service.name.as_str());
            let mut planned = Planned {
                service,
                wanted: wanted.contains(&service.name),
                platforms: Vec::new(),
                needed: Vec::new(),
                variables,
                tag: None,
            };
            if planned.wanted && environment.is_some() {
                planned.tag = first_tag(catalog, service, environment, &planned.variables)?;
            }
            if planned.wanted {
                planned.platforms = platforms(service, &request.platforms)?;
                planned.needed = planned.platforms.clone();
            }
            services.push(planned);
        }
        spread_platforms(&mut services);
        Ok(Self {
            checkout,
            environment: environment_name,
            services,
        })
    }
}

impl<'a> Plan<'a> {
    /// The services that were asked for.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = &Planned<'a>> {
        self.services.iter().filter(|planned| planned.wanted)
    }

    /// The services whose images a service reads, directly or not, those furthest away first.
    pub(crate) fn causes(&self, name: &Name) -> Vec<&'a Name> {
        let mut needed = BTreeSet::from([name]);
        let mut causes = Vec::new();
        for planned in self.services.iter().rev() {
            if needed.contains(&planned.service.name) {
                needed.extend(planned.service.dependencies());
                causes.push(&planned.service.name);
            }
        }
        causes.retain(|cause| *cause != name);
        causes.reverse();
        causes
    }
}

fn platforms(service: &Service, asked: &[Platform]) -> Result<Vec<Platform>, UserError> {
    let named = if asked.is_empty() {
        &service.platforms
    } else {
        asked
    };
    let mut platforms = named.to_vec();
    if platforms.is_empty() {
        let none = || {
            UserError::new(
                Exit::Usage,
                format!(
                    "{}: the platform of this machine has no name in OCI",
                    service.name
                ),
            )
            .hint("name one: `--platform linux/amd64`")
        };
        platforms.push(Platform::host().ok_or_else(none)?);
    }
    let mut seen = BTreeSet::new();
    platforms.retain(|platform| seen.insert(platform.clone()));
    Ok(platforms)
}

/// A service is also built for the platforms of those that read its image.
fn spread_platforms(services: &mut [Planned<'_>]) {
    let mut needed: BTreeMap<Name, Vec<Platform>> = BTreeMap::new();
    for planned in services.iter_mut().rev() {
        for platform in needed.remove(&planned.service.name).unwrap_or_default() {
            if !planned.needed.contains(&platform) {
                planned.needed.push(platform);
            }
        }
        for name in planned.service.dependencies() {
            let platforms = needed.entry(name.clone()).or_default();
            platforms.extend(planned.needed.iter().cloned());
        }
    }
}

fn variables(
    catalog: &Catalog,
    checkout: &Checkout,
    epoch: i64,
    environment: Option<&Name>,
) -> Result<Variables, UserError> {
    let project = catalog.project();
    let mut variables = Variables::new()
        .with_commit(&checkout.commit)
        .with(
            Placeholder::CommitTime,
            rfc3339(checkout.commit_time.unwrap_or(epoch))?,
        )
        .with(Placeholder::SourceDateEpoch, epoch.to_string())
        .with(Placeholder::Project, project.name.as_str())
        .with(Placeholder::Registry, project.registry.as_str());
    if let Some(version) = &checkout.version {
        variables = variables.with_version(version);
    }
    if let Some(branch) = checkout.branch() {
        variables = variables.with(Placeholder::Branch, branch);
    }
    if let Some(environment) = environment {
        variables = variables.with(Placeholder::Env, environment.as_str());
    }
    Ok(variables)
}

/// Seconds since the epoch as RFC 3339 in UTC.
pub(crate) fn rfc3339(seconds: i64) -> Result<String, UserError> {
    let time = jiff::Timestamp::from_second(seconds);
    time.map(|time| time.to_string()).map_err(|error| {
        UserError::new(Exit::Usage, format!("{seconds} is no time")).because(error)
    })
}

pub(crate) fn unknown_environment(name: &str, known: &[&str]) -> UserError {
    let message = format!("no environment is named `{name}`");
    let hint = match known {
        [] => "pipeline.toml has none; `[environments.NAME]` adds one".to_owned(),
        known => format!("there are: {}", known.join(", ")),
    };
    UserError::new(Exit::Usage, message).hint(hint)
}

/// Shares a string with progress, which keeps the names of groups.
pub(crate) fn group(service: &Service) -> Arc<str> {
    Arc::from(service.name.as_str())
}

#[cfg(test)]
mod tests;
