//! What an environment declares of its deployments: where its repository is, how a change gets there, which places name images.
//!
//! These are the keys of `[environments.NAME.deploy]`; who reads the file, and how mistakes are shown in it, is the catalog's
//! concern. Texts of places are templates: `{env}`, `{service}`, and `{SERVICE}` for the service in the letters of variables.

mod place;

use std::collections::BTreeMap;

use ci_catalog::Name;
use serde::{Deserialize, Serialize};

pub use place::{InvalidPlace, PlaceDeclaration};

use crate::Target;

/// The deployments of one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Declaration {
    /// Address of the deployments repository: `https://…`, `ssh://…`, `git@host:path`, or a path.
    pub repository: String,
    /// The branch that is deployed.
    #[serde(default = "default_branch")]
    pub branch: String,
    /// How a change gets there.
    #[serde(default)]
    pub writer: WriterKind,
    /// Folder of the state map in the deployments repository.
    #[serde(default = "default_state")]
    pub state: String,
    /// Places of every service that `services` does not name.
    #[serde(default)]
    pub places: Vec<PlaceDeclaration>,
    /// Places of single services; an empty list: the service is not deployed here.
    #[serde(default)]
    pub services: BTreeMap<String, Vec<PlaceDeclaration>>,
    /// Environment that must run a digest before it comes here.
    #[serde(default)]
    pub from: Option<String>,
    /// What must be true of a digest before it comes here.
    #[serde(default)]
    pub policy: Policy,
    /// The pull request, where that is the writer.
    #[serde(default)]
    pub pull_request: PullRequestPolicy,
}

/// How a change gets to the branch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriterKind {
    /// By a pull request, for people or checks to merge.
    #[default]
    PullRequest,
    /// By a commit on the branch.
    Push,
}

/// What must be true of a digest before an environment gets it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Policy {
    /// Minutes that the environment named by `from` has pinned it.
    #[serde(default)]
    pub soak_minutes: u32,
    /// Whether it must be signed by the declared identity.
    #[serde(default)]
    pub signature: bool,
    /// Types of attestations it must have, such as `https://slsa.dev/provenance/v1`.
    #[serde(default)]
    pub attestations: Vec<String>,
    /// Checks that must have succeeded on the source commit.
    #[serde(default)]
    pub checks: Vec<String>,
}

/// How a pull request is opened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PullRequestPolicy {
    /// Accounts, and teams as `ORGANISATION/TEAM`, that are asked for a review.
    #[serde(default)]
    pub reviewers: Vec<String>,
    /// Labels it gets.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Whether it starts as a draft.
    #[serde(default)]
    pub draft: bool,
    /// Whether, and how, it merges itself once all that is required is there.
    #[serde(default)]
    pub auto_merge: Option<MergeMethod>,
}

/// How a pull request is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MergeMethod {
    /// With a merge commit.
    Merge,
    /// As one commit.
    Squash,
    /// As its commits on top of the branch.
    Rebase,
}

fn default_branch() -> String {
    "main".into()
}

fn default_state() -> String {
    ".promotions".into()
}

impl Declaration {
    /// The places of a service; none: nothing is declared for it.
    ///
    /// # Errors
    /// When a place is not well-formed.
    pub fn targets(
        &self,
        environment: &Name,
        service: &Name,
    ) -> Result<Option<Vec<Target>>, InvalidPlace> {
        let declared = match self.services.get(service.as_str()) {
            Some(own) => own,
            None if self.places.is_empty() => return Ok(None),
            None => &self.places,
        };
        declared
            .iter()
            .map(|place| place.target(environment, service))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// The file of the state map that is about a service: one for each, so that promotions of different services never meet.
    ///
    /// # Errors
    /// When the folder is not a path in the repository.
    pub fn state_file(&self, environment: &Name, service: &Name) -> Result<String, InvalidPlace> {
        let folder = self.state.trim_end_matches('/');
        place::checked_path(format!("{folder}/{environment}/{service}.toml"))
    }
}

#[cfg(test)]
mod tests;
