//! The program of this repository: a project whose services are the contexts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Builder;
use test_support::registry::Registry;

use crate::process::run;

/// Built by cargo for this run, optimised.
pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_pipeline");

pub(super) struct Ours {
    state: PathBuf,
}

impl Ours {
    pub(super) fn start(state: &Path, registry: &Registry) -> eyre::Result<Self> {
        let catalog = format!(
            "[project]\nname = \"bench\"\nregistry = \"registry.example.com/bench\"\nservices = [\"services/*\"]\n\n[registries.\"{}\"]\nplain-http = true\n",
            registry.host
        );
        fs::write(state.join("pipeline.toml"), catalog)?;
        Ok(Self {
            state: state.to_owned(),
        })
    }
}

impl Builder for Ours {
    fn context(&self, name: &str) -> PathBuf {
        self.state.join("services").join(name)
    }

    fn build(&mut self, name: &str) -> eyre::Result<()> {
        let manifest = self.context(name).join("service.toml");
        if !manifest.exists() {
            fs::write(manifest, "builder = \"dockerfile\"\n")?;
        }
        run(
            Command::new(PROGRAM)
                .arg("--directory")
                .arg(&self.state)
                .args(["build", "--engine", "embedded", "--progress", "plain", name])
                .env("PIPELINE_CACHE_DIR", self.state.join("cache"))
                // It is in a folder of this repository, but no part of what is checked out.
                .env("GIT_CEILING_DIRECTORIES", self.state.with_file_name("")),
            &self.state.join("build.log"),
        )
    }
}
