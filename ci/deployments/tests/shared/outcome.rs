//! What came of a promotion by pull request, whatever the forge.

use ci_deployments::{PullOutcome, PullRequestError, PullRequestRef};

/// The pull request of an outcome, whether it is new, and the warnings.
pub(crate) fn opened(
    outcome: Result<PullOutcome, PullRequestError>,
) -> (PullRequestRef, bool, Vec<String>) {
    match outcome {
        Ok(PullOutcome::Open {
            pull,
            is_new,
            warnings,
            ..
        }) => (pull, is_new, warnings),
        other => panic!("{other:?}"),
    }
}
