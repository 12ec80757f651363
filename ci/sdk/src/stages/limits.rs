//! The catalog's limits on what executions may use up, as the engine takes them.

use std::time::Duration;

use ci_catalog::{Catalog, Limits};
use ci_engine::Progress;
use dagger_sdk::Container;
use serde::Serialize;

use super::plan::Planned;
use crate::context::Context;

/// The input object `Limits`, an addition of the embedded engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pids: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<u64>,
}

impl Input {
    /// `None` if nothing is limited.
    pub(crate) fn new(limits: &Limits) -> Option<Self> {
        // A limit is never shorter than asked for, and none is no time at all.
        let seconds = |time: Duration| (time.as_millis().div_ceil(1000) as u64).max(1);
        (*limits != Limits::default()).then_some(Self {
            memory: limits.memory,
            pids: limits.pids,
            seconds: limits.time.map(seconds),
        })
    }
}

/// What the engine holds every execution to that has no limits of its own.
pub(crate) fn general(catalog: &Catalog) -> ci_engine::Limits {
    let limits = catalog.limits();
    ci_engine::Limits {
        memory: limits.memory,
        pids: limits.pids.map(u64::from),
        timeout: limits.time,
        ..ci_engine::Limits::default()
    }
}

/// What the executions of a service are held to; nothing on a Dagger engine, which has no such arguments.
pub(crate) fn of(ctx: &Context, planned: &Planned<'_>) -> Option<Input> {
    Input::new(&planned.service.limits).filter(|_| ctx.engine().is_embedded())
}

/// A container whose executions are held to the limits of a service.
pub(crate) fn hold(ctx: &Context, planned: &Planned<'_>, container: Container) -> Container {
    match of(ctx, planned) {
        Some(limits) => Container {
            selection: container
                .selection
                .select("withLimits")
                .arg("limits", limits),
            ..container
        },
        None => container,
    }
}

/// Says that a Dagger engine knows nothing of the limits, if there are some.
pub(crate) fn warn_without(progress: &Progress, catalog: &Catalog) {
    let limited = |limits: &Limits| *limits != Limits::default();
    if limited(&catalog.limits()) || catalog.services().any(|service| limited(&service.limits)) {
        progress.warn(
            &"limits".into(),
            "Limits",
            "[limits] are not enforced by a Dagger engine: that is for its own configuration to do",
            None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_limited_is_left_out() {
        assert_eq!(Input::new(&Limits::default()), None);
        let limits = Limits {
            memory: Some(4 << 30),
            time: Some(Duration::from_millis(1500)),
            ..Limits::default()
        };
        let input = serde_json::to_value(Input::new(&limits)).unwrap();
        let expected = serde_json::json!({"memory": 4_294_967_296_u64, "seconds": 2});
        assert_eq!(input, expected);
    }
}
