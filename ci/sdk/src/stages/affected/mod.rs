//! Which services a change touches. What differs comes from git or from a list; what services are made of, from their Dockerfiles and
//! packages; the catalog puts both together ([`ci_catalog::affected`]).

mod changes;
mod knowledge;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ci_catalog::Name;
use ci_catalog::affected::{Affected, Knowledge, affected};
use ci_engine::Progress;

use self::changes::Unknown;
pub(crate) use self::changes::{Changes, Since};
use self::knowledge::Known;
use crate::project::Project;
use crate::stages::build::cargo::{Closure, Purpose};

/// The group its warnings are shown under.
const GROUP: &str = "affected";

/// Which services a change touches.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) affected: Affected,
    /// Since when; nothing if files were listed, or it is not known.
    pub(crate) since: Option<Since>,
    /// How many files differ; nothing if that is not known.
    pub(crate) files: Option<usize>,
}

/// What a change is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Everything since a reference; without one, since the branch that this is for.
    Since(Option<String>),
    /// These files, relative to the catalog's root.
    Files(Vec<PathBuf>),
}

/// Finds the services. Doubts are reported to `progress`, and count as yes.
///
/// # Errors
/// When a reference that was asked for is not known to git.
pub(crate) fn find(project: &Project, progress: &Progress, change: &Change) -> eyre::Result<Found> {
    let found = match change {
        Change::Files(files) => of(project, files, None)?,
        Change::Since(reference) => {
            let env = |name: &str| std::env::var(name).ok();
            match Changes::since(project.root(), reference.as_deref(), env) {
                Ok(changes) => of(project, &changes.paths, Some(&changes))?,
                Err(Unknown::Wrong(error)) => return Err(error.into()),
                Err(Unknown::Everything(problem)) => Found {
                    affected: Affected::everything(
                        project.catalog(),
                        format!("all services count as affected: {problem}"),
                    ),
                    ..Found::default()
                },
            }
        }
    };
    for warning in &found.affected.warnings {
        progress.warn(&Arc::from(GROUP), "Affected", warning, None);
    }
    Ok(found)
}

/// The names of the services that changes since a reference touch.
///
/// # Errors
/// As [`find`].
pub(crate) fn names(
    project: &Project,
    progress: &Progress,
    reference: Option<String>,
) -> eyre::Result<BTreeSet<Name>> {
    let found = find(project, progress, &Change::Since(reference))?;
    Ok(found.affected.services.into_keys().collect())
}

fn of<'a>(
    project: &Project,
    paths: impl IntoIterator<Item = &'a PathBuf>,
    changes: Option<&Changes>,
) -> eyre::Result<Found> {
    let paths: Vec<&PathBuf> = paths.into_iter().collect();
    let known = Known::of(project, changes)?;
    let shared = program(project);
    let knowledge = Knowledge {
        depends: &|service, path| known.depends(service, path),
        shared: &shared,
    };
    Ok(Found {
        files: Some(paths.len()),
        affected: affected(project.catalog(), paths, &knowledge),
        since: changes.map(|changes| changes.since.clone()),
    })
}

/// The folders of the packages that this program is made of, where cargo runs it from the project: it decides how everything is
/// built.
fn program(project: &Project) -> Vec<PathBuf> {
    let Some(folder) = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) else {
        return Vec::new();
    };
    let below = |path: &Path| Some(path.strip_prefix(project.root()).ok()?.to_owned());
    if below(&folder).is_none() {
        return Vec::new();
    }
    let folders: Vec<PathBuf> =
        match Closure::of_package(&folder.join("Cargo.toml"), None, Purpose::Build) {
            Ok(closure) => closure.folders().filter_map(below).collect(),
            Err(_) => below(&folder).into_iter().collect(),
        };
    // Of a package at the root not everything below is a part.
    let sources = |folder: PathBuf| match folder.as_os_str().is_empty() {
        true => ["src", "build.rs", "Cargo.toml"]
            .map(PathBuf::from)
            .to_vec(),
        false => vec![folder],
    };
    folders.into_iter().flat_map(sources).collect()
}
