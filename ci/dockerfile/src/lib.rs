//! Dockerfile text to a typed build graph: a pure parser with spans, and its lowering.
//!
//! Nothing here reads a file, asks for the time or looks at the machine: the same text and request give the same graph. What is
//! fetched, copied and run is left to the engine. BuildKit's Dockerfile frontend is the reference for what a Dockerfile means;
//! `# syntax=` is read and never fetched.
//!
//! Text becomes [`Dockerfile`] (the syntax tree), then [`Plan`] (which stages, on what), then, stage by stage, [`Stage`] (steps).

pub mod ast;
mod check;
mod class;
mod config;
mod env;
mod error;
mod expand;
pub mod glob;
pub mod graph;
pub mod ignore;
mod lower;
mod mode;
mod mount;
mod parse;
mod pattern;
mod plan;
mod platform;
mod print;
mod reference;
mod span;

pub use ast::Dockerfile;
pub use check::{Check, Rule, Warning};
pub use config::{Config, Healthcheck};
pub use error::{Error, ErrorKind};
pub use graph::{Op, Stage, StageId, Step};
pub use lower::Inherited;
pub use mode::Chmod;
pub use parse::{MAX_INSTRUCTIONS, MAX_SIZE, parse};
pub use plan::{Base, External, Plan, PlannedStage, Request};
pub use platform::Platform;
pub use span::{Span, Spanned};
