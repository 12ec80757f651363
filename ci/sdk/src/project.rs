//! A project as it is on the disk: the catalog, the checkout, the locked bases, the registries. No engine is needed for any of it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ci_catalog::{Catalog, CatalogErrors, LOCK_FILE, Lock};
use ci_engine::Progress;
use ci_engine::progress::Source;
use eyre::WrapErr;

use crate::error::{Exit, UserError};
use crate::registries;
use crate::stages::{self, Checkout, version};

/// Name of the folder of the checkout that holds what the pipeline writes.
const STATE_DIR: &str = ".pipeline";

/// A project.
#[derive(Debug)]
pub(crate) struct Project {
    root: PathBuf,
    state_dir: PathBuf,
    catalog: Catalog,
    checkout: Checkout,
    source_date_epoch: i64,
    registries: ci_registry::Config,
    lock: Result<Lock, CatalogErrors>,
}

impl Project {
    /// Finds and reads the project of a folder. Doubts of the catalog are reported to `progress`.
    ///
    /// # Errors
    /// When there is no catalog, or it is broken, or the environment contradicts it.
    pub(crate) fn open(directory: &Path, progress: &Progress) -> eyre::Result<Self> {
        let root = find_root(directory)?;
        let catalog = Catalog::load(&root)?;
        for warning in catalog.warnings() {
            let place = &warning.location;
            let source = Source {
                file: place.path.to_string_lossy().into_owned(),
                line: place.line,
                text: place.source_line.clone(),
            };
            progress.warn(
                &Arc::from("catalog"),
                "Catalog",
                warning.message.clone(),
                Some(source),
            );
        }
        let state_dir = state_dir(&root)?;
        let mut checkout = Checkout::of(&root);
        if version::is_used(&catalog) {
            // Why there is none is said where it is needed.
            checkout.version = version::of(&root).ok().and_then(|found| found.version);
        }
        let source_date_epoch = stages::source_date_epoch(&checkout)?;
        let registries = registries::config(&catalog, |name| std::env::var(name).ok())?;
        let lock = read_lock(&root)?;
        Ok(Self {
            root,
            state_dir,
            catalog,
            checkout,
            source_date_epoch,
            registries,
            lock,
        })
    }

    /// The same with images of another time.
    #[cfg(test)]
    pub(crate) fn at(self, source_date_epoch: i64) -> Self {
        Self {
            source_date_epoch,
            ..self
        }
    }

    /// The folder that holds `pipeline.toml`, absolute.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of this checkout for what a run leaves behind. It exists.
    pub(crate) fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// The pattern that leaves out what a run leaves behind, for a folder that it is in: no build reads that.
    pub(crate) fn own_in(&self, folder: &Path) -> Option<String> {
        let inside = self.state_dir.strip_prefix(folder).ok()?.to_str()?;
        let special = |c: char| matches!(c, '*' | '?' | '[' | ']' | '\\');
        let escape = |c: char| special(c).then_some('\\').into_iter().chain([c]);
        Some(inside.chars().flat_map(escape).collect())
    }

    /// Services, environments and how images are named.
    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// What git knows of the checkout.
    pub(crate) fn checkout(&self) -> &Checkout {
        &self.checkout
    }

    /// The time that images carry as theirs, in seconds since the epoch.
    pub(crate) fn source_date_epoch(&self) -> i64 {
        self.source_date_epoch
    }

    /// How registries are reached, and as whom.
    pub(crate) fn registries(&self) -> &ci_registry::Config {
        &self.registries
    }

    /// `pipeline.lock`; where there is none, an empty one.
    ///
    /// # Errors
    /// When it is broken. That is no reason not to write it anew.
    pub(crate) fn lock(&self) -> Result<&Lock, CatalogErrors> {
        self.lock.as_ref().map_err(Clone::clone)
    }
}

fn find_root(start: &Path) -> eyre::Result<PathBuf> {
    if !start.is_dir() {
        let error = UserError::new(Exit::Usage, format!("{} is not a folder", start.display()));
        return Err(error.hint("`-C DIR` names a folder of the project").into());
    }
    let none = || {
        UserError::new(
            Exit::Usage,
            "no pipeline.toml in this folder or in one above it",
        )
        .hint("start in a folder of the project, or name one with `-C DIR`")
    };
    Ok(ci_catalog::find_root(start).ok_or_else(none)?)
}

/// What is no text is broken like any other nonsense, and told with its place.
fn read_lock(root: &Path) -> eyre::Result<Result<Lock, CatalogErrors>> {
    let path = root.join(LOCK_FILE);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Lock::parse(&String::from_utf8_lossy(&bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Ok(Lock::default())),
        Err(error) => Err(error).wrap_err_with(|| format!("cannot read {}", path.display())),
    }
}

/// Creates the folder with a `.gitignore` inside, so that no project has to know of it.
fn state_dir(root: &Path) -> eyre::Result<PathBuf> {
    let dir = root.join(STATE_DIR);
    let ignore = dir.join(".gitignore");
    let made = std::fs::create_dir_all(&dir).and_then(|()| {
        if ignore.exists() {
            Ok(())
        } else {
            std::fs::write(&ignore, "*\n")
        }
    });
    made.wrap_err_with(|| format!("cannot write to {}", dir.display()))?;
    Ok(dir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Failure;

    #[test]
    fn the_root_is_found_from_a_folder_below_and_its_absence_is_explained() {
        let project = tempfile::tempdir().unwrap();
        let below = project.path().join("services/web");
        std::fs::create_dir_all(&below).unwrap();
        let missing = Failure::of(&find_root(&below).unwrap_err());
        assert_eq!(missing.exit(), Exit::Usage);
        assert!(missing.hints[0].contains("-C DIR"));
        std::fs::write(project.path().join("pipeline.toml"), "").unwrap();
        assert_eq!(
            find_root(&below).unwrap(),
            project.path().canonicalize().unwrap()
        );
        assert!(
            find_root(&below.join("none"))
                .unwrap_err()
                .to_string()
                .ends_with("is not a folder")
        );
    }

    #[test]
    fn git_ignores_the_state_folder_without_being_told() {
        let project = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let dir = state_dir(project.path()).unwrap();
            assert_eq!(
                std::fs::read_to_string(dir.join(".gitignore")).unwrap(),
                "*\n"
            );
        }
    }
}
