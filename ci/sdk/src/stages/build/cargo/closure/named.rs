//! What Rust sources name outside of their package: `include_str!("../../schema.sql")`, `#[path = "../shared.rs"]`,
//! `concat!(env!("CARGO_MANIFEST_DIR"), "/../proto")`.
//!
//! Every literal that goes up and leads to something counts, whatever it is for: too many files cost a rebuild, one too few would be
//! an image that is taken for another.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::normal;

/// The step upwards that all of them have.
const UP: &str = "../";

/// Folders of a package that hold no sources.
const SKIPPED: [&str; 3] = [".git", ".pipeline", "target"];

/// Files and folders outside of a package that its sources name and that are there. A folder that the package is in is none: it is
/// named to find something else from there.
pub(super) fn by_sources(package: &Path) -> BTreeSet<PathBuf> {
    let mut named = BTreeSet::new();
    let mut open = vec![package.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() && !SKIPPED.iter().any(|it| OsStr::new(it) == name) {
                open.push(path);
            } else if kind.is_file() && path.extension() == Some(OsStr::new("rs")) {
                let Ok(text) = std::fs::read_to_string(&path) else {
                    continue;
                };
                for literal in literals(&text) {
                    let literal = literal.trim_start_matches('/');
                    named.extend([&folder, package].map(|from| normal(&from.join(literal))));
                }
            }
        }
    }
    named.retain(|path| {
        !path.starts_with(package) && !package.starts_with(path) && path.symlink_metadata().is_ok()
    });
    named
}

/// What is behind a quotation mark and goes up, up to the next one or the end of the line. That some of it is between two literals
/// does no harm: it leads nowhere.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().filter(|line| line.contains(UP));
    lines
        .flat_map(|line| line.split('"').skip(1))
        .filter(|literal| literal.contains(UP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_that_go_up_are_found() {
        let text = "x('\"', \"../b\");\n// ../c\ninclude_str!(\"../../d e\")\n#[path = \"../f.rs\"]\n\"/../g\" + \"h..\"";
        let found: Vec<&str> = literals(text).collect();
        assert_eq!(found, ["../b", "../../d e", "../f.rs", "/../g"]);
    }
}
