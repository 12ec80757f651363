//! The client: what all requests share.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ci_http::{Http, Options};
use tokio::sync::OwnedMutexGuard;

use crate::auth::Auth;
use crate::config::{Config, RegistryConfig};
use crate::error::Error;

/// A client for all registries. Clones are one client: they share connections and tokens.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    http: Http,
    /// One client for each set of certificates that is declared, so that no registry's CA counts for another.
    declared: HashMap<PathBuf, Http>,
    auth: Auth,
    /// Tags that are written to by several, and whose turn it is of our own tasks.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// Hosts that were not there.
    down: Mutex<HashSet<String>>,
}

impl Client {
    /// A client of this configuration.
    ///
    /// # Errors
    /// A file of certificates or a proxy's address is of no use.
    pub fn new(config: Config) -> Result<Self, Error> {
        let http = Http::new(&config.http)?;
        let files = config.registries.values().filter_map(|one| one.ca.clone());
        let declared = files
            .map(|file| {
                let mut options: Options = config.http.clone();
                options.ca_files.push(file.clone());
                Ok((file, Http::new(&options)?))
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            inner: Arc::new(Inner {
                auth: Auth::new(config.credentials.clone()),
                config,
                http,
                declared,
                turns: Mutex::default(),
                down: Mutex::default(),
            }),
        })
    }

    pub(crate) fn registry(&self, host: &str) -> Option<&RegistryConfig> {
        self.inner.config.registries.get(host)
    }

    /// The HTTP client that trusts whom a host's declaration says.
    pub(crate) fn http_for(&self, host: &str) -> &Http {
        self.registry(host)
            .and_then(|declared| self.inner.declared.get(declared.ca.as_ref()?))
            .unwrap_or(&self.inner.http)
    }

    /// Whether a host was not there when it was asked last. Mirrors that are down are not asked for every blob.
    pub(crate) fn is_down(&self, host: &str) -> bool {
        self.down().contains(host)
    }

    /// What a place said that does not have what was asked for.
    pub(crate) fn failed_at(&self, host: &str, error: &Error) {
        if matches!(error, Error::Http(error) if error.is_unreachable()) {
            self.down().insert(host.to_owned());
        }
    }

    fn down(&self) -> MutexGuard<'_, HashSet<String>> {
        let down = self.inner.down.lock();
        down.unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn to write to a tag, registry and repository included, that others write to.
    pub(crate) async fn turn(&self, tag: String) -> OwnedMutexGuard<()> {
        let turn = {
            let turns = self.inner.turns.lock();
            let mut turns = turns.unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(tag).or_default())
        };
        turn.lock_owned().await
    }

    pub(crate) fn auth(&self) -> &Auth {
        &self.inner.auth
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
