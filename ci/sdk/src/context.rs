//! What a stage is given: the project, the engine, and where to report.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ci_catalog::Catalog;
use ci_engine::Progress;
use dagger_sdk::{Container, Query};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::engine::{EngineChoice, EngineHandle};
use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::stages;
use crate::stages::test::Logs;
use crate::units;

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
    project: Arc<Project>,
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
        let project = Project::open(&setup.directory, &progress)?;
        let options = ci_engine::Options {
            store: ci_store::Store::default_root()?,
            workdir: project.root().to_owned(),
            store_limit: Some(store_limit()?),
            parallelism: setup.jobs,
            no_cache: setup.no_cache,
            source_date_epoch: project.source_date_epoch(),
            progress: progress.clone(),
            fetch: ci_engine::Fetch::default(),
            limits: stages::limits::general(project.catalog()),
            registries: project.registries().clone(),
        };
        let engine = EngineHandle::start(setup.engine, options).await?;
        if !engine.is_embedded() {
            stages::limits::warn_without(&progress, project.catalog());
        }
        Ok(Self {
            project: Arc::new(project),
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
        self.project.root()
    }

    /// The folder of this checkout for what a run leaves behind: images, records, reports. It exists, and git ignores it.
    pub fn state_dir(&self) -> &Path {
        self.project.state_dir()
    }

    /// Services, environments and how images are named.
    pub fn catalog(&self) -> &Catalog {
        self.project.catalog()
    }

    /// Everything that is known without an engine.
    pub(crate) fn project(&self) -> &Project {
        &self.project
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
