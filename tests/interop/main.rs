//! The images of `pipeline` in the hands of other tools, and the images of other tools in the hands of `pipeline`.
//!
//! Every test needs programs that are not part of this repository, and root, so all are ignored unless asked for:
//! `cargo test -p pipeline --test interop -- --ignored`. A program that is missing is then a failure. What is compared, and
//! where the tools differ, is in README.md beside this file.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking and says why on the terminal"
)]

mod bases;
mod bills;
mod build;
mod buildkit;
mod differences;
mod dockerfiles;
mod documents;
mod image;
mod product;
mod replicas;
mod runtime;
mod samples;
mod sharing;
mod tools;
mod work;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let tests: Vec<Trial> = [
        samples::tests(),
        documents::tests(),
        runtime::tests(),
        bases::tests(),
        bills::tests(),
        dockerfiles::tests(),
        replicas::tests(),
        sharing::tests(),
    ]
    .into_iter()
    .flatten()
    .map(|test| test.with_ignored_flag(true))
    .collect();
    let runs = (arguments.ignored || arguments.include_ignored) && !arguments.list;
    if runs && !work::is_ready() {
        return work::run_again();
    }
    libtest_mimic::run(&arguments, tests).exit_code()
}
