//! What a client is made of, and what it is when nothing is said.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::proxies::Proxies;
use crate::retry::Retry;

/// What distinguishes one client from another.
#[derive(Debug, Clone)]
pub struct Options {
    /// PEM files with certificates to trust beside the system's.
    pub ca_files: Vec<PathBuf>,
    /// `User-Agent`.
    pub user_agent: String,
    /// How long a connection may take to be made, TLS included.
    pub connect: Duration,
    /// How long nothing may come and nothing may go. There is no limit for a whole exchange: what moves may take its time.
    pub idle: Duration,
    /// How often and when something is tried again.
    pub retry: Retry,
    /// The proxies.
    pub proxies: Proxies,
    /// What tells the time and waits.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    /// No further certificates; proxies as the environment says.
    fn default() -> Self {
        Self {
            ca_files: Vec::new(),
            user_agent: concat!("pipeline/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect: Duration::from_secs(15),
            // Registries may take their time between the last byte of a large blob and their answer.
            idle: Duration::from_secs(90),
            retry: Retry::default(),
            proxies: Proxies::from_env(),
            clock: Arc::new(SystemClock),
        }
    }
}
