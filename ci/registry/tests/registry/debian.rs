//! Debian's `docker-registry` (2.8: no referrers API, no `OCI-Subject`), and how the client reaches it.

use std::ops::Deref;

use ci_oci::Reference;
use ci_registry::{Client, Config};
use test_support::registry;

pub(crate) use test_support::registry::Wants;

use crate::fixture::plain;

/// A registry; it ends with the value.
#[derive(Debug)]
pub(crate) struct Registry(registry::Registry);

impl Registry {
    /// Starts one, or says why nothing is tested.
    #[track_caller]
    pub(crate) fn start(wants: &Wants<'_>) -> Option<Self> {
        match registry::Registry::start(wants) {
            Ok(registry) => Some(Self(registry)),
            Err(missing) => {
                eprintln!("skipped: {missing}");
                None
            }
        }
    }

    /// A reference to something in it.
    pub(crate) fn reference(&self, rest: &str) -> Reference {
        self.0.reference(rest).parse().unwrap()
    }

    /// What is declared so that it can be reached without TLS.
    pub(crate) fn plain(&self) -> Config {
        plain([self.host.as_str()])
    }

    /// A client for it without TLS and credentials.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.plain()).unwrap()
    }
}

impl Deref for Registry {
    type Target = registry::Registry;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
