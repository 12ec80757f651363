//! Who builds: each with a state of its own that begins empty.

mod buildah;
mod buildkit;
mod ours;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;

use test_support::registry::Registry;

use crate::process;

/// A builder and its state.
pub(crate) trait Builder {
    /// The folder of the context `name`, with its Dockerfile.
    fn context(&self, name: &str) -> PathBuf;

    /// Builds it.
    fn build(&mut self, name: &str) -> eyre::Result<()>;
}

/// A builder, and where its images go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Kind {
    /// The program of this repository.
    Ours,
    /// BuildKit, into an OCI layout.
    Buildkit,
    /// BuildKit, into its own store.
    BuildkitStore,
    /// Buildah, into its own store.
    Buildah,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [
        Self::Ours,
        Self::Buildkit,
        Self::BuildkitStore,
        Self::Buildah,
    ];

    /// For programs and file names.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Buildkit => "buildkit",
            Self::BuildkitStore => "buildkit-store",
            Self::Buildah => "buildah",
        }
    }

    /// What is left when it has built.
    pub(crate) fn output(self) -> &'static str {
        match self {
            Self::Ours | Self::Buildkit => "an OCI layout, layers compressed",
            Self::BuildkitStore => "an image in its store, layers compressed",
            Self::Buildah => "an image in its store, layers not compressed",
        }
    }

    fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Ours => &[],
            Self::Buildkit | Self::BuildkitStore => &["buildkitd", "buildctl", "runc"],
            Self::Buildah => &["buildah", "runc"],
        }
    }

    /// A program it needs that is not installed.
    pub(crate) fn missing(self) -> Option<&'static str> {
        let mut programs = self.programs().iter().copied();
        programs.find(|program| process::find(program).is_none())
    }

    /// What it calls itself.
    pub(crate) fn version(self) -> eyre::Result<String> {
        let program = match self.programs().first() {
            Some(program) => program,
            None => ours::PROGRAM,
        };
        let text = process::output(Command::new(program).arg("--version"))?;
        Ok(text.trim().to_owned())
    }

    /// Starts it with an empty state in the folder `state`.
    pub(crate) fn start(self, state: &Path, registry: &Registry) -> eyre::Result<Box<dyn Builder>> {
        std::fs::create_dir_all(state)?;
        Ok(match self {
            Self::Ours => Box::new(ours::Ours::start(state, registry)?),
            Self::Buildkit => Box::new(buildkit::BuildKit::start(state, registry, true)?),
            Self::BuildkitStore => Box::new(buildkit::BuildKit::start(state, registry, false)?),
            Self::Buildah => Box::new(buildah::Buildah::start(state)?),
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}
