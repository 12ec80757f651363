//! `build` from end to end: projects in temporary folders, built by the real program with the real cargo and engine.
//!
//! The program is this one: with [`project::ROLE`] in its environment it is a pipeline, else it runs the tests.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking and says why on the terminal"
)]

mod cargo;
mod dockerfile;
mod image;
mod interruption;
mod project;
mod record;
mod sameness;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    // Before anything else: executions are this program, started again.
    ci_engine::init();
    if std::env::var_os(project::ROLE).is_some() {
        return ci::main();
    }
    let tests: Vec<Trial> = [
        cargo::tests(),
        dockerfile::tests(),
        interruption::tests(),
        record::tests(),
        sameness::tests(),
    ]
    .into_iter()
    .flatten()
    .collect();
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}
