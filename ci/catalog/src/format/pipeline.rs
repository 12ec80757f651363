//! `pipeline.toml`. The documentation comments here are what an editor shows for a key.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::At;

/// The catalog of a repository: its project, its environments and where its services are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields, title = "pipeline.toml")]
pub(crate) struct PipelineFile {
    /// What is delivered, and to which registry.
    pub(crate) project: ProjectTable,
    /// The environments images are made for, by name.
    #[serde(default)]
    pub(crate) environments: BTreeMap<At<String>, EnvironmentTable>,
}

/// What is delivered, and to which registry.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub(crate) struct ProjectTable {
    /// The project's name: lower-case letters, digits and single separators between them.
    #[schemars(regex(pattern = crate::name::PATTERN))]
    pub(crate) name: At<String>,
    /// Registry host and namespace, without a scheme: `registry.example.com/acme`.
    pub(crate) registry: At<String>,
    /// Template of an image's repository. Placeholders: `{registry}`, `{project}`, `{service}`.
    #[serde(default = "default_repository")]
    pub(crate) repository: At<String>,
    /// Folders that hold a `service.toml`. `*` and `?` match within one folder name, never a leading dot; what a
    /// pattern with them matches is skipped where it holds no `service.toml`.
    #[expect(
        dead_code,
        reason = "the loader takes it from files that are broken elsewhere, too"
    )]
    pub(crate) services: Vec<At<String>>,
}

/// An environment that images are made for.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub(crate) struct EnvironmentTable {
    /// Template of an image's tag, which must hold `{sha}` or `{short_sha}`. Further placeholders: `{env}`,
    /// `{service}`, `{project}`, `{branch}` (with what a tag cannot hold replaced by hyphens) and
    /// `{source_date_epoch}`.
    #[serde(default = "default_tag")]
    pub(crate) tag: At<String>,
}

fn default_repository() -> At<String> {
    At::default_value("{registry}/{project}-{service}")
}

fn default_tag() -> At<String> {
    At::default_value("{env}-{sha}-{service}")
}
