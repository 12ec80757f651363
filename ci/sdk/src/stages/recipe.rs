//! How an image is made, in the words of the catalog: what the release record keeps of it for provenance.
//!
//! Secrets are given to builds by other means; a value that looks like one all the same is left out (S1).

use std::collections::{BTreeMap, BTreeSet};

use ci_catalog::{Builder, CargoBuilder, DockerfileBuilder, looks_secret};
use serde::{Deserialize, Serialize};

use super::bases;
use super::dockerfile::Dockerfile;
use super::plan::Planned;
use crate::project::Project;

/// Stands for a value that looks like a secret.
const LEFT_OUT: &str = "(left out: it looks like a secret)";

/// How an image is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recipe {
    /// The Dockerfile or the package's `Cargo.toml`, from the catalog's root.
    pub(crate) file: String,
    /// The stage of the Dockerfile, or the program of the package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    /// What the builder is told, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) arguments: BTreeMap<String, String>,
    /// What the Dockerfile fetches itself and pins.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) downloads: BTreeSet<Download>,
}

/// A file of the web, or a commit of a git repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Download {
    /// Where it is from; without credentials, of git with `git+` before it.
    pub(crate) uri: String,
    /// `sha256:…`, or `gitCommit:…`.
    pub(crate) digest: String,
}

impl Recipe {
    /// How the image of a service is made, on all its platforms.
    ///
    /// # Errors
    /// When its Dockerfile cannot be read, or an argument cannot be rendered.
    pub(crate) fn of(project: &Project, planned: &Planned<'_>) -> eyre::Result<Self> {
        match &planned.service.builder {
            Builder::Cargo(builder) => Ok(Self::of_cargo(builder)),
            Builder::Dockerfile(builder) => Self::of_dockerfile(project, planned, builder),
        }
    }

    fn of_cargo(builder: &CargoBuilder) -> Self {
        let mut arguments = BTreeMap::from([("profile".to_owned(), builder.profile.clone())]);
        if let Some(package) = &builder.package {
            arguments.insert("package".into(), package.clone());
        }
        if !builder.features.is_empty() {
            arguments.insert("features".into(), builder.features.join(","));
        }
        if !builder.default_features {
            arguments.insert("default-features".into(), "false".into());
        }
        Self {
            file: builder.manifest.to_string(),
            target: builder.bin.clone(),
            arguments,
            downloads: BTreeSet::new(),
        }
    }

    fn of_dockerfile(
        project: &Project,
        planned: &Planned<'_>,
        builder: &DockerfileBuilder,
    ) -> eyre::Result<Self> {
        let mut downloads = BTreeSet::new();
        for platform in &planned.platforms {
            let file = Dockerfile::read(project, planned, builder, platform)?;
            downloads.extend(file.reads(|_| None).pinned);
        }
        let arguments = bases::arguments(project, planned, builder)?;
        let arguments = arguments.into_iter().map(|(name, value)| {
            let is_secret = looks_secret(&name, &value);
            let value = if is_secret { LEFT_OUT.into() } else { value };
            (name, value)
        });
        Ok(Self {
            file: builder.file.to_string(),
            target: builder.target.clone(),
            arguments: arguments.collect(),
            downloads,
        })
    }
}

impl Download {
    /// A file, with the checksum it is held to.
    pub(crate) fn file(url: &str, checksum: &str) -> Self {
        Self {
            uri: without_credentials(url),
            digest: checksum.to_owned(),
        }
    }

    /// A commit of a repository.
    pub(crate) fn commit(remote: &str, commit: &str) -> Self {
        Self {
            uri: format!("git+{}", without_credentials(remote)),
            digest: format!("gitCommit:{commit}"),
        }
    }
}

/// An address without what stands before the `@` of its host.
fn without_credentials(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, it)| it);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_without_credentials_s1() {
        let file = Download::file("https://user:token@example.com/a@b.tar?x=1", "sha256:00");
        assert_eq!(file.uri, "https://example.com/a@b.tar?x=1");
        let commit = Download::commit("https://example.com/a.git", "abc");
        assert_eq!(commit.uri, "git+https://example.com/a.git");
        assert_eq!(commit.digest, "gitCommit:abc");
        assert_eq!(
            without_credentials("git@example.com:a"),
            "git@example.com:a"
        );
    }
}
