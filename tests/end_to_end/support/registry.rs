//! Registries to build from, filled by another tool, and projects that build on what is in them.

use serde_json::Value;
use test_support::base::Base;
use test_support::registry::{Registry, Wants};

use super::Skip;
use super::project::Project;

/// A registry without content.
pub(crate) fn registry(wants: &Wants<'_>) -> Result<Registry, Skip> {
    Registry::start(wants).map_err(Skip)
}

/// Puts a base image into a registry under a name with a tag, whatever is there; its digest.
#[track_caller]
pub(crate) fn push(registry: &Registry, base: Base, name: &str) -> Result<String, Skip> {
    registry.push(base, name).map_err(Skip)
}

/// A project of one service, `app`.
pub(crate) fn project(registries: &str, dockerfile: &str) -> Project {
    let project = Project::cold();
    let catalog = "[project]\nname = \"shop\"\nregistry = \"registry.example.com/acme\"\nservices = [\"app\"]\n";
    project.write("pipeline.toml", &format!("{catalog}{registries}"));
    project.write("app/service.toml", "builder = \"dockerfile\"\n");
    project.write("app/Dockerfile", dockerfile);
    project.write("app/file", "content");
    project
}

/// Declares that a registry has no TLS.
pub(crate) fn plain(registry: &Registry) -> String {
    format!("[registries.\"{}\"]\nplain-http = true\n", registry.host)
}

impl Project {
    /// What `app` was built on: reference and digest.
    #[track_caller]
    pub(crate) fn bases(&self) -> Vec<(String, String)> {
        let record = self.record();
        let bases = record["services"][0]["bases"].as_array().unwrap().iter();
        bases
            .map(|base| (string(&base["reference"]), string(&base["digest"])))
            .collect()
    }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
