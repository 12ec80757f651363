//! What every stage is given: the catalog, the engine, and where to report and to write.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ci_catalog::Catalog;
use ci_engine::Progress;
use ci_engine::progress::Source;
use dagger_sdk::{Container, Query};
use eyre::WrapErr;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::engine::{EngineChoice, EngineHandle};
use crate::error::{Exit, UserError};
use crate::stages::test::Logs;
use crate::stages::{self, Checkout};
use crate::units;

/// Name of the folder of the checkout that holds what the pipeline writes.
const STATE_DIR: &str = ".pipeline";

/// How a run was started.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// Where to begin to look for the catalog.
    pub(crate) directory: PathBuf,
    pub(crate) engine: EngineChoice,
    /// How many executions run at once.
    pub(crate) jobs: usize,
    pub(crate) no_cache: bool,
}

/// What a stage works with. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Context {
    root: Arc<Path>,
    state_dir: Arc<Path>,
    catalog: Arc<Catalog>,
    checkout: Arc<Checkout>,
    source_date_epoch: i64,
    engine: EngineHandle,
    no_cache: bool,
    slots: Arc<Semaphore>,
    progress: Progress,
    logs: Logs,
    cancel: CancellationToken,
}

impl Context {
    /// Finds and reads the catalog, and starts the engine.
    pub(crate) async fn open(
        setup: Setup,
        progress: Progress,
        cancel: CancellationToken,
    ) -> eyre::Result<Self> {
        let (progress, logs) = Logs::listen(progress);
        let root = find_root(&setup.directory)?;
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
        let checkout = Checkout::of(&root);
        let source_date_epoch = stages::source_date_epoch(&checkout)?;
        let options = ci_engine::Options {
            store: ci_store::Store::default_root()?,
            workdir: root.clone(),
            store_limit: Some(store_limit()?),
            parallelism: setup.jobs,
            no_cache: setup.no_cache,
            source_date_epoch,
            progress: progress.clone(),
            fetch: ci_engine::Fetch::default(),
            limits: stages::limits::general(&catalog),
        };
        let engine = EngineHandle::start(setup.engine, options).await?;
        if !engine.is_embedded() {
            stages::limits::warn_without(&progress, &catalog);
        }
        Ok(Self {
            root: root.into(),
            state_dir: state_dir.into(),
            catalog: Arc::new(catalog),
            checkout: Arc::new(checkout),
            source_date_epoch,
            engine,
            no_cache: setup.no_cache,
            slots: Arc::new(Semaphore::new(setup.jobs.max(1))),
            progress,
            logs,
            cancel,
        })
    }

    /// The folder that holds `pipeline.toml`, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of this checkout for what a run leaves behind: images, records, reports. It exists, and git ignores it.
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Services, environments and how images are named.
    pub fn catalog(&self) -> &Catalog {
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

    /// Whether everything is to run anew.
    pub(crate) fn no_cache(&self) -> bool {
        self.no_cache
    }

    /// Waits until a program may run on this machine beside the engine, which counts its own. The permit ends with the program.
    pub(crate) async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.slots.acquire().await.ok()
    }

    /// The engine; [`Context::query`] is the usual way to it.
    pub fn engine(&self) -> &EngineHandle {
        &self.engine
    }

    /// The root of the Dagger API. Steps it causes are shown under `group`: a service's name, or the stage's.
    pub fn query(&self, group: &str) -> Query {
        self.engine.query(group)
    }

    /// The image of a service as `build` makes it, ready for more Dagger functions.
    ///
    /// # Errors
    /// When the catalog has no such service, or it does not build.
    pub async fn image(&self, service: &str) -> eyre::Result<Container> {
        stages::build::image(self, service).await
    }

    /// Where steps are reported that the engine does not know of.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// What services printed last.
    pub(crate) fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Canceled when the run is to stop. A stage that awaits need not look at it: it is dropped then.
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
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

/// Size that the cache is kept below, in bytes, unless `PIPELINE_CACHE_LIMIT` says otherwise.
const STORE_LIMIT: u64 = 20_000_000_000;

/// The size that the cache is to be kept below.
fn store_limit() -> eyre::Result<u64> {
    const NAME: &str = "PIPELINE_CACHE_LIMIT";
    match std::env::var(NAME) {
        Ok(text) => units::parse_size(&text)
            .map_err(|problem| UserError::new(Exit::Usage, format!("{NAME}: {problem}")).into()),
        Err(_) => Ok(STORE_LIMIT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_from_a_folder_below_and_its_absence_is_explained() {
        let project = tempfile::tempdir().unwrap();
        let below = project.path().join("services/web");
        std::fs::create_dir_all(&below).unwrap();
        let missing = crate::error::Failure::of(&find_root(&below).unwrap_err());
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
