//! What an environment declares of its deployments: `[environments.NAME.deploy]`. The documentation comments here are what an editor
//! shows for a key.
//!
//! Plain data, whose shape is checked with the rest of the file. Whether a place is one, and what is done there, is the concern of
//! the crate that makes promotions.
//!
//! ```toml
//! places = [
//!     { kustomize = "overlays/{env}/{service}/kustomization.yaml" },
//!     { yaml = "overlays/{env}/config.yaml", path = "data.{SERVICE}_IMAGE", kind = "ConfigMap" },
//!     { compose = "hosts/{env}/compose.yaml", service = "{service}" },
//!     { env = "hosts/{env}/deploy.env", variable = "{SERVICE}_IMAGE" },
//!     { json = "images.json", pointer = "/{env}/{service}", write = "digest" },
//! ]
//! ```

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where an environment's deployments are declared, and how a promotion gets there.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub struct Declaration {
    /// Address of the deployments repository: `https://…`, `ssh://…`, `git@HOST:PATH`, or an absolute path.
    pub repository: String,
    /// The branch that is deployed.
    #[serde(default = "default_branch")]
    pub branch: String,
    /// How a change gets there.
    #[serde(default)]
    pub writer: WriterKind,
    /// What serves the repository, where pull requests are opened. Absent: GitHub, for addresses on `github.com` and `*.ghe.com`; on
    /// other servers it has to be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forge: Option<Forge>,
    /// Folder in the deployments repository with what is known of each pinned digest.
    #[serde(default = "default_state")]
    pub state: String,
    /// Places that name the image of a service, for every service that `services` does not name. Their texts are templates: `{env}`,
    /// `{service}`, and `{SERVICE}` for the service as variables spell it.
    #[serde(default)]
    pub places: Vec<PlaceDeclaration>,
    /// Places of single services. An empty list: the service is not deployed here.
    #[serde(default)]
    pub services: BTreeMap<String, Vec<PlaceDeclaration>>,
    /// The environment that must run a digest before it comes here.
    #[serde(default)]
    pub from: Option<String>,
    /// What must be true of a digest before it comes here.
    #[serde(default)]
    pub policy: Policy,
    /// How pull requests are opened.
    #[serde(default)]
    pub pull_request: PullRequestPolicy,
    /// Addresses of each service's instances, which answer `/readyz` and `/version`. An empty list: it answers nowhere, as a job does.
    #[serde(default)]
    pub addresses: BTreeMap<String, Vec<String>>,
    /// What is not deployed from the repository itself: it gets a promotion once the branch has it.
    #[serde(default)]
    pub receivers: Vec<ReceiverDeclaration>,
}

/// Who gets promotions once the branch has them: an application on a Dokploy server, or a webhook.
///
/// ```toml
/// [environments.staging.deploy]
/// receivers = [
///     { dokploy = "https://dokploy.example.com", compose = "k3sQx…", secret-variable = "DOKPLOY_KEY" },
///     { webhook = "https://hooks.example.com/deploy", secret-variable = "DEPLOY_SECRET" },
/// ]
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub struct ReceiverDeclaration {
    /// Address of a Dokploy server: variables of a compose application are set there, and it is deployed.
    pub dokploy: Option<String>,
    /// With `dokploy`: the id of the application, as its page's address has it.
    pub compose: Option<String>,
    /// With `dokploy`: the variable that names a service's image, a template as in `places`; absent: `{SERVICE}_IMAGE`.
    pub variable: Option<String>,
    /// With `dokploy`: how the image is written.
    pub write: Option<Form>,
    /// An address that gets promotions as JSON, signed.
    pub webhook: Option<String>,
    /// Name of the environment variable that holds Dokploy's API key, or what deliveries are signed with. It is never in a file.
    pub secret_variable: Option<String>,
    /// The services that are deployed there; absent: all.
    pub services: Option<Vec<String>>,
}

/// How a change gets to the branch.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WriterKind {
    /// By a pull request, for people or checks to merge.
    #[default]
    PullRequest,
    /// By a commit on the branch.
    Push,
}

/// What serves a deployments repository.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Forge {
    /// GitHub, or an Enterprise server.
    GitHub,
    /// Gitea or Forgejo.
    Gitea,
}

/// What must be true of a digest before an environment gets it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub struct Policy {
    /// Minutes that the environment named by `from` must have pinned it.
    pub soak_minutes: u32,
    /// Whether it must be signed.
    pub signature: bool,
    /// Types of attestations it must have, such as `https://slsa.dev/provenance/v1`.
    pub attestations: Vec<String>,
    /// Checks that must have succeeded on its source commit.
    pub checks: Vec<String>,
}

/// How a pull request is opened.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub struct PullRequestPolicy {
    /// Accounts, and teams as `ORGANISATION/TEAM`, that are asked for a review.
    pub reviewers: Vec<String>,
    /// Labels it gets.
    pub labels: Vec<String>,
    /// Whether it starts as a draft.
    pub draft: bool,
    /// How it merges itself once all that is required is there; absent: people merge it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_merge: Option<MergeMethod>,
}

/// How a pull request is merged.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MergeMethod {
    /// With a merge commit.
    Merge,
    /// As one commit.
    Squash,
    /// As its commits on top of the branch.
    Rebase,
}

/// A place that names an image: the file under the name of its format, and where in it.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub struct PlaceDeclaration {
    /// A kustomization, whose `images` get the digest.
    pub kustomize: Option<String>,
    /// With `kustomize`: the `name` of the entry, where that is not the image's repository.
    pub image: Option<String>,
    /// A Compose file.
    pub compose: Option<String>,
    /// With `compose`: the service there.
    pub service: Option<String>,
    /// A YAML file.
    pub yaml: Option<String>,
    /// With `yaml`: the value, as in `spec.containers[name=web].image`.
    pub path: Option<String>,
    /// With `yaml`: the `kind` of the document.
    pub kind: Option<String>,
    /// With `yaml`: the `metadata.name` of the document.
    pub name: Option<String>,
    /// With `yaml`: the value stands behind an anchor, and all who use it shall follow.
    pub shared: Option<bool>,
    /// An `.env` file.
    pub env: Option<String>,
    /// With `env`: the variable.
    pub variable: Option<String>,
    /// A JSON file.
    pub json: Option<String>,
    /// With `json`: the value, as in `/images/web` (RFC 6901).
    pub pointer: Option<String>,
    /// How the image is written; `kustomize` has its own way.
    pub write: Option<Form>,
    /// Registry and repository the environment pulls from, where that is a mirror of where the image was pushed.
    pub repository: Option<String>,
}

/// Which part of an image a place holds.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// `ghcr.io/acme/web@sha256:…`
    #[default]
    Reference,
    /// `ghcr.io/acme/web:v1@sha256:…`: the digest decides, the tag is for readers.
    TaggedReference,
    /// `sha256:…`
    Digest,
    /// `v1`, beside a place that holds the digest.
    Tag,
    /// The source commit, beside a place that holds the digest.
    Commit,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reference => "an image",
            Self::TaggedReference => "an image with its tag",
            Self::Digest => "a digest",
            Self::Tag => "a tag",
            Self::Commit => "a commit",
        })
    }
}

fn default_branch() -> String {
    "main".into()
}

fn default_state() -> String {
    ".promotions".into()
}
