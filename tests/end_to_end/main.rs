//! The real program on the sample services of this repository: what its README and its help promise, one file per promise.
//!
//! Every test has a checkout, a home and a cache of its own. What needs root, another user or a tool that is not installed
//! is skipped with the reason. The suite is part of `cargo test`; one test runs with
//! `cargo test -p pipeline --test end_to_end -- "same digest"`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod adding;
mod affected;
mod bases;
mod cache;
mod commands;
mod concurrent;
mod failures;
mod full_disk;
mod gate;
mod gitea;
mod help;
mod interrupted;
mod killed;
mod login;
mod offline;
mod output;
mod promote;
mod pull_requests;
mod push;
mod receivers;
mod record;
mod registries;
mod reuse;
mod rollback;
mod same_digest;
mod sbom;
mod secrets;
mod sign;
mod status;
mod support;
mod verify;
mod version;
mod warm;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let work = support::work::create();
    let tests: Vec<Trial> = [
        same_digest::tests(),
        warm::tests(),
        killed::tests(),
        interrupted::tests(),
        concurrent::tests(),
        failures::tests(),
        full_disk::tests(),
        offline::tests(),
        record::tests(),
        bases::tests(),
        registries::tests(),
        login::tests(),
        version::tests(),
        affected::tests(),
        reuse::tests(),
        push::tests(),
        sbom::tests(),
        sign::tests(),
        verify::tests(),
        promote::tests(),
        rollback::tests(),
        pull_requests::tests(),
        gate::tests(),
        gitea::tests(),
        status::tests(),
        receivers::tests(),
        output::tests(),
        adding::tests(),
        commands::tests(),
        help::tests(),
        cache::tests(),
        secrets::tests(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let conclusion = libtest_mimic::run(&arguments, tests);
    support::built::forget_built();
    drop(work);
    conclusion.exit_code()
}
