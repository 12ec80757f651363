//! What fails says what failed, where and why, and the exit code says whose turn it is.

mod machine;
mod steps;
mod usage;

use libtest_mimic::Trial;

use crate::support::program::Outcome;

pub(crate) fn tests() -> Vec<Trial> {
    [steps::tests(), usage::tests(), machine::tests()]
        .into_iter()
        .flatten()
        .collect()
}

/// Every text is in what the program said on standard error.
#[track_caller]
fn says(outcome: &Outcome, texts: &[&str]) {
    for text in texts {
        assert!(
            outcome.stderr.contains(text),
            "`{text}` is not in\n{}",
            outcome.stderr
        );
    }
}
