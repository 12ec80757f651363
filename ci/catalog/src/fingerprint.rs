//! Fingerprints: one digest over everything an image is made of, known before it is built.
//!
//! Equal fingerprints mean that building again would give the same files and the same config, apart from the time they carry; so
//! what a registry has under a fingerprint need not be built. The catalog's part of the inputs is filled in here, the rest (digests
//! of contexts, of base images, of sources) by whoever can read them. Values of secrets are no input.

mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::{Builder, Platform, RenderError, Service, Template, Variables};

/// What comes before the description. Its number goes up with every change of what is described or how.
const VERSION: &str = "pipeline fingerprint 1\n";

/// A digest of [`Inputs`]. Displays as 64 hexadecimal digits.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Fingerprint([u8; 32]);

/// Why a text is not a [`Fingerprint`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a fingerprint is 64 lower-case hexadecimal digits")]
pub struct InvalidFingerprint;

/// Everything an image is made of. Templates are rendered, and digests are texts such as `sha256:…`.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Inputs {
    /// The assembly profile, which decides how files become bytes.
    pub profile: String,
    /// The platforms, each as `OS/ARCHITECTURE[/VARIANT]`.
    pub platforms: BTreeSet<String>,
    /// What the builder reads.
    pub builder: BuilderInputs,
    /// Environment variables that are added to the image.
    pub env: BTreeMap<String, String>,
    /// Labels that are added to the image.
    pub labels: BTreeMap<String, String>,
    /// Ports that are added to the image.
    pub ports: Vec<u16>,
    /// Arguments that replace the builder's.
    pub cmd: Vec<String>,
}

/// What a builder reads.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum BuilderInputs {
    /// `builder = "dockerfile"`.
    Dockerfile(DockerfileInputs),
    /// `builder = "cargo"`.
    Cargo(CargoInputs),
}

/// What a build from a Dockerfile reads.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DockerfileInputs {
    /// The text of the Dockerfile; described by its digest.
    #[serde(serialize_with = "digest_of")]
    pub dockerfile: String,
    /// The stage to build.
    pub target: Option<String>,
    /// The digest of the context as far as it is read, after ignore rules.
    pub context: String,
    /// Build arguments.
    pub arguments: BTreeMap<String, String>,
    /// The digest of every base image, by the reference the Dockerfile names.
    pub bases: BTreeMap<String, String>,
    /// Named contexts by name.
    pub contexts: BTreeMap<String, ContextInput>,
    /// The ids of the secrets the build is given. Not their values.
    pub secrets: BTreeSet<String>,
}

/// What a named context is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContextInput {
    /// The image of another service, by that service's fingerprint.
    Service(Fingerprint),
    /// A folder or an image layout, by its digest.
    Content(String),
}

/// What a build with cargo reads.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CargoInputs {
    /// The digest of the sources of the package and of what it depends on, with their lock file.
    pub sources: String,
    /// What identifies compiler, linker and target libraries.
    pub toolchain: String,
    /// The digest of the certificate authorities, if the image gets them.
    pub certificates: Option<String>,
    /// The catalog's settings by key.
    pub settings: BTreeMap<String, String>,
}

impl Inputs {
    /// What the catalog says of a service's inputs. Its builder's contents are still empty: the Dockerfile's text and the
    /// digests of contexts, base images, sources and toolchain.
    ///
    /// # Errors
    /// When a template needs a value that is not among the variables.
    pub fn of(
        service: &Service,
        profile: &str,
        platforms: &[Platform],
        variables: &Variables,
    ) -> Result<Self, RenderError> {
        let rendered = |templates: &BTreeMap<String, Template>| -> Result<_, RenderError> {
            let rendered = templates
                .iter()
                .map(|(name, template)| Ok((name.clone(), template.render(variables)?)));
            rendered.collect::<Result<BTreeMap<_, _>, _>>()
        };
        let builder = match &service.builder {
            Builder::Dockerfile(builder) => BuilderInputs::Dockerfile(DockerfileInputs {
                target: builder.target.clone(),
                arguments: rendered(&builder.args)?,
                secrets: builder.secrets.keys().cloned().collect(),
                ..DockerfileInputs::default()
            }),
            Builder::Cargo(builder) => BuilderInputs::Cargo(CargoInputs {
                settings: settings::of(builder),
                ..CargoInputs::default()
            }),
        };
        Ok(Self {
            profile: profile.to_owned(),
            platforms: platforms.iter().map(Platform::to_string).collect(),
            builder,
            env: rendered(&service.image.env)?,
            labels: rendered(&service.image.labels)?,
            ports: service.image.ports.clone(),
            cmd: service.image.cmd.clone(),
        })
    }

    /// The fingerprint of these inputs.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(format!("{VERSION}{}", self.description())).into())
    }

    /// The inputs as one line of JSON in canonical form: members in the order of the types, maps sorted. It holds arguments,
    /// variables and labels as they are.
    #[must_use]
    pub fn description(&self) -> String {
        // A map with keys that are no texts is the only thing of these types' kinds that JSON cannot hold, and there is none.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The names of the inputs in which these differ from others, such as `builder.bases.docker.io/library/debian:12`. Without
    /// their values.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut names = Vec::new();
        let [ours, theirs] = [self, other].map(|it| serde_json::to_value(it).unwrap_or_default());
        settings::differences(&ours, &theirs, "", &mut names);
        names
    }
}

impl Fingerprint {
    /// The first 32 digits, which tags have: enough that no two contents ever meet by chance.
    #[must_use]
    pub fn short(&self) -> String {
        hex::encode(&self.0[..16])
    }
}

fn digest_of<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!(
        "sha256:{}",
        hex::encode(Sha256::digest(text))
    ))
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let lower = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let mut bytes = [0; 32];
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) if lower => Ok(Self(bytes)),
            _ => Err(InvalidFingerprint),
        }
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests;
