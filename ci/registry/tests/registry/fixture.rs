//! What tests with registries share.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use ci_http::Clock;
use ci_registry::{Config, Credential, Credentials, Secret};
use futures::future::BoxFuture;

/// The user the registries know, and the password.
pub(crate) const USER: (&str, &str) = ("ci", "correct horse");

/// A configuration that the environment of the tests has no part in.
pub(crate) fn config() -> Config {
    let http = ci_http::Options {
        proxies: ci_http::Proxies::default(),
        clock: Arc::new(Hurried::default()),
        ..ci_http::Options::default()
    };
    Config {
        http,
        credentials: Credentials::none(),
        ..Config::default()
    }
}

/// A clock that does not wait: what was waited for is over at once.
#[derive(Debug, Default)]
pub(crate) struct Hurried {
    waited: Mutex<Vec<Duration>>,
}

impl Hurried {
    /// All waits so far.
    pub(crate) fn waited(&self) -> Vec<Duration> {
        self.waited.lock().unwrap().clone()
    }
}

impl Clock for Hurried {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.waited().iter().sum::<Duration>()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        self.waited.lock().unwrap().push(pause);
        Box::pin(tokio::task::yield_now())
    }

    fn spread(&self) -> f64 {
        0.5
    }
}

/// The credential of [`USER`].
pub(crate) fn user() -> Credential {
    Credential::Password {
        username: USER.0.to_owned(),
        password: Secret::new(USER.1),
    }
}
