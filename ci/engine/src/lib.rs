//! The embedded Dagger engine: the object graph, its cache and its executions behind `dagger-sdk`.
//!
//! An [`Engine`] lives in the process that uses it. It is reached only through the Dagger API: [`Engine::query`] gives the
//! `dagger_sdk::Query` that a program would otherwise get by connecting to a Dagger session.
//!
//! The types, fields and arguments of the API are one table (`schema`). A field makes an object (`object`), whose state is
//! made when something needs it (`lazy`): containers, directories, files, services. What runs or copies is identified by
//! everything it depends on, and its result is in the store under that key (`layers`, `exec`, `directory`, `build`).

mod archive;
mod build;
mod cache_volume;
mod client;
mod container;
mod directory;
mod error;
mod exec;
mod git;
mod host;
mod http;
mod images;
mod layers;
mod lazy;
mod limits;
mod object;
mod output;
mod platforms;
pub mod progress;
mod schema;
mod secret;
mod service;
mod session;
mod ssh;
mod stacking;
mod users;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use ci_sandbox::Limits;
use ci_sandbox::{Privilege, Sandbox};
use ci_store::Store;
use dagger_sdk::core::graphql_client::DynGraphQLClient;
pub use host::scan_directory;

use client::Client;
pub use progress::Progress;
use session::Session;

/// Shared name of the group that steps are reported under.
pub type Group = Arc<str>;

/// What an engine is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Root of the content-addressed store; see `ci_store::Store::default_root`.
    pub store: PathBuf,
    /// Relative host paths (`host.directory(".")`, `export`) are taken from here.
    pub workdir: PathBuf,
    /// Size in bytes that the store is brought below when the engine ends and nobody else uses the store; what was used
    /// longest ago goes first. `None` is no limit.
    pub store_limit: Option<u64>,
    /// How many executions and copies may run at once; at least 1.
    pub parallelism: usize,
    /// Run everything anew; results are still recorded.
    pub no_cache: bool,
    /// Seconds since the epoch given as `created` of images.
    pub source_date_epoch: i64,
    /// Where steps are reported.
    pub progress: Progress,
    /// What every execution may use up, as far as it has no limits of its own. The time does not count for services.
    pub limits: Limits,
    /// Registries that images come from: mirrors, certificates, credentials.
    pub registries: ci_registry::Config,
    /// What may be fetched beyond what always may be.
    pub fetch: Fetch,
}

/// What may be fetched beyond what always may be.
#[derive(Debug, Clone, Default)]
pub struct Fetch {
    /// Git repositories of this machine, as `file:///PATH`. A Dockerfile that is not to be trusted could bring any that the user can
    /// read into an image, so this is for tests.
    pub local_git: bool,
}

/// Why an engine could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store cannot be used.
    #[error("{0}")]
    Store(#[from] ci_store::Error),
}

/// Must be the first call in `main`: the engine starts this program again for what needs namespaces of its own, and in such
/// a process this call does that work and never returns.
pub fn init() {
    ci_sandbox::init(&[(ci_rootfs::op::HANDLER, ci_rootfs::op::handle)]);
}

/// A running embedded engine. Clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    session: Arc<Session>,
}

impl Engine {
    /// Opens the store and finds out what the machine allows.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub async fn start(options: Options) -> Result<Self, EngineError> {
        let sandbox = Sandbox::new(Privilege::detect());
        let store = open_store(&options.store, sandbox.clone()).await?;
        Ok(Self {
            session: Arc::new(Session::new(options, store, sandbox)),
        })
    }

    /// The client that `dagger-sdk` talks through. Steps it causes are reported under `group`.
    pub fn client(&self, group: &str) -> DynGraphQLClient {
        Arc::new(Client::new(self.session.clone(), Group::from(group)))
    }

    /// The root of the Dagger API over [`Engine::client`].
    pub fn query(&self, group: &str) -> dagger_sdk::Query {
        dagger_sdk::Query {
            proc: None,
            selection: Default::default(),
            graphql_client: self.client(group),
        }
    }

    /// Where it keeps what it made and pulled.
    pub fn store(&self) -> &Store {
        &self.session.store
    }

    /// Ends every service, forgets every object, and makes the store durable. Idempotent. Executions end when those who wait
    /// for them are dropped.
    pub async fn shutdown(&self) {
        self.session.services.stop_all().await;
        self.session.forget();
    }
}

/// Opens a store whose files may belong to ids that only a user namespace has: they are removed there.
///
/// # Errors
/// When the store cannot be opened.
pub async fn open_store(root: &Path, sandbox: Sandbox) -> Result<Store, EngineError> {
    let remover: ci_store::Remover = Arc::new(move |path: &Path| {
        let op = ci_rootfs::op::Op::RemoveTree {
            path: path.to_owned(),
        };
        let payload = serde_json::to_vec(&op).map_err(std::io::Error::other)?;
        sandbox
            .call_blocking(ci_rootfs::op::HANDLER, &payload)
            .map(drop)
            .map_err(std::io::Error::other)
    });
    let root = root.to_owned();
    let opened = tokio::task::spawn_blocking(move || {
        let mut options = ci_store::Options::default();
        options.remover = Some(remover);
        Store::open_with(&root, options, &mut |_| std::ops::ControlFlow::Continue(()))
    });
    match opened.await {
        Ok(store) => Ok(store?),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}
