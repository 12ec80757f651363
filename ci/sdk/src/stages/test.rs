//! Tests services.

use std::time::Duration;

use super::Request;
use crate::context::Context;
use crate::error::{Exit, UserError};

/// Which tests are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The service's checks, then the contract.
    Everything,
    /// Only the checks.
    Checks,
    /// Only the contract.
    Contract,
}

/// How one check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(test), expect(dead_code, reason = "until testing is there"))]
pub(crate) enum Outcome {
    /// As it should.
    Passed,
    /// In one line, how it failed.
    Failed(String),
    /// In one line, why it was not run.
    Skipped(String),
}

/// A check of a service, or one promise of its contract.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    /// The service.
    pub(crate) service: String,
    /// What was checked: `unit`, or `contract: livez`.
    pub(crate) check: String,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// How long it took.
    pub(crate) elapsed: Duration,
}

/// What a test did.
#[derive(Debug, Default)]
pub(crate) struct Tested {
    /// Everything that was checked, in a stable order.
    pub(crate) verdicts: Vec<Verdict>,
    /// Why services could not be tested at all.
    pub(crate) failures: Vec<eyre::Report>,
}

/// Tests the services of `request`, building what has to be built.
pub(crate) async fn run(_ctx: &Context, _request: &Request, _scope: Scope) -> eyre::Result<Tested> {
    Err(UserError::new(Exit::Infrastructure, "testing is not implemented").into())
}
