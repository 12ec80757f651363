//! Which images a rendered overlay, a Compose file or an `.env` file runs, for the checks of a deployments repository: every one of them
//! is to be pinned.
//!
//! Whether they exist and who signed them is asked of registries, by other crates, for the images found here.

mod compose;
mod env;
mod kubernetes;
mod tree;

use std::collections::BTreeMap;

use ci_oci::Reference;

use crate::edit::{Node, Refusal, RefusalKind, Yaml, parse};
use crate::foreign::printable;

pub use env::{Variables, env_images, variables};
use tree::Tree;

/// An image that a manifest runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The object or service that runs it: `Deployment web`, `services.web`; of an `.env` file nothing.
    pub owner: String,
    /// The container's or variable's name, where it has one.
    pub container: Option<String>,
    /// From 1.
    pub line: usize,
    /// The image as it is written, safe to print.
    pub text: String,
    /// The image, if it is one that is pinned by its digest; else why not.
    pub image: Result<Reference, Unpinned>,
}

/// Why an image is not pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unpinned {
    /// A tag may mean another image tomorrow.
    #[error("it has no digest")]
    NoDigest,
    /// Nobody can run it.
    #[error("it is not an image")]
    NotAnImage,
    /// Variables that are not known here.
    #[error("it is computed where it runs")]
    Computed,
    /// A Compose service with `build` alone: nobody tested what comes of it.
    #[error("it is built where it runs")]
    Built,
}

/// Every image of Kubernetes manifests and of Compose files, in the order of the text. `variables` are those that a Compose file's images
/// are computed from.
///
/// In pods, and in whatever holds a pod's template, that is every container's and every image volume's. In other objects it is what stands
/// under `image` or a key that ends in it, and is one.
///
/// # Errors
/// When the text is not YAML, when readers of it could disagree, and when there is no image in it: a rendering without one was not
/// checked, it was missed.
pub fn images(text: &str, variables: &Variables) -> Result<Vec<Found>, Refusal> {
    let yaml = parse(text)?;
    let mut finds = Finds::of(&yaml);
    for document in &yaml.documents {
        let tree = Tree::new(&yaml, &document.root)?;
        match compose::services(&tree) {
            Some(services) => compose::find(&tree, services, variables, &mut finds)?,
            None => kubernetes::find(&tree, &mut finds),
        }
    }
    finds.in_order()
}

/// Nothing was found, so nothing would be checked.
fn nothing(what: &str) -> Refusal {
    Refusal::new(RefusalKind::Absent, what)
}

/// Images by the byte where they stand, so that what is reached twice counts once.
struct Finds<'a> {
    text: &'a str,
    found: BTreeMap<usize, Found>,
}

impl<'a> Finds<'a> {
    fn of(yaml: &'a Yaml<'_>) -> Self {
        Self {
            text: yaml.text,
            found: BTreeMap::new(),
        }
    }

    fn add(
        &mut self,
        at: &Node,
        owner: &str,
        container: Option<&str>,
        text: &str,
        image: Result<Reference, Unpinned>,
    ) {
        self.found.entry(at.span.start).or_insert_with(|| Found {
            owner: owner.to_owned(),
            container: container.map(printable),
            line: 0,
            text: printable(text),
            image,
        });
    }

    /// With their lines, counted in one pass.
    fn in_order(self) -> Result<Vec<Found>, Refusal> {
        if self.found.is_empty() {
            return Err(nothing("it runs no image, so there is nothing to check"));
        }
        let (mut line, mut seen) = (1, 0);
        let with_line = |(at, found): (usize, Found)| {
            let between = self.text.as_bytes().get(seen..at).unwrap_or_default();
            line += between.iter().filter(|byte| **byte == b'\n').count();
            seen = at;
            Found { line, ..found }
        };
        Ok(self.found.into_iter().map(with_line).collect())
    }
}

/// What a text names, if that is pinned.
fn pinned(text: &str) -> Result<Reference, Unpinned> {
    match text.parse::<Reference>() {
        Ok(image) if image.digest().is_some() => Ok(image),
        Ok(_) => Err(Unpinned::NoDigest),
        Err(_) => Err(Unpinned::NotAnImage),
    }
}

#[cfg(test)]
mod tests;
