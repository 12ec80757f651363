//! Where an image is from: the labels and annotations that the OCI image specification defines for it ("Pre-Defined Annotation Keys").
//!
//! They depend on the commit and on nothing of this machine: the same checkout gives the same image, whoever cloned it and how. What a
//! Dockerfile or the catalog sets under one of these names stays. What a base image says of itself does not.

use std::collections::BTreeMap;

use ci_catalog::{Builder, Placeholder, Platform};

use crate::project::Project;
use crate::stages::dockerfile::Dockerfile;
use crate::stages::plan::{Planned, rfc3339};

const CREATED: &str = "org.opencontainers.image.created";
const REVISION: &str = "org.opencontainers.image.revision";
const SOURCE: &str = "org.opencontainers.image.source";
const TITLE: &str = "org.opencontainers.image.title";
const VERSION: &str = "org.opencontainers.image.version";

/// What an image says of where it is from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Labels {
    /// Labels to set, or to remove from what the base image brings.
    pub(super) labels: BTreeMap<&'static str, Option<String>>,
    /// Annotations of its manifest: the same, and what is set under these names otherwise.
    pub(super) annotations: BTreeMap<&'static str, String>,
}

impl Labels {
    /// Those of a service's image.
    ///
    /// # Errors
    /// When the Dockerfile cannot be read, or a label cannot be rendered.
    pub(super) fn of(
        project: &Project,
        planned: &Planned<'_>,
        platform: &Platform,
    ) -> eyre::Result<Self> {
        let checkout = project.checkout();
        let is_known = checkout.unknown.is_none();
        let repository = checkout.repository.as_deref().and_then(web_address);
        let version = planned.variables.get(Placeholder::Version);
        let ours = [
            (CREATED, Some(rfc3339(project.source_date_epoch())?)),
            (REVISION, is_known.then(|| checkout.commit.clone())),
            (SOURCE, repository),
            (TITLE, Some(planned.service.name.to_string())),
            (VERSION, version.map(str::to_owned)),
        ];
        let mut own = match &planned.service.builder {
            Builder::Dockerfile(builder) => {
                let file = Dockerfile::read(project, planned, builder, platform)?;
                file.reads(|_| None).labels
            }
            Builder::Cargo(_) => BTreeMap::new(),
        };
        for (name, template) in &planned.service.image.labels {
            let value = planned.render(&format!("image.labels.{name}"), template)?;
            own.insert(name.clone(), value);
        }
        Ok(Self::with(ours, &own))
    }

    fn with<const N: usize>(
        ours: [(&'static str, Option<String>); N],
        own: &BTreeMap<String, String>,
    ) -> Self {
        let mut labels = Self::default();
        for (name, value) in ours {
            match own.get(name) {
                Some(own) => drop(labels.annotations.insert(name, own.clone())),
                None => {
                    labels
                        .annotations
                        .extend(value.clone().map(|it| (name, it)));
                    labels.labels.insert(name, value);
                }
            }
        }
        labels
    }
}

/// The address of a repository for people, the same however it was cloned: `git@example.com:a/b.git` is `https://example.com/a/b`.
/// Nothing for a path of this machine.
pub(crate) fn web_address(remote: &str) -> Option<String> {
    let (scheme, host, path) = match remote.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => {
            let (host, path) = rest.split_once('/')?;
            (scheme, host, path)
        }
        Some(("ssh" | "git+ssh" | "git", rest)) => {
            let (host, path) = rest.split_once('/')?;
            // The port is that of another protocol.
            let host = host.rsplit('@').next()?;
            ("https", host.split(':').next()?, path)
        }
        Some(_) => return None,
        // `git@host:path`, which a path with a slash before the colon is not.
        None => {
            let (host, path) = remote.split_once(':')?;
            if host.contains('/') {
                return None;
            }
            ("https", host.rsplit('@').next()?, path)
        }
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let is_plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
    (is_plain(host) && is_plain(path)).then(|| format!("{scheme}://{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_has_one_address_however_it_was_cloned() {
        for remote in [
            "https://example.com/acme/shop.git",
            "https://example.com/acme/shop/",
            "git@example.com:acme/shop.git",
            "example.com:acme/shop",
            "ssh://git@example.com:2222/acme/shop.git",
            "git://example.com/acme/shop.git",
        ] {
            assert_eq!(
                web_address(remote).as_deref(),
                Some("https://example.com/acme/shop"),
                "{remote}"
            );
        }
        assert_eq!(
            web_address("http://127.0.0.1:3000/a/b.git").as_deref(),
            Some("http://127.0.0.1:3000/a/b")
        );
        for remote in [
            "/srv/shop.git",
            "../shop",
            "file:///srv/shop.git",
            "ext::sh -c x",
            "./a:b",
            "https://example.com",
            "x:\u{1b}",
        ] {
            assert_eq!(web_address(remote), None, "{remote}");
        }
    }

    #[test]
    fn what_is_set_otherwise_stays_and_what_is_not_known_is_removed() {
        let ours = [
            (REVISION, Some("abc".to_owned())),
            (SOURCE, None),
            (TITLE, Some("web".to_owned())),
            (VERSION, None),
        ];
        let own = BTreeMap::from([
            (TITLE.to_owned(), "Shop".to_owned()),
            (VERSION.to_owned(), "7".to_owned()),
            ("other".to_owned(), "x".to_owned()),
        ]);
        let labels = Labels::with(ours, &own);
        let expected = BTreeMap::from([(REVISION, Some("abc".to_owned())), (SOURCE, None)]);
        assert_eq!(labels.labels, expected);
        let text = |text: &str| text.to_owned();
        let expected = BTreeMap::from([
            (REVISION, text("abc")),
            (TITLE, text("Shop")),
            (VERSION, text("7")),
        ]);
        assert_eq!(labels.annotations, expected);
    }
}
