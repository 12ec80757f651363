//! Which images a rendered overlay runs, for the checks of a deployments repository: every one of them is to be pinned.
//!
//! Whether they exist and who signed them is asked of registries, by other crates, for the images found here.

use ci_oci::Reference;

use crate::edit::{Candidate, Kind, Node, Refusal, RefusalKind, Yaml, parse};
use crate::foreign::printable;

/// An image that a manifest runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The object or service that runs it: `Deployment web`, `services.web`.
    pub owner: String,
    /// The container's name, where it has one.
    pub container: Option<String>,
    /// From 1.
    pub line: usize,
    /// The image as it is written.
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
}

/// Keys whose items are containers, at any depth: those of pods, in whatever holds a pod's template.
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Every image of Kubernetes manifests, and of a Compose file.
///
/// # Errors
/// When the text is not YAML, or a container hides its image behind an alias.
pub fn images(text: &str) -> Result<Vec<Found>, Refusal> {
    let yaml = parse(text)?;
    let mut found = Vec::new();
    for document in &yaml.documents {
        let root = &document.root;
        let kind = value(root, "kind").and_then(Node::scalar);
        let name = value(root, "metadata").and_then(|it| value(it, "name")?.scalar());
        let owner = [kind, name]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ");
        walk(&yaml, root, &printable(&owner), &mut found)?;
        if kind.is_none()
            && let Some(Kind::Mapping(services)) = value(root, "services").map(|it| &it.kind)
        {
            for (name, service) in services {
                let owner = format!("services.{}", name.scalar().unwrap_or_default());
                container(&yaml, service, &printable(&owner), &mut found)?;
            }
        }
    }
    found.sort_by_key(|found| found.line);
    Ok(found)
}

fn value<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let Kind::Mapping(entries) = &node.kind else {
        return None;
    };
    let entry = entries.iter().find(|(name, _)| name.scalar() == Some(key));
    entry.map(|(_, value)| value)
}

fn walk(yaml: &Yaml<'_>, node: &Node, owner: &str, found: &mut Vec<Found>) -> Result<(), Refusal> {
    match &node.kind {
        Kind::Sequence(items) => items
            .iter()
            .try_for_each(|item| walk(yaml, item, owner, found)),
        Kind::Mapping(entries) => entries.iter().try_for_each(|(key, value)| {
            let is_list = key.scalar().is_some_and(|key| CONTAINERS.contains(&key));
            if is_list && let Kind::Sequence(items) = &value.kind {
                items
                    .iter()
                    .try_for_each(|item| container(yaml, item, owner, found))?;
            } else if is_list && let Kind::Alias(_) = value.kind {
                return Err(hidden(yaml, value));
            }
            walk(yaml, value, owner, found)
        }),
        // What it stands for was walked where it is written.
        Kind::Scalar { .. } | Kind::Alias(_) => Ok(()),
    }
}

fn container(
    yaml: &Yaml<'_>,
    node: &Node,
    owner: &str,
    found: &mut Vec<Found>,
) -> Result<(), Refusal> {
    if matches!(node.kind, Kind::Alias(_)) || value(node, "<<").is_some() {
        return Err(hidden(yaml, node));
    }
    let Some(image) = value(node, "image") else {
        return Ok(());
    };
    let text = image.scalar().ok_or_else(|| hidden(yaml, image))?;
    found.push(Found {
        owner: owner.to_owned(),
        container: value(node, "name").and_then(Node::scalar).map(printable),
        line: yaml.line(image),
        text: printable(text),
        image: match text.parse::<Reference>() {
            Ok(image) if image.digest().is_some() => Ok(image),
            Ok(_) => Err(Unpinned::NoDigest),
            Err(_) => Err(Unpinned::NotAnImage),
        },
    });
    Ok(())
}

fn hidden(yaml: &Yaml<'_>, node: &Node) -> Refusal {
    Refusal::new(
        RefusalKind::Shared,
        "a container's image stands behind an alias: give the rendered manifests",
    )
    .candidate(Candidate::at(yaml.text, node.span.start))
}

#[cfg(test)]
mod tests;
