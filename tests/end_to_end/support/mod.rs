//! What the tests share: checkouts to build in, the program and what it answers, and what this machine allows.

pub(crate) mod built;
pub(crate) mod deployments;
/// That of the tests of promotions.
#[path = "../../../ci/deployments/tests/shared/description.rs"]
pub(crate) mod description;
pub(crate) mod edits;
pub(crate) mod events;
pub(crate) mod forge;
pub(crate) mod gitea;
/// That of the tests of promotions.
#[path = "../../../ci/deployments/tests/shared/http.rs"]
pub(crate) mod http;
pub(crate) mod images;
pub(crate) mod leftovers;
pub(crate) mod machine;
pub(crate) mod program;
pub(crate) mod project;
pub(crate) mod registry;
pub(crate) mod template;
pub(crate) mod user;
pub(crate) mod work;

use libtest_mimic::{Completion, Trial};

/// Why a test says nothing on this machine.
#[derive(Debug)]
pub(crate) struct Skip(pub(crate) String);

/// Failing is panicking; this is the rest.
pub(crate) type Verdict = Result<(), Skip>;

/// A test that can run anywhere.
pub(crate) fn test(name: &str, run: fn()) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

/// A test that needs something of the machine, and is skipped with a reason where that is missing.
pub(crate) fn test_if_possible(name: &str, run: fn() -> Verdict) -> Trial {
    Trial::ignorable_test(name, move || {
        Ok(match run() {
            Ok(()) => Completion::Completed,
            Err(Skip(reason)) => Completion::ignored_with(reason),
        })
    })
}
