//! The version of what is checked out: that of a tag at the commit, else the one that comes next after the commits since the last
//! release. The rules are the catalog's ([`ci_catalog::version`]); here git is asked, and nothing is guessed.

use std::path::Path;

use ci_catalog::version::{
    Commit, NextVersion, Version, last_release, next_version, version_of_tag,
};
use ci_catalog::{Builder, Catalog, Placeholder, Template};

use super::git;
use crate::error::{Exit, UserError};

/// A version, and why it is this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Absent: nothing since the last release asks for a new one.
    pub(crate) version: Option<Version>,
    pub(crate) origin: Origin,
}

/// Where a version is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This tag is at the commit.
    Tag(String),
    /// What the commits since the last release ask for.
    Commits {
        /// The tag of the last release, if there is one.
        since: Option<String>,
        next: NextVersion,
    },
}

/// Finds the version of the checkout that `root` is in.
///
/// # Errors
/// There is no commit; or the history is cut off, so that releases may be missing.
pub(crate) fn of(root: &Path) -> Result<Found, UserError> {
    let run = |args: &[&str]| git::run(root, args).map_err(unknown);
    let here = run(&["tag", "--points-at", "HEAD"])?;
    let here = here
        .lines()
        .filter_map(|tag| Some((version_of_tag(tag)?, tag)));
    if let Some((version, tag)) = here.max() {
        return Ok(Found {
            version: Some(version),
            origin: Origin::Tag(tag.to_owned()),
        });
    }
    if run(&["rev-parse", "--is-shallow-repository"])?.trim() == "true" {
        return Err(cut_off());
    }
    let tags = run(&["tag", "--merged", "HEAD"])?;
    let last = last_release(tags.lines());
    let mut range = vec![
        "log",
        "-z",
        "--topo-order",
        "--format=%H%n%B",
        "--no-color",
        "--no-show-signature",
        "--encoding=UTF-8",
        "HEAD",
    ];
    let released = last.as_ref().map(|(tag, _)| format!("^refs/tags/{tag}"));
    range.extend(released.as_deref());
    range.push("--");
    let log = run(&range)?;
    let commits: Vec<Commit<'_>> = log
        .split_terminator('\0')
        .filter_map(|entry| entry.split_once('\n'))
        .map(|(id, message)| Commit { id, message })
        .collect();
    let next = next_version(last.as_ref().map(|(_, version)| version), &commits);
    Ok(Found {
        version: next.next.clone(),
        origin: Origin::Commits {
            since: last.map(|(tag, _)| tag.to_owned()),
            next,
        },
    })
}

/// Whether anything in the catalog depends on the version.
pub(crate) fn is_used(catalog: &Catalog) -> bool {
    templates(catalog)
        .flat_map(Template::placeholders)
        .any(|used| matches!(used, Placeholder::Version | Placeholder::MajorMinor))
}

/// All templates of a catalog that are rendered when something is built, tested or pushed.
fn templates(catalog: &Catalog) -> impl Iterator<Item = &Template> {
    let environments = catalog.environments();
    let environments = environments.flat_map(|it| it.tags.iter().flatten().chain(&it.moving_tags));
    let services = catalog.services().flat_map(|service| {
        let args = match &service.builder {
            Builder::Dockerfile(builder) => Some(builder.args.values()),
            Builder::Cargo(_) => None,
        };
        let image = service
            .image
            .env
            .values()
            .chain(service.image.labels.values());
        let contract = service.contract.iter().flat_map(|it| it.env.values());
        let tags = service.tags.iter().flatten();
        args.into_iter()
            .flatten()
            .chain(image)
            .chain(contract)
            .chain(tags)
    });
    catalog
        .project()
        .tags
        .iter()
        .chain(environments)
        .chain(services)
}

fn unknown(reason: String) -> UserError {
    UserError::new(Exit::Usage, format!("the version is not known: {reason}"))
}

fn cut_off() -> UserError {
    unknown("the history is cut off (a shallow clone), and releases may be beyond".to_owned()).hint(
        "`git fetch --unshallow --tags` gets all of it; in GitHub Actions, `fetch-depth: 0` of actions/checkout does",
    )
}

#[cfg(test)]
mod tests;
