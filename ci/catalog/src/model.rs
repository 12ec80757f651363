//! What a loaded catalog is made of. Every value here has been checked; [`Catalog::load`] is the only way to one.
//!
//! The shapes of the two files on disk, with their defaults, are another module's concern (`format`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::deploy::Declaration;
use crate::{Diagnostic, Limits, Name, Platform, Registries, RelativePath, Signing, Template};

/// Everything `pipeline.toml` and the `service.toml` files it points at say.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub(crate) root: PathBuf,
    pub(crate) project: Project,
    pub(crate) environments: BTreeMap<Name, Environment>,
    pub(crate) registries: Registries,
    pub(crate) limits: Limits,
    pub(crate) signing: Signing,
    pub(crate) services: BTreeMap<Name, Service>,
    pub(crate) warnings: Vec<Diagnostic>,
}

impl Catalog {
    /// The folder that holds `pipeline.toml`, as it was given to [`Catalog::load`].
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The `[project]` table.
    #[must_use]
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The environments, ordered by name.
    pub fn environments(&self) -> impl ExactSizeIterator<Item = &Environment> {
        self.environments.values()
    }

    /// The environment of this name.
    #[must_use]
    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.get(name)
    }

    /// How registries are reached, as the file says; [`Registries::with_environment`] adds what the environment says.
    #[must_use]
    pub fn registries(&self) -> &Registries {
        &self.registries
    }

    /// What every execution may use, unless its service says otherwise ([`Service::limits`]).
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Who signs the images, and how.
    #[must_use]
    pub fn signing(&self) -> &Signing {
        &self.signing
    }

    /// The services, ordered by name.
    pub fn services(&self) -> impl ExactSizeIterator<Item = &Service> {
        self.services.values()
    }

    /// The service of this name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.get(name)
    }

    /// What is doubtful but not wrong, in the order of the files.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }
}

/// The `[project]` table of `pipeline.toml`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Project {
    /// The project's name.
    pub name: Name,
    /// Registry host and namespace that images go to, without a scheme or a final slash.
    pub registry: String,
    /// The template of the [`Service::repository`] of services without their own.
    pub repository: Template,
    /// Templates of tags where neither the service nor the environment has its own; never empty.
    pub tags: Vec<Template>,
}

/// One `[environments.NAME]` table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Environment {
    /// The name after `environments.`.
    pub name: Name,
    /// Templates of tags, for services without their own; absent: the project's. [`Catalog::tags`] knows which hold.
    pub tags: Option<Vec<Template>>,
    /// Templates of tags that go over to each next image of this environment.
    pub moving_tags: Vec<Template>,
    /// Where its deployments are declared; absent: nothing is promoted there.
    pub deploy: Option<Declaration>,
}

/// One service: one `service.toml`, one image per platform.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Service {
    /// Unique in the catalog; one path component of an OCI repository.
    pub name: Name,
    /// One line for people; empty when not given.
    pub description: String,
    /// The folder of `service.toml`, relative to the catalog root.
    pub folder: PathBuf,
    /// `service.toml` itself, relative to the catalog root.
    pub manifest: PathBuf,
    /// Registry and repository of the image in lower case, as registries have it; without tag or digest.
    pub repository: String,
    /// Templates of tags, whatever the environment; absent: the environment's or the project's ([`Catalog::tags`]).
    pub tags: Option<Vec<Template>>,
    /// Built when no service is named.
    pub default: bool,
    /// Platforms to build for, in the order written and without repetition; empty: the host's ([`Platform::host`]).
    pub platforms: Vec<Platform>,
    /// The services this one says it is released with. The relation is read both ways and transitively: see
    /// [`Catalog::release_unit`].
    pub coupled_with: BTreeSet<Name>,
    /// How the image comes to be.
    pub builder: Builder,
    /// What is added to the image the builder gives.
    pub image: Image,
    /// What its executions may use: its own limits, and where it sets none those of [`Catalog::limits`].
    pub limits: Limits,
    /// What `test` holds the image to; absent: the image is not started.
    pub contract: Option<Contract>,
    /// The service's own checks, in the order written.
    pub checks: Vec<Check>,
}

impl Service {
    /// The services whose images this one's build reads, ordered by name.
    pub fn dependencies(&self) -> impl Iterator<Item = &Name> {
        let contexts = match &self.builder {
            Builder::Dockerfile(builder) => Some(&builder.contexts),
            Builder::Cargo(_) => None,
        };
        let names: BTreeSet<&Name> = contexts
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter_map(|source| match source {
                ContextSource::Service(name) => Some(name),
                ContextSource::OciLayout(_) | ContextSource::Dir(_) | ContextSource::Image(_) => {
                    None
                }
            })
            .collect();
        names.into_iter()
    }
}

/// How a service's image comes to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Builder {
    /// A Rust program, without a Dockerfile.
    Cargo(CargoBuilder),
    /// A target of a Dockerfile.
    Dockerfile(DockerfileBuilder),
}

/// The `[cargo]` table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CargoBuilder {
    /// The package; absent: the one `manifest` defines.
    pub package: Option<String>,
    /// The binary target; absent: the package's only one.
    pub bin: Option<String>,
    /// `Cargo.toml`; exists.
    pub manifest: RelativePath,
    /// The Cargo profile.
    pub profile: String,
    /// Cargo features to enable, in the order written.
    pub features: Vec<String>,
    /// Whether the package's default features are on.
    pub default_features: bool,
    /// How the program is linked.
    pub linkage: Linkage,
    /// Whether the image gets the certificate authorities.
    pub certificates: bool,
    /// Who the program runs as.
    pub user: User,
}

/// How a Rust program is linked.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Eq,
    PartialEq,
    serde::Deserialize,
    serde::Serialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Linkage {
    /// Static where the toolchain can, else dynamic.
    #[default]
    Auto,
    /// One file without shared objects; an error where the toolchain cannot.
    Static,
    /// With the shared objects it needs copied into the image.
    Dynamic,
}

/// A numeric user and group: an image from scratch has no `/etc/passwd` to look names up in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct User {
    /// User id, at most 4294967294: the last value of 32 bits means "no id" to the kernel.
    pub uid: u32,
    /// Group id, with the same limit.
    pub gid: u32,
}

/// The `[dockerfile]` table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DockerfileBuilder {
    /// The folder that `COPY` and `ADD` read from; exists.
    pub context: RelativePath,
    /// The Dockerfile; exists. Relative to `service.toml` like every path, not to the context.
    pub file: RelativePath,
    /// The stage to build; absent: the last.
    pub target: Option<String>,
    /// Build arguments by name.
    pub args: BTreeMap<String, Template>,
    /// Secrets by the id that `RUN --mount=type=secret,id=…` names.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Whether the build may use the keys in the SSH agent of `SSH_AUTH_SOCK`.
    pub ssh: bool,
    /// Named contexts by the name that `FROM` and `--from` use.
    pub contexts: BTreeMap<String, ContextSource>,
}

/// Where a named build context comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ContextSource {
    /// `service:NAME`: the image of another service of this catalog.
    Service(Name),
    /// `oci-layout:PATH`: an OCI image layout on disk. It need not exist yet when the catalog is loaded.
    OciLayout(RelativePath),
    /// `dir:PATH`: a folder; exists.
    Dir(RelativePath),
    /// `image:REFERENCE`: an image of a registry, as `FROM` would name it. It is one word; whether that can be a reference is
    /// not known here.
    Image(String),
}

/// Where a build secret comes from. Only the place is known here, never the value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SecretSource {
    /// `env:NAME`: an environment variable of the `pipeline` process.
    Env(String),
    /// `file:PATH`: a file, which need not exist when the catalog is loaded.
    File(RelativePath),
}

/// The `[image]` table: what is added to the image configuration.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Image {
    /// Environment variables.
    pub env: BTreeMap<String, Template>,
    /// Labels.
    pub labels: BTreeMap<String, Template>,
    /// Exposed TCP ports, in the order written and without repetition.
    pub ports: Vec<u16>,
    /// Arguments to the entrypoint; empty: the builder's.
    pub cmd: Vec<String>,
}

/// The `[contract]` table: what `test` holds the running image to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contract {
    /// What kind of program it is.
    pub kind: ContractKind,
    /// The environment the program needs to start.
    pub env: BTreeMap<String, Template>,
    /// Arguments that replace the image's command; empty: the image's.
    pub args: Vec<String>,
    /// How long until the program is live (or, for a job, done).
    pub start_timeout: Duration,
    /// How long after SIGTERM until the program has exited.
    pub grace_period: Duration,
}

/// What kind of program an image runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ContractKind {
    /// `http`: serves until SIGTERM.
    Http {
        /// TCP port it listens on.
        port: u16,
        /// Path that answers while the process is up.
        livez: String,
        /// Path that answers when it may receive traffic, if it declares one.
        readyz: Option<String>,
        /// Path that tells what was built, if it is to be checked.
        version: Option<String>,
    },
    /// `job`: runs to completion and exits 0.
    Job,
}

/// One `[[checks]]` table: a command that must exit 0.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Check {
    /// Unique in the service; names the collected report.
    pub name: Name,
    /// The stage of the Dockerfile the command runs in; absent: the service's own target. Always absent for `cargo`
    /// services, whose checks run on the host's toolchain, in the service's folder.
    pub target: Option<String>,
    /// Program and arguments; never empty.
    pub command: Vec<String>,
    /// The JUnit file the command leaves: an absolute path in the container, or for `cargo` services a path relative
    /// to the service's folder that stays inside the catalog root.
    pub junit: Option<String>,
}
