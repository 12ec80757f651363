//! The compiler flags of a build: how it is linked, and names for folders that are the same on every machine.
//!
//! Paths get into programs through panics and debug information. `--remap-path-prefix` gives every folder outside the
//! program's own sources a fixed name; cargo leaves these flags out of the hashes that name crates and symbols, so equal
//! sources give equal bytes wherever they are checked out and whoever's registry cache they come from.

use std::path::{Path, PathBuf};

use super::target::Target;

/// Folders of this machine, and the names they get.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Renames(Vec<(PathBuf, String)>);

impl Renames {
    /// For the checkout (`root`, or the workspace above it), cargo's folder and the standard library's sources.
    pub(super) fn new(
        root: &Path,
        workspace: &Path,
        cargo_home: &Path,
        sysroot: &Path,
        commit: Option<&str>,
    ) -> Self {
        let mut renames = Self(Vec::new());
        let outermost = if root.starts_with(workspace) {
            workspace
        } else {
            root
        };
        renames.add(outermost, "/src");
        // A workspace elsewhere, which a catalog cannot name but a link can lead to.
        if !workspace.starts_with(outermost) {
            renames.add(workspace, "/workspace");
        }
        renames.add(cargo_home, "/cargo");
        // A mirror in the place of the registry has a folder of its own; the crates in it are the same.
        for registry in folders(&cargo_home.join("registry/src")) {
            renames.add(&registry, "/cargo/registry/src");
        }
        if let Some(commit) = commit {
            renames.add(
                &sysroot.join("lib/rustlib/src/rust"),
                &format!("/rustc/{commit}"),
            );
        }
        renames
    }

    fn add(&mut self, folder: &Path, name: &str) {
        self.0.push((folder.to_owned(), name.to_owned()));
        if let Ok(real) = folder.canonicalize()
            && real != folder
        {
            self.0.push((real, name.to_owned()));
        }
    }

    /// As flags. Of several that match a path the compiler takes the last.
    fn flags(&self) -> impl Iterator<Item = String> {
        self.0
            .iter()
            .map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()))
    }
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// The flags that decide what is built: the project's own, then ours.
pub(super) fn deciding(project: &[String], target: &Target) -> Vec<String> {
    let mut flags = project.to_vec();
    let sign = if target.is_static { '+' } else { '-' };
    flags.push(format!("-Ctarget-feature={sign}crt-static"));
    if !target.is_native {
        // The linker of this machine knows only its own architecture.
        flags.push("-Clinker=rust-lld".into());
    }
    flags
}

/// All flags, as `CARGO_ENCODED_RUSTFLAGS` takes them.
pub(super) fn encoded(deciding: &[String], renames: &Renames) -> String {
    let all: Vec<String> = deciding.iter().cloned().chain(renames.flags()).collect();
    all.join("\u{1f}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_special_folders_come_after_those_that_contain_them() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        let registry = home.join("ci/cargo/registry/src/mirror-1");
        std::fs::create_dir_all(&registry).unwrap();
        let renames = Renames::new(
            &home.join("ci"),
            &home.join("ci/services"),
            &home.join("ci/cargo"),
            Path::new("/rust"),
            Some("abc"),
        );
        let names: Vec<String> = renames
            .flags()
            .map(|flag| flag.replace(&home.display().to_string(), "~"))
            .collect();
        insta::assert_snapshot!(names.join("\n"), @r"
        --remap-path-prefix=~/ci=/src
        --remap-path-prefix=~/ci/cargo=/cargo
        --remap-path-prefix=~/ci/cargo/registry/src/mirror-1=/cargo/registry/src
        --remap-path-prefix=/rust/lib/rustlib/src/rust=/rustc/abc
        ");
    }

    #[test]
    fn a_workspace_around_the_catalog_is_the_source() {
        let renames = Renames::new(
            Path::new("/w/a"),
            Path::new("/w"),
            Path::new("/c"),
            Path::new("/r"),
            None,
        );
        let flags: Vec<String> = renames.flags().collect();
        assert_eq!(
            flags,
            [
                "--remap-path-prefix=/w=/src",
                "--remap-path-prefix=/c=/cargo"
            ]
        );
    }

    #[test]
    fn flags_are_separated_as_cargo_decodes_them() {
        let target = Target {
            triple: "aarch64-unknown-linux-musl".into(),
            is_static: true,
            is_native: false,
        };
        let flags = deciding(&["--cfg=a b".into()], &target);
        assert_eq!(
            encoded(&flags, &Renames::default()),
            "--cfg=a b\u{1f}-Ctarget-feature=+crt-static\u{1f}-Clinker=rust-lld"
        );
    }
}
