//! What people read of a promotion beside its plan: commits, migrations, how manifests and packages change, the run. All of it may be
//! missing.

use ci_catalog::{Catalog, ContractKind, Name};
use ci_deployments::review::{Check, Review};
use ci_deployments::{Kind, Promotion};

use super::ancestry::Ancestry;
use super::{packages, rendered};
use crate::project::Project;
use crate::stages::deployments::{Deployments, server};

/// Finds it out.
pub(super) struct Reviewer<'a> {
    pub(super) project: &'a Project,
    pub(super) deployments: &'a Deployments<'a>,
    pub(super) ancestry: &'a Ancestry,
    /// What was checked of the images.
    pub(super) checks: &'a [Check],
    /// Whether this run may be the one that built them.
    pub(super) is_of_release: bool,
}

impl Reviewer<'_> {
    /// Everything.
    pub(super) async fn review(&self, promotion: &Promotion) -> Review {
        Review {
            rendered: rendered::of(self.deployments, promotion).await,
            packages: packages::of(self.project, promotion).await,
            ..self.known(promotion)
        }
    }

    /// What takes no time to find out.
    pub(super) fn known(&self, promotion: &Promotion) -> Review {
        let commit = promotion.moves.first().map(|it| &it.after.source.commit);
        Review {
            commits: self.commits(promotion),
            migrating: migrating(self.project.catalog(), promotion),
            checks: self.checks.to_vec(),
            built_by: commit
                .filter(|_| self.is_of_release)
                .and_then(|commit| run(commit, |name| std::env::var(name).ok())),
            ..Review::default()
        }
    }

    /// From what is pinned to what comes; of a rollback, the commits that go.
    fn commits(&self, promotion: &Promotion) -> Option<ci_deployments::review::Commits> {
        let change = promotion.moves.first()?;
        let (old, new) = (&change.state.as_ref()?.commit, &change.after.source.commit);
        match promotion.kind {
            Kind::Promotion => self.ancestry.commits(old, new),
            Kind::Rollback => None,
        }
    }
}

/// Services of a unit of several that are jobs, and change: they bring the database to what the others expect.
fn migrating(catalog: &Catalog, promotion: &Promotion) -> Vec<Name> {
    if promotion.moves.len() < 2 {
        return Vec::new();
    }
    let is_job = |name: &Name| {
        let service = catalog.service(name.as_str());
        let contract = service.and_then(|it| it.contract.as_ref());
        contract.is_some_and(|it| it.kind == ContractKind::Job)
    };
    let changed = promotion
        .moves
        .iter()
        .filter(|it| it.before != Some(it.after.image.digest));
    changed
        .map(|it| it.service.clone())
        .filter(is_job)
        .collect()
}

/// The address of this run, where it is of the commit: then it is the one that built it.
fn run(commit: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    if variable("GITHUB_SHA")? != commit {
        return None;
    }
    let (repository, id) = (variable("GITHUB_REPOSITORY")?, variable("GITHUB_RUN_ID")?);
    Some(format!(
        "{}/{repository}/actions/runs/{id}",
        server(&variable)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_another_commit_did_not_build_it() {
        let variable = |name: &str| {
            Some(match name {
                "GITHUB_SHA" => "abc".to_owned(),
                "GITHUB_REPOSITORY" => "acme/shop".to_owned(),
                "GITHUB_RUN_ID" => "7".to_owned(),
                _ => return None,
            })
        };
        let expected = "https://github.com/acme/shop/actions/runs/7";
        assert_eq!(run("abc", variable).as_deref(), Some(expected));
        assert_eq!(run("abd", variable), None);
    }
}
