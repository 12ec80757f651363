//! A clock that does not wait: what was waited for is over at once. The tests of `ci-registry` use it, too.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use ci_http::Clock;
use futures::future::BoxFuture;

/// A clock that does not wait, with the time since 1970 that was waited.
#[derive(Debug, Default)]
pub(crate) struct Hurried {
    waited: Mutex<Vec<Duration>>,
}

impl Hurried {
    /// All waits so far, in seconds.
    pub(crate) fn waited(&self) -> Vec<f64> {
        let waited = self.waited.lock().unwrap();
        waited.iter().map(Duration::as_secs_f64).collect()
    }
}

impl Clock for Hurried {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.waited.lock().unwrap().iter().sum::<Duration>()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        self.waited.lock().unwrap().push(pause);
        Box::pin(tokio::task::yield_now())
    }

    fn spread(&self) -> f64 {
        0.5
    }
}
