//! Values that are made when first asked for, once for everybody who asks at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ci_oci::Digest;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use crate::error::Result;
use crate::session::Session;

/// Held weakly, so that the last waiter who leaves ends the work.
type Weak<T> = futures::future::WeakShared<BoxFuture<'static, Result<T>>>;
type Making<T> = Shared<BoxFuture<'static, Result<T>>>;
type Make<T> = dyn Fn(Arc<Session>) -> BoxFuture<'static, Result<T>> + Send + Sync;

/// A value made on demand. A failure is told to all who were waiting and not kept: who asks later tries again. When
/// nobody waits any more, the making is dropped and with it whatever it runs.
pub(crate) struct Lazy<T: Clone> {
    make: Box<Make<T>>,
    state: Mutex<State<T>>,
}

enum State<T: Clone> {
    Unmade,
    /// Held weakly, so that the last waiter who leaves ends it.
    Making(Weak<T>),
    Made(T),
}

impl<T: Clone + Send + Sync + 'static> Lazy<T> {
    /// A value made by `make`.
    pub(crate) fn new<F, Fut>(make: F) -> Self
    where
        F: Fn(Arc<Session>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        Self {
            make: Box::new(move |session| make(session).boxed()),
            state: Mutex::new(State::Unmade),
        }
    }

    /// A value that is there already.
    pub(crate) fn made(value: T) -> Self {
        Self {
            make: Box::new(|_| futures::future::pending().boxed()),
            state: Mutex::new(State::Made(value)),
        }
    }

    /// The value.
    pub(crate) async fn get(&self, session: &Arc<Session>) -> Result<T> {
        let making = match self.join(session) {
            Ok(value) => return Ok(value),
            Err(making) => making,
        };
        let result = making.await;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match (&result, &*state) {
            (_, State::Made(_)) => {}
            (Ok(value), _) => *state = State::Made(value.clone()),
            (Err(_), State::Making(making))
                if making
                    .upgrade()
                    .is_none_or(|making| making.peek().is_some()) =>
            {
                *state = State::Unmade
            }
            (Err(_), _) => {}
        }
        result
    }

    fn join(&self, session: &Arc<Session>) -> std::result::Result<T, Making<T>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let joined = match &*state {
            State::Made(value) => return Ok(value.clone()),
            State::Making(making) => making.upgrade(),
            State::Unmade => None,
        };
        let making = joined.unwrap_or_else(|| {
            let making = (self.make)(session.clone()).shared();
            if let Some(weak) = making.downgrade() {
                *state = State::Making(weak);
            }
            making
        });
        Err(making)
    }
}

impl<T: Clone> std::fmt::Debug for Lazy<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lazy")
    }
}

/// Values by what identifies them, each made when it is first needed and then kept.
pub(crate) struct Memo<T: Clone>(Mutex<HashMap<Digest, Arc<Lazy<T>>>>);

impl<T: Clone> Default for Memo<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone + Send + Sync + 'static> Memo<T> {
    /// The value under a key; a new one is made by `make`.
    pub(crate) fn entry<F, Fut>(&self, key: Digest, make: F) -> Arc<Lazy<T>>
    where
        F: Fn(Arc<Session>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .entry(key)
            .or_insert_with(|| Arc::new(Lazy::new(make)))
            .clone()
    }
}

/// Work under way, by what identifies it: who asks for the same joins in. Results are not kept here.
pub(crate) struct Flights<T: Clone> {
    flights: Mutex<HashMap<Digest, Weak<T>>>,
}

impl<T: Clone> Default for Flights<T> {
    fn default() -> Self {
        Self {
            flights: Mutex::default(),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    /// Does the work, or joins who does it already.
    pub(crate) async fn join<F>(&self, key: Digest, work: F) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let flight: Making<T> = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            match flights
                .get(&key)
                .and_then(futures::future::WeakShared::upgrade)
            {
                Some(flight) if flight.peek().is_none() => flight,
                _ => {
                    let flight = work.boxed().shared();
                    if let Some(weak) = flight.downgrade() {
                        flights.insert(key, weak);
                    }
                    flight
                }
            }
        };
        flight.await
    }
}
