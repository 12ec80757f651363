//! What a program was compiled from: folders of packages, and files that these reach out to. Their digest, as Dagger sees
//! them, tells whether cargo has anything to do.
//!
//! The list comes from cargo itself, after a build. It can only change when a file on it changes (a manifest, a source with
//! another `include_str!`), so a digest that is still the same means that the list is, too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ci_oci::Digest;
use dagger_sdk::{HostDirectoryOptsBuilder, Query};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::error::UserError;
use crate::stages::build::failure::Call;

/// Never input: what git and this program write.
const EXCLUDED: [&str; 2] = ["**/.git", "**/.pipeline"];

/// Files and folders that a program was compiled from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inputs {
    /// By folder (relative to the catalog's, or absolute): paths in it, the empty one being all of it.
    trees: BTreeMap<PathBuf, Tree>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tree {
    include: BTreeSet<PathBuf>,
    exclude: BTreeSet<PathBuf>,
}

impl Inputs {
    /// The packages' `folders`, the files of the `workspace`, and of `files` those that are in none of these.
    pub(super) fn new(
        root: &Path,
        workspace: &Path,
        folders: &BTreeSet<PathBuf>,
        files: &[PathBuf],
    ) -> Self {
        let mut inputs = Self::default();
        for folder in folders {
            let tree = inputs.add(root, folder);
            // Cargo's usual target folder; sources may be in deeper folders of this name.
            tree.0.exclude.insert(tree.1.join("target"));
        }
        for name in ["Cargo.toml", "Cargo.lock"] {
            inputs.add(root, &workspace.join(name));
        }
        for file in files {
            if !folders.iter().any(|folder| file.starts_with(folder)) {
                inputs.add(root, file);
            }
        }
        inputs
    }

    /// Adds a path to the tree it belongs to; that tree, and the path in it.
    fn add(&mut self, root: &Path, path: &Path) -> (&mut Tree, PathBuf) {
        let (base, inside) = match path.strip_prefix(root) {
            Ok(inside) => (PathBuf::new(), inside.to_owned()),
            Err(_) if path.is_dir() => (path.to_owned(), PathBuf::new()),
            Err(_) => {
                let folder = path.parent().unwrap_or(Path::new("/"));
                let name = path.file_name().unwrap_or_default();
                (folder.to_owned(), PathBuf::from(name))
            }
        };
        let tree = self.trees.entry(base).or_default();
        tree.include.insert(inside.clone());
        (tree, inside)
    }

    /// All of them as paths; relative ones are from the catalog's root.
    pub(crate) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.trees.iter().flat_map(|(base, tree)| {
            let inside = tree.include.iter();
            inside.map(move |path| base.join(path))
        })
    }

    /// A digest of everything they contain now.
    pub(super) async fn digest(&self, query: &Query, root: &Path) -> eyre::Result<String> {
        let digests = self.trees.iter().map(|(base, tree)| async move {
            let path = crate::stages::build::dockerfile::text(&root.join(base))?;
            let include = tree.patterns()?;
            let mut exclude = patterns(&tree.exclude)?;
            exclude.extend(EXCLUDED.map(str::to_owned));
            let options = HostDirectoryOptsBuilder::default()
                .include(include.iter().map(String::as_str).collect::<Vec<_>>())
                .exclude(exclude.iter().map(String::as_str).collect::<Vec<_>>())
                .build()?;
            let directory = query.host().directory_opts(path, options);
            Ok::<_, eyre::Report>(directory.digest().await.told()?)
        });
        let digests = try_join_all(digests).await?;
        Ok(Digest::of(digests.join("\n")).to_string())
    }
}

impl Tree {
    fn patterns(&self) -> Result<Vec<String>, UserError> {
        // One that means everything makes all others needless.
        if self.include.contains(Path::new("")) {
            return Ok(Vec::new());
        }
        patterns(&self.include)
    }
}

fn patterns(paths: &BTreeSet<PathBuf>) -> Result<Vec<String>, UserError> {
    let text = |path: &PathBuf| crate::stages::build::dockerfile::text(path);
    paths.iter().map(|path| text(path).map(escaped)).collect()
}

/// A path as a pattern that matches it alone.
fn escaped(path: String) -> String {
    let mut pattern = String::with_capacity(path.len());
    for character in path.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// The files that a program depends on, from the rule in the style of make that cargo leaves beside it. Sources name others
/// relative to themselves, so a path may lead out of the folder it begins with: here they are what they lead to.
pub(super) fn dependencies(rule: &str) -> Vec<PathBuf> {
    let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
    prerequisites(rule).into_iter().map(real).collect()
}

fn prerequisites(rule: &str) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for line in rule.lines() {
        let Some((_, list)) = line.split_once(": ") else {
            continue;
        };
        let mut path = String::new();
        let mut characters = list.chars();
        while let Some(character) = characters.next() {
            match character {
                // Only blanks are escaped.
                '\\' => path.extend(characters.next()),
                ' ' => paths.push(PathBuf::from(std::mem::take(&mut path))),
                other => path.push(other),
            }
        }
        paths.push(PathBuf::from(path));
    }
    paths.retain(|path| path.is_absolute());
    paths
}

/// Whether a file was changed since `start`: what was compiled may be neither the old content nor the new.
pub(super) fn changed_since(files: &[PathBuf], start: SystemTime) -> bool {
    files.iter().any(|file| {
        let modified = std::fs::metadata(file).and_then(|found| found.modified());
        modified.is_ok_and(|time| time >= start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(paths: &[&str]) -> BTreeSet<PathBuf> {
        paths.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn files_in_packages_count_with_them_and_others_by_themselves() {
        let outside = tempfile::tempdir().unwrap();
        let files = [
            "/w/services/web/src/main.rs",
            "/w/services/migrations/1.sql",
            "/opt/schema.json",
        ]
        .map(PathBuf::from);
        let inputs = Inputs::new(
            Path::new("/w"),
            Path::new("/w/services"),
            &BTreeSet::from(["/w/services/web".into(), outside.path().to_owned()]),
            &files,
        );
        let shown: Vec<String> = inputs
            .trees
            .iter()
            .map(|(base, tree)| {
                let base = if base == outside.path() {
                    "OUTSIDE".into()
                } else {
                    base.display().to_string()
                };
                format!("{base}: {:?} but {:?}", tree.include, tree.exclude)
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        : {"services/Cargo.lock", "services/Cargo.toml", "services/migrations/1.sql", "services/web"} but {"services/web/target"}
        /opt: {"schema.json"} but {}
        OUTSIDE: {""} but {"target"}
        "#);
    }

    #[test]
    fn a_package_that_is_the_root_includes_everything_but_its_target_folder() {
        let inputs = Inputs::new(Path::new("/w"), Path::new("/w"), &set(&["/w"]), &[]);
        let tree = &inputs.trees[Path::new("")];
        assert!(tree.patterns().unwrap().is_empty());
        assert_eq!(tree.exclude, set(&["target"]));
    }

    #[test]
    fn a_path_matches_itself_alone() {
        assert_eq!(escaped("a/[x]*.rs".into()), r"a/\[x\]\*.rs");
    }

    #[test]
    fn rules_with_blanks_in_names_are_read() {
        let rule = "/t/my\\ web: /w/a\\ b/main.rs /w/c.rs\n\n/t/x.d: relative /w/d.rs\n";
        assert_eq!(
            prerequisites(rule),
            ["/w/a b/main.rs", "/w/c.rs", "/w/d.rs"].map(PathBuf::from)
        );
    }

    #[test]
    fn a_path_is_what_it_leads_to() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        std::fs::create_dir(dir.join("src")).unwrap();
        std::fs::write(dir.join("note.txt"), "").unwrap();
        let rule = format!(
            "/t/web: {0}/src/../note.txt {0}/src/../gone\n",
            dir.display()
        );
        assert_eq!(
            dependencies(&rule),
            [dir.join("note.txt"), dir.join("src/../gone")]
        );
    }

    #[test]
    fn a_file_written_during_the_build_is_noticed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = [file.path().to_owned()];
        let written = std::fs::metadata(file.path()).unwrap().modified().unwrap();
        assert!(changed_since(&path, written));
        let later = written + std::time::Duration::from_secs(1);
        assert!(!changed_since(&path, later));
        assert!(!changed_since(&["/nowhere".into()], written));
    }
}
