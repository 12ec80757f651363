//! The delivery stages as Dagger functions, and the command line around them.
//!
//! A project's pipeline is a small program over this crate: [`main`] gives it all built-in commands, [`Pipeline`] lets it add
//! its own. Stages reach containers only through [`dagger_sdk`]; whether the embedded engine or a Dagger engine answers is
//! decided by the command line.
//!
//! # Exit codes
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done; also when the reader of standard output left early |
//! | 1 | the work failed: a step, a check, a contract |
//! | 2 | wrong use, or a broken catalog or Dockerfile |
//! | 3 | the machine lacks something; `doctor` says what |
//! | 4 | infrastructure: nothing the user wrote is at fault, trying again may help |
//! | 130 | interrupted by SIGINT or SIGTERM |
//!
//! # Streams
//!
//! Results go to standard output, progress and errors to standard error.

mod cli;
mod context;
mod engine;
mod error;
mod interrupt;
mod login;
mod pipeline;
mod progress;
mod project;
mod registries;
mod report;
mod run;
mod stages;
mod terminal;
mod text;
mod units;

pub use context::Context;
pub use engine::{EngineChoice, EngineHandle};
pub use error::{Exit, UserError};
pub use pipeline::Pipeline;

/// A pipeline with the built-in commands only.
pub fn main() -> std::process::ExitCode {
    Pipeline::new().main()
}
