//! What the sources of a COPY name: paths, or patterns that match some.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use ci_dockerfile::glob::{Glob, has_wildcards};

use super::Job;
use crate::error::{Error, Result};
use crate::merged::{Kind, Metadata};

/// One thing named by a source: where it is and how it is called at the destination.
pub(super) struct Found {
    /// Canonical path in the source.
    pub(super) canonical: PathBuf,
    /// As asked for, relative to the root; decides the name and what the patterns see.
    pub(super) asked: PathBuf,
    pub(super) metadata: Metadata,
}

impl Job<'_, '_> {
    /// Finds what one source names: a path, or a pattern whose matches come sorted.
    pub(super) fn find(&self, source: &str, found: &mut Vec<Found>) -> Result<()> {
        let relative = normalise(source);
        let before = found.len();
        if has_wildcards(source) {
            self.expand(&relative.iter().collect::<Vec<_>>(), PathBuf::new(), found)?;
        } else if let Some(item) = self.found(relative.clone())? {
            found.push(item);
        }
        if found.len() == before && !(self.request.allow_empty && has_wildcards(source)) {
            let hint = self
                .nearest(&relative)?
                .map(|name| format!(" (did you mean {name:?}?)"))
                .unwrap_or_default();
            return Err(Error::NotFound {
                path: source.to_owned(),
                hint,
            });
        }
        Ok(())
    }

    fn found(&self, asked: PathBuf) -> Result<Option<Found>> {
        // Links are resolved within the source's own root, so `..` and absolute links cannot leave it (E5).
        let canonical = self
            .source
            .resolve(&Path::new(&self.request.root).join(&asked))?;
        Ok(self.source.lstat(&canonical)?.map(|metadata| Found {
            canonical,
            asked,
            metadata,
        }))
    }

    fn expand(&self, names: &[&OsStr], prefix: PathBuf, found: &mut Vec<Found>) -> Result<()> {
        let Some((name, rest)) = names.split_first() else {
            found.extend(self.found(prefix)?);
            return Ok(());
        };
        let pattern = name.to_string_lossy();
        if !has_wildcards(&pattern) {
            return self.expand(rest, prefix.join(name), found);
        }
        let Some(dir) = self.found(prefix.clone())? else {
            return Ok(());
        };
        if dir.metadata.kind != Kind::Directory {
            return Ok(());
        }
        let glob =
            Glob::parse(&pattern).map_err(|problem| Error::unsuitable(pattern.clone(), problem))?;
        for child in self.source.list(&dir.canonical)? {
            let child = OsStr::from_bytes(&child);
            let path = prefix.join(child);
            if glob.matches(&child.to_string_lossy()) {
                self.expand(rest, path, found)?;
            }
        }
        Ok(())
    }

    fn nearest(&self, relative: &Path) -> Result<Option<String>> {
        let parent = relative.parent().unwrap_or(Path::new(""));
        let Some(dir) = self.found(parent.to_owned())? else {
            return Ok(None);
        };
        if dir.metadata.kind != Kind::Directory {
            return Ok(None);
        }
        let wanted = relative.file_name().unwrap_or_default();
        let names = self.source.list(&dir.canonical)?;
        let names = names
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned());
        let nearest = nearest(&wanted.to_string_lossy(), names);
        Ok(nearest.map(|name| parent.join(name).display().to_string()))
    }
}

/// Of the names in a directory, the one that was probably meant; not the very name, which is that of a link that leads nowhere.
pub fn nearest(wanted: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let likeness = |name: &str| strsim::jaro_winkler(name, wanted);
    names
        .filter(|name| name != wanted)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .filter(|name| likeness(name) > 0.8)
}

/// A source path relative to the root, without `.`, `..` leaving it, or a leading `/`.
fn normalise(source: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for component in Path::new(source).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => {
                path.pop();
            }
            _ => {}
        }
    }
    path
}
