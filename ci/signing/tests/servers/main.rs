//! Signatures in the hands of those who did not make them: ours for cosign 2 and 3, sigstore-python, sigstore-js and openssl, and
//! cosign's for us. All of it happens on this machine, with the real servers of a Sigstore and with two registries.
//!
//! The tests need what `tests/tools/install-peers` brings, so all are ignored unless asked for: `cargo test -p ci-signing --test servers --
//! --ignored`. What is missing all the same skips the tests that need it, with the reason.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod attestations;
mod faults;
mod foreign;
mod keyless;
mod keys;
mod matrix;
mod secrets;
mod stand;
mod tampering;
mod verifiers;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Trial};
use stand::Stand;

/// Failing is panicking; this is why a test says nothing on this machine.
type Verdict = Result<(), String>;

/// A test on the stand that all share.
type Body = fn(&Stand) -> Verdict;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let stand = Arc::new(Stand::new());
    let tests = [
        keyless::TESTS,
        keys::TESTS,
        matrix::TESTS,
        foreign::TESTS,
        attestations::TESTS,
        faults::TESTS,
        tampering::TESTS,
        secrets::TESTS,
    ]
    .concat()
    .into_iter()
    .map(|(name, body)| test(name, body, &stand))
    .collect();
    let conclusion = libtest_mimic::run(&arguments, tests);
    // Its servers end here.
    drop(stand);
    conclusion.exit_code()
}

fn test(name: &str, body: Body, stand: &Arc<Stand>) -> Trial {
    let stand = Arc::clone(stand);
    let run = move || {
        Ok(match body(&stand) {
            Ok(()) => Completion::Completed,
            Err(reason) => Completion::ignored_with(reason),
        })
    };
    Trial::ignorable_test(name, run).with_ignored_flag(true)
}
