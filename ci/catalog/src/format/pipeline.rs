//! `pipeline.toml`. The documentation comments here are what an editor shows for a key.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::At;
use crate::SignatureFormat;
use crate::deploy::Declaration;

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
    /// How registries are reached, by host and perhaps port. PIPELINE_REGISTRY_MIRRORS and PIPELINE_PLAIN_HTTP add to it.
    #[serde(default)]
    pub(crate) registries: BTreeMap<At<String>, RegistryTable>,
    /// What every execution may use, unless its service says otherwise.
    #[serde(default)]
    pub(crate) limits: LimitsTable,
    /// Who signs the images, and how.
    #[serde(default)]
    pub(crate) signing: SigningTable,
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
    /// Template of an image's repository, which is brought to lower case. Placeholders: `{registry}`, `{project}`,
    /// `{service}`.
    #[serde(default = "default_repository")]
    pub(crate) repository: At<String>,
    /// Templates of an image's tags, for environments and services without their own. Each must hold `{sha}`, `{short_sha}`,
    /// `{version}` or `{fingerprint}`. Further placeholders: `{env}`, `{service}`, `{project}`, `{branch}` (with a digest
    /// where a tag cannot hold its name), `{major_minor}` and `{source_date_epoch}`.
    #[serde(default = "default_tags")]
    pub(crate) tags: At<Vec<At<String>>>,
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
    /// Templates of an image's tags, in place of the project's.
    pub(crate) tags: Option<At<Vec<At<String>>>>,
    /// Templates of tags that go over to each next image, as `latest` and `{major_minor}` do: without `{sha}`,
    /// `{short_sha}`, `{version}` and `{fingerprint}`.
    #[serde(default)]
    pub(crate) moving_tags: Vec<At<String>>,
    /// Where its deployments are declared, and how a promotion gets there.
    pub(crate) deploy: Option<Declaration>,
}

/// How a registry is reached.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub(crate) struct RegistryTable {
    /// Where to look for what is pulled from it, in this order, before the registry itself: HOST[:PORT][/PREFIX].
    pub(crate) mirrors: Vec<At<String>>,
    /// Whether it is spoken to without TLS. Never guessed, not even for this machine.
    pub(crate) plain_http: bool,
    /// A file of certificate authorities in PEM, trusted besides the system's. Relative to this file.
    pub(crate) ca: Option<At<String>>,
    /// The server its tokens are from, HOST[:PORT], if that is in another domain: only then does it get the registry's
    /// credentials.
    pub(crate) login_server: Option<At<String>>,
}

/// What an execution may use.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub(crate) struct LimitsTable {
    /// Memory of all its processes together: `512MiB`, `4GiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::lower::SIZE_PATTERN))]
    pub(crate) memory: Option<At<String>>,
    /// Processes and threads at one time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4_194_304))]
    pub(crate) pids: Option<At<NonZeroU32>>,
    /// Time from start to end: `90s`, `30m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::lower::DURATION_PATTERN))]
    pub(crate) time: Option<At<String>>,
}

/// Who signs the images, and how.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub(crate) struct SigningTable {
    /// Who signs, exactly as the certificates have it. On GitHub it is the workflow:
    /// `https://github.com/OWNER/REPOSITORY/.github/workflows/FILE@refs/heads/BRANCH`. Patterns are refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<At<String>>,
    /// Who vouches for the identity: the address of an OpenID Connect provider. Without it that of GitHub Actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<At<String>>,
    /// The public key that verifies, a PEM file, in place of an identity. Relative to this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<At<String>>,
    /// Sign each platform's manifest, too, beside the index.
    pub(crate) platforms: bool,
    /// The forms that signatures are attached in: `bundle` (Sigstore bundles that refer to the image) and `legacy` (under a tag,
    /// for cosign 2 and the admission controllers that know no bundles). Without it both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) formats: Option<At<Vec<At<SignatureFormat>>>>,
    /// What is trusted in place of the public Sigstore: a `trusted_root.json`. Relative to this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trusted_root: Option<At<String>>,
    /// Where the services of that Sigstore are: a `signing_config.json`. Relative to this file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signing_config: Option<At<String>>,
}

fn default_repository() -> At<String> {
    At::default_value("{registry}/{project}-{service}")
}

fn default_tags() -> At<Vec<At<String>>> {
    At::default_value([At::default_value("{env}-{sha}-{service}")])
}
