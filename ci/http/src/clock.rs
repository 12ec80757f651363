//! Time and chance, so that tests can have their own.

use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;

/// What tells the time, waits, and spreads those who wait.
pub trait Clock: Debug + Send + Sync {
    /// The time of day.
    fn now(&self) -> SystemTime;
    /// Waits.
    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()>;
    /// A number of [0, 1) by chance.
    fn spread(&self) -> f64;
}

/// The machine's.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(pause))
    }

    fn spread(&self) -> f64 {
        fastrand::f64()
    }
}
