//! `service.toml`. The documentation comments here are what an editor shows for a key.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{At, LimitsTable, Texts};
use crate::Linkage;

/// One service: how its image is built and what the image is held to. Paths are relative to the folder of this file
/// and stay inside the repository.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields, title = "service.toml")]
pub(crate) struct ServiceFile {
    /// The service's name: lower-case letters, digits and single separators between them. Without it: the folder's
    /// name.
    #[schemars(regex(pattern = crate::name::PATTERN))]
    #[expect(
        dead_code,
        reason = "the loader takes it from files that are broken elsewhere, too"
    )]
    pub(crate) name: Option<At<String>>,
    /// One line for people.
    pub(crate) description: Option<At<String>>,
    /// How the image comes to be.
    pub(crate) builder: At<BuilderKind>,
    /// Template of the image's repository, in place of the project's. Placeholders: `{registry}`, `{project}`, `{service}`.
    pub(crate) repository: Option<At<String>>,
    /// Templates of the image's tags, in place of the environment's and the project's.
    pub(crate) tags: Option<At<Vec<At<String>>>>,
    /// Built when no service is named.
    #[serde(default = "yes")]
    pub(crate) default: bool,
    /// Platforms to build for. Without it: the host's.
    #[serde(default)]
    #[schemars(inner(regex(pattern = crate::platform::PATTERN)))]
    pub(crate) platforms: Vec<At<String>>,
    /// Services that are built and released together with this one.
    #[serde(default)]
    pub(crate) coupled_with: Vec<At<String>>,
    /// Settings of `builder = "cargo"`.
    pub(crate) cargo: Option<At<CargoTable>>,
    /// Settings of `builder = "dockerfile"`.
    pub(crate) dockerfile: Option<At<DockerfileTable>>,
    /// What is added to the image the builder gives.
    #[serde(default)]
    pub(crate) image: ImageTable,
    /// What the executions of its build, checks and contract may use, in place of the same keys in `pipeline.toml`.
    #[serde(default)]
    pub(crate) limits: LimitsTable,
    /// What `test` holds the running image to. Without it the image is not started.
    pub(crate) contract: Option<At<ContractTable>>,
    /// The service's own checks. They run in parallel, before the contract.
    #[serde(default)]
    pub(crate) checks: Vec<CheckTable>,
}

/// How an image comes to be.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BuilderKind {
    /// A Rust program, built with the host's toolchain, in an otherwise empty image; no Dockerfile.
    Cargo,
    /// A target of a Dockerfile.
    Dockerfile,
}

/// Settings of `builder = "cargo"`.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub(crate) struct CargoTable {
    /// The package. Without it: the one the manifest defines.
    pub(crate) package: Option<At<String>>,
    /// The binary target. Without it: the package's only one.
    pub(crate) bin: Option<At<String>>,
    /// The manifest of the package or its workspace.
    pub(crate) manifest: At<String>,
    /// The Cargo profile.
    pub(crate) profile: At<String>,
    /// Cargo features to enable.
    pub(crate) features: Vec<At<String>>,
    /// Whether the package's default features are on.
    pub(crate) default_features: bool,
    /// How the program is linked.
    pub(crate) linkage: Linkage,
    /// Whether the image gets the certificate authorities, for programs that speak TLS.
    pub(crate) certificates: bool,
    /// Numeric user and group the program runs as.
    pub(crate) user: At<String>,
}

impl Default for CargoTable {
    fn default() -> Self {
        Self {
            package: None,
            bin: None,
            manifest: At::default_value("Cargo.toml"),
            profile: At::default_value("release"),
            features: Vec::new(),
            default_features: true,
            linkage: Linkage::Auto,
            certificates: false,
            user: At::default_value("65532:65532"),
        }
    }
}

/// Settings of `builder = "dockerfile"`.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub(crate) struct DockerfileTable {
    /// The folder that `COPY` and `ADD` read from.
    pub(crate) context: At<String>,
    /// The Dockerfile, relative to this file like every path.
    pub(crate) file: At<String>,
    /// The stage to build. Without it: the last.
    pub(crate) target: Option<At<String>>,
    /// Build arguments: templates by name. They are readable in the image's history: no secrets.
    pub(crate) args: Texts,
    /// Secrets for `RUN --mount=type=secret,id=…`, by id: `env:NAME` or `file:PATH`.
    pub(crate) secrets: Texts,
    /// Give `RUN --mount=type=ssh` and `ADD` of git repositories the use of the keys in the SSH agent of `SSH_AUTH_SOCK`.
    pub(crate) ssh: bool,
    /// Named contexts for `FROM` and `--from`: `service:NAME` (its image), `image:REFERENCE` (of a registry),
    /// `oci-layout:PATH` or `dir:PATH`.
    pub(crate) contexts: Texts,
}

impl Default for DockerfileTable {
    fn default() -> Self {
        Self {
            context: At::default_value("."),
            file: At::default_value("Dockerfile"),
            target: None,
            args: BTreeMap::new(),
            secrets: BTreeMap::new(),
            ssh: false,
            contexts: BTreeMap::new(),
        }
    }
}

/// What is added to the image the builder gives.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub(crate) struct ImageTable {
    /// Environment variables: templates by name.
    pub(crate) env: Texts,
    /// Labels: templates by name.
    pub(crate) labels: Texts,
    /// TCP ports the program listens on.
    pub(crate) ports: Vec<At<NonZeroU16>>,
    /// Arguments to the entrypoint.
    pub(crate) cmd: Vec<At<String>>,
}

/// What kind of program an image runs.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KindOfContract {
    /// Serves HTTP until SIGTERM.
    Http,
    /// Runs to completion and exits 0.
    Job,
}

/// What `test` holds the running image to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub(crate) struct ContractTable {
    /// What kind of program it is.
    pub(crate) kind: KindOfContract,
    /// `http`: the TCP port it listens on.
    pub(crate) port: Option<At<NonZeroU16>>,
    /// `http`: the path that answers while the process is up.
    #[schemars(extend("default" = crate::lower::LIVEZ))]
    pub(crate) livez: Option<At<String>>,
    /// `http`: the path that answers when it may receive traffic. Without it none is asked.
    pub(crate) readyz: Option<At<String>>,
    /// `http`: the path that tells what was built. Without it nothing is checked.
    pub(crate) version: Option<At<String>>,
    /// The environment the program needs to start: templates by name.
    #[serde(default)]
    pub(crate) env: Texts,
    /// Arguments that replace the image's own.
    #[serde(default)]
    pub(crate) args: Vec<At<String>>,
    /// How long it may take to answer, or a job to finish.
    #[serde(default = "ten_seconds")]
    #[schemars(regex(pattern = crate::lower::DURATION_PATTERN))]
    pub(crate) start_timeout: At<String>,
    /// How long after SIGTERM it may take to exit.
    #[serde(default = "ten_seconds")]
    #[schemars(regex(pattern = crate::lower::DURATION_PATTERN))]
    pub(crate) grace_period: At<String>,
}

/// A command that must exit 0.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(deny_unknown_fields)]
pub(crate) struct CheckTable {
    /// Name of the check and of its report.
    #[schemars(regex(pattern = crate::name::PATTERN))]
    pub(crate) name: At<String>,
    /// The stage of the Dockerfile it runs in. Without it: the one the service is built from. Not for
    /// `builder = "cargo"`, whose checks run on the host's toolchain.
    pub(crate) target: Option<At<String>>,
    /// Program and arguments.
    #[schemars(length(min = 1))]
    pub(crate) command: At<Vec<At<String>>>,
    /// The JUnit file the command leaves: an absolute path in the container; for `builder = "cargo"` a path relative
    /// to this file.
    pub(crate) junit: Option<At<String>>,
}

fn yes() -> bool {
    true
}

fn ten_seconds() -> At<String> {
    At::default_value("10s")
}
