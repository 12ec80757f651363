//! What one running engine shares: the store, the sandbox, the objects it knows by id, and how much may run at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ci_http::Http;
use ci_oci::{Descriptor, Digest, Reference};
use ci_registry::Client;
use ci_sandbox::Sandbox;
use ci_store::Store;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Options;
use crate::container::Container;
use crate::error::{Error, Result};
use crate::exec::ExecOutcome;
use crate::git::Resolved;
use crate::layers::Rootfs;
use crate::lazy::{Flights, Memo};
use crate::object::Object;
use crate::service::Services;
use crate::stacking::Stacking;

/// How many blobs are transferred at once: more make a fast connection no faster, and a slow one stall.
const TRANSFERS: usize = 6;

/// What one running engine shares.
pub(crate) struct Session {
    pub(crate) options: Options,
    pub(crate) store: Store,
    pub(crate) sandbox: Sandbox,
    pub(crate) services: Services,
    jobs: Arc<Semaphore>,
    objects: Mutex<HashMap<String, Object>>,
    pub(crate) executions: Flights<Arc<ExecOutcome>>,
    pub(crate) copies: Flights<Digest>,
    pub(crate) fetches: Flights<Rootfs>,
    /// What names of git repositories stand for: one commit in all of a session.
    pub(crate) resolutions: Memo<Resolved>,
    /// What has been fetched from the web, as blobs.
    pub(crate) downloads: Memo<Digest>,
    http: OnceLock<Http>,
    pub(crate) pulls: Flights<Arc<Container>>,
    /// Leave to transfer a blob.
    pub(crate) transfers: Semaphore,
    pub(crate) stacking: Stacking,
    /// Whether it has been said what of the limits cannot be enforced.
    pub(crate) limits_shortfall: OnceLock<()>,
    /// What references meant when they were first asked for.
    pub(crate) references: Mutex<HashMap<Reference, Descriptor>>,
    registry: OnceLock<Client>,
}

impl Session {
    pub(crate) fn new(options: Options, store: Store, sandbox: Sandbox) -> Self {
        let jobs = Arc::new(Semaphore::new(options.parallelism.max(1)));
        Self {
            options,
            store,
            sandbox,
            services: Services::default(),
            jobs,
            objects: Mutex::default(),
            executions: Flights::default(),
            copies: Flights::default(),
            fetches: Flights::default(),
            resolutions: Memo::default(),
            downloads: Memo::default(),
            http: OnceLock::new(),
            pulls: Flights::default(),
            transfers: Semaphore::new(TRANSFERS),
            stacking: Stacking::default(),
            limits_shortfall: OnceLock::new(),
            references: Mutex::default(),
            registry: OnceLock::new(),
        }
    }

    /// The object with an id, made by `make` if it is new. Equal calls give equal ids, so a chain that a client sends again
    /// finds what it made before.
    pub(crate) fn intern(&self, id: String, make: impl FnOnce(String) -> Object) -> Object {
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        objects
            .entry(id.clone())
            .or_insert_with(|| make(id))
            .clone()
    }

    /// The object that a client names by id.
    pub(crate) fn object(&self, id: &str) -> Result<Object> {
        let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        objects
            .get(id)
            .cloned()
            .ok_or_else(|| Error::new(format!("no object has the id {id:?} in this session")))
    }

    /// Forgets every object, and with them what they hold on to.
    pub(crate) fn forget(&self) {
        self.objects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// The client for files of the web, made when it is first needed: reading the machine's certificates takes a while.
    pub(crate) fn http(&self) -> Result<&Http> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let http = Http::new(&self.options.registries.http)?;
        Ok(self.http.get_or_init(|| http))
    }

    /// The client of registries. It is made when it is first needed: reading the machine's certificates takes a while.
    pub(crate) fn registry(&self) -> Result<&Client> {
        if let Some(client) = self.registry.get() {
            return Ok(client);
        }
        let client = Client::new(self.options.registries.clone())?;
        Ok(self.registry.get_or_init(|| client))
    }

    /// Leave to do heavy work, if it is to be had at once.
    pub(crate) fn try_permit(&self) -> Option<OwnedSemaphorePermit> {
        self.jobs.clone().try_acquire_owned().ok()
    }

    /// Leave to do heavy work; waits while as much as allowed is going on.
    pub(crate) async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        self.jobs
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| Error::new("the engine is shutting down"))
    }
}

impl Drop for Session {
    /// The last user of the store leaves it within its limit.
    fn drop(&mut self) {
        self.forget();
        if let Some(limit) = self.options.store_limit {
            match self.store.enforce_limit(limit) {
                Ok(_) => {}
                // Somebody else uses the store; they will see to it.
                Err(error) => tracing::debug!("the store was not brought below its limit: {error}"),
            }
        }
    }
}
