//! The image configuration that a stage starts from and ends with.
//!
//! It is this crate's own plain type: how it becomes the JSON of an OCI image is left to the crate that assembles images.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What the reference sets where a base image has no PATH.
pub(crate) const DEFAULT_PATH: &str =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The fields of an image configuration that a Dockerfile reads or sets, as in the OCI image specification ("Image Configuration")
/// and Docker's extensions of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Environment in the order of definition; no name is in it twice.
    pub env: Vec<(String, String)>,
    /// `None`: not set; an empty list was set to be empty.
    pub entrypoint: Option<Vec<String>>,
    /// `None`: not set; an empty list was set to be empty.
    pub cmd: Option<Vec<String>>,
    /// Docker's `ArgsEscaped`, which the reference sets with every CMD.
    pub args_escaped: bool,
    /// `USER`: name or number, with `:group` where given; empty means root.
    pub user: String,
    /// Absolute, or empty where never set.
    pub working_dir: String,
    /// `LABEL`.
    pub labels: BTreeMap<String, String>,
    /// `EXPOSE`, each `port/protocol`.
    pub exposed_ports: BTreeSet<String>,
    /// `VOLUME`.
    pub volumes: BTreeSet<String>,
    /// `STOPSIGNAL` as written.
    pub stop_signal: Option<String>,
    /// `SHELL`; `None` means `/bin/sh -c`.
    pub shell: Option<Vec<String>>,
    /// `HEALTHCHECK`.
    pub healthcheck: Option<Healthcheck>,
    /// `ONBUILD`: instructions for builds on top of this image.
    pub onbuild: Vec<String>,
    /// `MAINTAINER`.
    pub author: Option<String>,
}

/// Docker's health check. Durations are in nanoseconds, 0 where the default is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Healthcheck {
    /// `["NONE"]`, `["CMD", argument, …]` or `["CMD-SHELL", command]`.
    pub test: Vec<String>,
    /// Time between two checks.
    pub interval: u64,
    /// Time after which a check has failed.
    pub timeout: u64,
    /// Time for the container to start, in which failures do not count.
    pub start_period: u64,
    /// Time between two checks while the container starts.
    pub start_interval: u64,
    /// Failures in a row that make the container unhealthy.
    pub retries: u32,
}

impl Config {
    /// What a stage begins with that stands on nothing, or on a named context that is a directory.
    pub fn scratch() -> Self {
        Self {
            env: vec![("PATH".to_owned(), DEFAULT_PATH.to_owned())],
            working_dir: "/".to_owned(),
            ..Self::default()
        }
    }

    /// The value of an environment variable.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.env
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}
