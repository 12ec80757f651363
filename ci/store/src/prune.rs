//! Making room: what was used least recently goes first.
//!
//! What can be forgotten on its own are results, cache volumes and stat caches; layers and blobs go
//! when nothing refers to them any more. Results go before what they need, and folders are moved
//! aside before they are emptied, so that a prune killed at any point leaves a store that is whole,
//! only smaller.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::lock::Waiting;
use crate::store::Store;
use crate::usage::Usage;

mod plan;

use plan::Plan;

/// What may be deleted. The default deletes only what is of no use to anybody: the unreferenced and
/// the damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Delete until the store is no larger than this, in bytes.
    pub max_bytes: Option<u64>,
    /// Delete what has not been used for this long.
    pub older_than: Option<Duration>,
    /// Delete everything.
    pub all: bool,
}

/// What a prune did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// What was deleted.
    pub freed: Usage,
    /// What is left.
    pub left: Usage,
}

impl Store {
    /// Deletes what `policy` allows, when nobody else uses the store: `waiting` is asked while
    /// others do. `&mut` because that includes other clones of this handle and everything made
    /// through them.
    ///
    /// # Errors
    /// [`Error::Busy`] when others use it for longer than `waiting` allows; or something cannot be
    /// deleted. What is not deleted is still whole, or out of reach in the temporary folder.
    pub fn prune(&mut self, policy: Policy, waiting: Waiting<'_>) -> Result<Pruned> {
        let (pruned, aside) =
            self.exclusively(waiting, |store| Plan::new(store, policy)?.carry_out(store))?;
        // Emptying large folders takes long, and needs no exclusion.
        for path in aside {
            self.inner.remove(&path)?;
        }
        Ok(pruned)
    }

    /// Prunes to nine tenths of `max_bytes` if the store has become larger than that. For the end
    /// of a run: it does nothing when this run wrote nothing, or while others use the store (the
    /// last of them will do it).
    ///
    /// # Errors
    /// As [`Store::prune`], without waiting for anybody.
    pub fn enforce_limit(&mut self, max_bytes: u64) -> Result<Option<Pruned>> {
        if !self.inner.has_written() || self.usage()?.total().bytes <= max_bytes {
            return Ok(None);
        }
        let policy = Policy {
            max_bytes: Some(max_bytes / 10 * 9),
            ..Policy::default()
        };
        match self.prune(policy, &mut |_| ControlFlow::Break(())) {
            Err(Error::Busy { .. }) => Ok(None),
            other => other.map(Some),
        }
    }
}

#[cfg(test)]
mod tests;
