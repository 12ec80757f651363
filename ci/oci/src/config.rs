//! The image config (OCI image specification, "Image Configuration") with the members Docker adds.
//!
//! Members we do not know are kept and written after ours, sorted, so that a config read and written again loses nothing. The order
//! of members is fixed and maps are sorted: equal configs are equal bytes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::{self, null_is_empty};
use crate::manifest::MAX_DOCUMENT;
use crate::{Digest, Platform};

/// The document a manifest's `config` points at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// When the image was made, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// GOARCH.
    pub architecture: String,
    /// For instance `v7` of `arm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// GOOS.
    pub os: String,
    /// How a container of it runs.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub config: RunConfig,
    /// Its layers.
    pub rootfs: RootFs,
    /// How it came about, lowest layer first.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub history: Vec<History>,
    /// Members we do not know.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// What a container runs by default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RunConfig {
    /// `user`, `uid`, `user:group` or `uid:gid`; empty is root.
    #[serde(
        default,
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub user: String,
    /// `port/protocol`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty", with = "set")]
    pub exposed_ports: BTreeSet<String>,
    /// `NAME=value`, in order.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub env: Vec<String>,
    /// Program and first arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<Vec<String>>,
    /// Further, replaceable arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmd: Option<Vec<String>>,
    /// Paths that hold data.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty", with = "set")]
    pub volumes: BTreeSet<String>,
    /// Where it starts.
    #[serde(
        default,
        skip_serializing_if = "String::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub working_dir: String,
    /// Metadata.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub labels: BTreeMap<String, String>,
    /// For instance `SIGQUIT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    /// `ENTRYPOINT` came from the shell form (Windows).
    #[serde(
        default,
        skip_serializing_if = "std::ops::Not::not",
        deserialize_with = "null_is_empty"
    )]
    pub args_escaped: bool,
    /// How a container proves to be well (Docker).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    /// Instructions for images built on this one (Docker).
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub on_build: Vec<String>,
    /// The shell of shell forms (Docker).
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub shell: Vec<String>,
    /// Members we do not know.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// Docker's health check. Durations are nanoseconds; zero is "inherit".
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Healthcheck {
    /// `[]` inherits, `["NONE"]` disables, `["CMD", …]`, `["CMD-SHELL", script]`.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_is_empty"
    )]
    pub test: Vec<String>,
    /// Between two checks.
    #[serde(
        default,
        skip_serializing_if = "is_zero",
        deserialize_with = "null_is_empty"
    )]
    pub interval: i64,
    /// For one check.
    #[serde(
        default,
        skip_serializing_if = "is_zero",
        deserialize_with = "null_is_empty"
    )]
    pub timeout: i64,
    /// Before failures count.
    #[serde(
        default,
        skip_serializing_if = "is_zero",
        deserialize_with = "null_is_empty"
    )]
    pub start_period: i64,
    /// Between two checks in the start period.
    #[serde(
        default,
        skip_serializing_if = "is_zero",
        deserialize_with = "null_is_empty"
    )]
    pub start_interval: i64,
    /// Failures in a row that make it unhealthy.
    #[serde(
        default,
        skip_serializing_if = "is_zero",
        deserialize_with = "null_is_empty"
    )]
    pub retries: i64,
}

/// The layers of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Digests of the uncompressed layers, lowest first.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub diff_ids: Vec<Digest>,
}

/// One step of how the image came about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// When, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The instruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// A remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The step made no layer.
    #[serde(
        default,
        skip_serializing_if = "std::ops::Not::not",
        deserialize_with = "null_is_empty"
    )]
    pub empty_layer: bool,
}

/// Why a config is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not JSON, or not of this shape.
    #[error("not an image config: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Too large.
    #[error("the image config has more than {MAX_DOCUMENT} bytes")]
    TooLarge,
    /// Something that is no list of layers.
    #[error("the image's root file system is of type {0:?}; only \"layers\" is known")]
    RootFs(String),
}

impl Default for RootFs {
    fn default() -> Self {
        Self {
            kind: "layers".to_owned(),
            diff_ids: Vec::new(),
        }
    }
}

impl ImageConfig {
    /// The config of an image without layers (`FROM scratch`).
    pub fn new(platform: &Platform) -> Self {
        Self {
            created: None,
            author: None,
            architecture: platform.architecture.clone(),
            variant: platform.variant.clone(),
            os: platform.os.clone(),
            config: RunConfig::default(),
            rootfs: RootFs::default(),
            history: Vec::new(),
            other: BTreeMap::new(),
        }
    }

    /// Reads a config.
    pub fn parse(content: &[u8]) -> Result<Self, ConfigError> {
        if content.len() as u64 > MAX_DOCUMENT {
            return Err(ConfigError::TooLarge);
        }
        let mut config: Self = serde_json::from_slice(content)?;
        config
            .other
            .values_mut()
            .chain(config.config.other.values_mut())
            .for_each(json::sort);
        if config.rootfs.kind != "layers" {
            return Err(ConfigError::RootFs(config.rootfs.kind));
        }
        Ok(config)
    }

    /// The canonical JSON: compact, members in fixed order, maps sorted.
    pub fn to_json(&self) -> Result<Vec<u8>, ConfigError> {
        Ok(serde_json::to_vec(self)?)
    }

    /// What it runs on.
    pub fn platform(&self) -> Platform {
        Platform::new(&self.os, &self.architecture, self.variant.as_deref())
    }
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Go's `map[string]struct{}`: `{"80/tcp": {}}`.
mod set {
    use super::*;
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        set: &BTreeSet<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(set.iter().map(|key| (key, BTreeMap::<(), ()>::new())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeSet<String>, D::Error> {
        let map = Option::<BTreeMap<String, serde::de::IgnoredAny>>::deserialize(deserializer)?;
        Ok(map.unwrap_or_default().into_keys().collect())
    }
}

#[cfg(test)]
mod tests;
