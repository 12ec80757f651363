//! Which files of a repository a kustomization is rendered from, so that it can be rendered without a checkout.
//!
//! Pure: given what was read so far, it says what else is needed. What cannot be rendered from files of the repository alone (remote
//! resources, charts, links) is not rendered: whoever renders it for review must not reach anywhere because a file says so.

use std::collections::BTreeSet;

use crate::edit::{Kind, Node, parse};
use crate::{Contents, Entry};

/// The names a kustomization can have.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// More files than this are not rendered.
const MAX_FILES: usize = 500;
/// Keys whose values are rendered by other programs, or fetched.
const OTHERS: [&str; 3] = ["helmCharts", "helmChartInflationGenerator", "helmGlobals"];
/// Keys with lists of paths, to files or folders.
const LISTS: [&str; 9] = [
    "resources",
    "bases",
    "components",
    "crds",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "patchesStrategicMerge",
];
/// Keys with lists of tables that have a `path`.
const PATHS: [&str; 3] = ["patches", "patchesJson6902", "replacements"];
/// Keys with lists of tables that name files, perhaps as `KEY=PATH`.
const GENERATORS: [&str; 2] = ["configMapGenerator", "secretGenerator"];

/// Why something is not rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not made of files of the repository alone")]
pub struct NotRendered;

/// Whether a folder has a kustomization.
pub fn is_there(contents: &Contents, folder: &str) -> bool {
    NAMES.iter().any(|name| {
        let path = join(folder, name);
        path.is_some_and(|it| matches!(contents.get(&it), Entry::File { .. }))
    })
}

/// All paths that the kustomization in `folder` needs, as far as they can be told from `contents`. When all of them have been read, and
/// it asks for no more, that is all. Those that are missing then do not matter.
///
/// # Errors
/// When it cannot be rendered from them.
pub fn needs(contents: &Contents, folder: &str) -> Result<BTreeSet<String>, NotRendered> {
    let mut needed = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        if !seen.insert(folder.clone()) {
            continue;
        }
        for name in NAMES {
            let path = join(&folder, name).ok_or(NotRendered)?;
            if let Entry::File { bytes, .. } = contents.get(&path) {
                for reference in references(bytes)? {
                    let path = join(&folder, &reference).ok_or(NotRendered)?;
                    match contents.get(&path) {
                        Entry::Folder => folders.push(path.clone()),
                        Entry::Link => return Err(NotRendered),
                        Entry::File { .. } | Entry::Missing { .. } => {}
                    }
                    needed.insert(path);
                }
            }
            needed.insert(path);
        }
        if needed.len() > MAX_FILES {
            return Err(NotRendered);
        }
    }
    Ok(needed)
}

/// A path from a folder, both from the root of the repository; nothing: it leads out of it.
fn join(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|it| !it.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The paths that a kustomization names.
fn references(bytes: &[u8]) -> Result<Vec<String>, NotRendered> {
    let text = std::str::from_utf8(bytes).map_err(|_| NotRendered)?;
    let yaml = parse(text).map_err(|_| NotRendered)?;
    let mut found = Vec::new();
    for document in &yaml.documents {
        for (key, value) in entries(&document.root) {
            if OTHERS.contains(&key) {
                return Err(NotRendered);
            } else if LISTS.contains(&key) {
                found.extend(items(value).filter_map(Node::scalar));
            } else if PATHS.contains(&key) {
                let tables = items(value).flat_map(entries);
                found.extend(
                    tables
                        .filter(|(key, _)| *key == "path")
                        .filter_map(|(_, it)| it.scalar()),
                );
            } else if GENERATORS.contains(&key) {
                for (key, value) in items(value).flat_map(entries) {
                    match key {
                        "files" | "envs" => {
                            found.extend(items(value).filter_map(Node::scalar).map(behind_key))
                        }
                        "env" => found.extend(value.scalar()),
                        _ => {}
                    }
                }
            } else if key == "openapi" {
                found.extend(entries(value).filter_map(|(_, it)| it.scalar()));
            }
        }
    }
    // What is written inline has lines; what has a scheme or a query is fetched.
    found.retain(|it| !it.contains('\n'));
    let is_remote = |it: &&str| it.contains("://") || it.contains('?') || it.contains('@');
    match found.iter().any(is_remote) {
        true => Err(NotRendered),
        false => Ok(found.into_iter().map(str::to_owned).collect()),
    }
}

fn behind_key(text: &str) -> &str {
    text.split_once('=').map_or(text, |(_, path)| path)
}

fn entries(node: &Node) -> impl Iterator<Item = (&str, &Node)> {
    let entries = match &node.kind {
        Kind::Mapping(entries) => entries.as_slice(),
        _ => &[],
    };
    entries
        .iter()
        .filter_map(|(key, value)| Some((key.scalar()?, value)))
}

fn items(node: &Node) -> impl Iterator<Item = &Node> {
    match &node.kind {
        Kind::Sequence(items) => items.as_slice().iter(),
        _ => [].iter(),
    }
}

#[cfg(test)]
mod tests;
