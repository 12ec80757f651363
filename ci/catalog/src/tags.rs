//! Tags of images: whose templates hold for a service, and what they become.
//!
//! A tag is *fixed* if its template says of which commit, version or content the image is: it never names another image. Every other
//! tag *moves*; an environment has to declare those ([`crate::Environment::moving_tags`]). Whether a registry has a tag already
//! is for those to find out who push.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::reference::is_tag;
use crate::{Catalog, Environment, Name, Placeholder, RenderError, Service, Template, Variables};

/// What a tag must hold one of, so as never to name another image.
const FIXING: [Placeholder; 4] = [
    Placeholder::Fingerprint,
    Placeholder::Sha,
    Placeholder::ShortSha,
    Placeholder::Version,
];

/// The tag that clients ask for when they are given none.
const LATEST: &str = "latest";

/// A tag of an image. Displays as its text.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Tag {
    /// As the registry has it.
    pub text: String,
    /// Whether it goes over to each next image. A tag that does not is never taken from an image that has it.
    pub moving: bool,
}

/// Why a tag cannot be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}: `{key}`: `{template}`: {reason}", file.display())]
pub struct TagError {
    /// The catalog file with the template, relative to the root.
    pub file: PathBuf,
    /// Where it is in the file.
    pub key: String,
    /// The template.
    pub template: String,
    /// What is wrong.
    pub reason: RenderError,
}

/// Two images that would have one name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the images of `{first}` and `{second}` would both be `{reference}`")]
pub struct TagConflict {
    /// Repository and tag.
    pub reference: String,
    /// A service.
    pub first: Name,
    /// Another one.
    pub second: Name,
}

/// Whose templates hold: the nearest to the service that has any.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Level {
    Service,
    Environment,
    Project,
}

impl Catalog {
    /// The tags of a service's image: the fixed ones in the order written, then those that move in the environment, each once.
    ///
    /// The fixed ones are those of the service, else of the environment, else of the project. `{env}` and `{service}` need not be
    /// among the variables. A moving tag with `{major_minor}` is left out for a version that is a pre-release: whoever follows
    /// `1.4` does not want `1.4.0-rc.1`.
    ///
    /// # Errors
    /// When a placeholder has no value, or no registry would take the tag.
    pub fn tags(
        &self,
        service: &Service,
        environment: Option<&Environment>,
        variables: &Variables,
    ) -> Result<Vec<Tag>, TagError> {
        let mut variables = variables
            .clone()
            .with(Placeholder::Service, service.name.as_str());
        if let Some(environment) = environment {
            variables = variables.with(Placeholder::Env, environment.name.as_str());
        }
        let prerelease = variables.get(Placeholder::Version).is_some()
            && variables.get(Placeholder::MajorMinor).is_none();
        let variables = safe(&variables);
        let (level, fixed) = self.tag_templates(service, environment);
        let moving = environment.map_or(&[][..], |environment| &environment.moving_tags);
        let skipped =
            |template: &&Template| prerelease && uses(template, &[Placeholder::MajorMinor]);
        let templates = fixed.iter().map(|template| (template, false)).chain(
            moving
                .iter()
                .filter(|it| !skipped(it))
                .map(|template| (template, true)),
        );
        let mut tags: Vec<Tag> = Vec::new();
        for (template, moving) in templates {
            let text = render(template, &variables).map_err(|reason| {
                let level = if moving { Level::Environment } else { level };
                TagError::at(level, moving, service, environment, template, reason)
            })?;
            if tags.iter().all(|tag| tag.text != text) {
                tags.push(Tag { text, moving });
            }
        }
        Ok(tags)
    }

    pub(crate) fn tag_templates<'a>(
        &'a self,
        service: &'a Service,
        environment: Option<&'a Environment>,
    ) -> (Level, &'a [Template]) {
        let environment = environment.and_then(|environment| environment.tags.as_deref());
        match (&service.tags, environment) {
            (Some(tags), _) => (Level::Service, tags),
            (None, Some(tags)) => (Level::Environment, tags),
            (None, None) => (Level::Project, &self.project.tags),
        }
    }
}

/// Refuses two images that would have a repository and a tag in common.
///
/// Most catalogs that lead there are refused when they are loaded; this finds those where it depends on a branch's name.
///
/// # Errors
/// When there are two such images (the first two).
pub fn distinct_tags<'a>(
    images: impl IntoIterator<Item = (&'a Service, &'a [Tag])>,
) -> Result<(), TagConflict> {
    let mut taken: BTreeMap<String, &Name> = BTreeMap::new();
    for (service, tags) in images {
        for tag in tags {
            let reference = format!("{}:{tag}", service.repository);
            if let Some(first) = taken.insert(reference.clone(), &service.name)
                && *first != service.name
            {
                return Err(TagConflict {
                    reference,
                    first: first.clone(),
                    second: service.name.clone(),
                });
            }
        }
    }
    Ok(())
}

impl TagError {
    fn at(
        level: Level,
        moving: bool,
        service: &Service,
        environment: Option<&Environment>,
        template: &Template,
        reason: RenderError,
    ) -> Self {
        let name = environment.map_or("", |environment| environment.name.as_str());
        let (file, key) = match level {
            Level::Service => (service.manifest.as_path(), "tags".to_owned()),
            Level::Environment if moving => pipeline(format!("environments.{name}.moving-tags")),
            Level::Environment => pipeline(format!("environments.{name}.tags")),
            Level::Project => pipeline("project.tags".to_owned()),
        };
        Self {
            file: file.to_owned(),
            key,
            template: template.to_string(),
            reason,
        }
    }
}

fn pipeline(key: String) -> (&'static Path, String) {
    (Path::new(crate::load::CATALOG_FILE), key)
}

fn render(template: &Template, variables: &Variables) -> Result<String, RenderError> {
    let tag = template.render(variables)?;
    if tag == LATEST && template.as_str() != LATEST {
        return Err(RenderError::Latest);
    }
    if is_tag(&tag) {
        Ok(tag)
    } else {
        Err(RenderError::NoTag(tag))
    }
}

/// Whether a tag of this template never names another image.
pub(crate) fn is_fixed(template: &Template) -> bool {
    uses(template, &FIXING)
}

/// Whether a template is the tag `latest`, whatever the placeholders become.
pub(crate) fn is_latest(template: &Template) -> bool {
    template.as_str() == LATEST
}

fn uses(template: &Template, any: &[Placeholder]) -> bool {
    template.placeholders().any(|used| any.contains(&used))
}

/// The values as a tag can hold them.
fn safe(variables: &Variables) -> Variables {
    let mut safe = variables.clone();
    if let Some(branch) = variables.get(Placeholder::Branch) {
        safe = safe.with(Placeholder::Branch, branch_slug(branch));
    }
    if let Some(version) = variables.get(Placeholder::Version) {
        // No version holds an underscore, so this can be undone.
        safe = safe.with(Placeholder::Version, version.replace('+', "_"));
    }
    safe
}

/// A branch's name as part of a tag (W3): as it is, if it is short and holds nothing else than a tag may; otherwise what of it a tag
/// can hold, and eight digits of its digest. So `feature/x` and `feature-x` are two tags. A branch whose own name looks as if it
/// had been changed is changed too, so that none is mistaken for another.
pub(crate) fn branch_slug(branch: &str) -> String {
    const MAX: usize = 48;
    const DIGITS: usize = 8;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let looks_changed = branch.rsplit_once('-').is_some_and(|(_, digits)| {
        digits.len() == DIGITS
            && digits
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    });
    let plain = branch.starts_with(|c: char| c.is_ascii_alphanumeric())
        && branch.len() <= MAX
        && branch.chars().all(allowed);
    if plain && !looks_changed {
        return branch.to_owned();
    }
    let words: Vec<&str> = branch
        .split(|c| !allowed(c))
        .filter(|word| !word.is_empty())
        .collect();
    let slug: String = words.join("-").chars().take(MAX - DIGITS - 1).collect();
    let slug = slug.trim_matches(['.', '_', '-']);
    let slug = if slug.is_empty() { "branch" } else { slug };
    let digest = hex::encode(Sha256::digest(branch));
    format!("{slug}-{}", &digest[..DIGITS])
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}
