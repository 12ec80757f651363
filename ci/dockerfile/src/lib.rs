//! Dockerfile text to a typed build graph: a pure parser with spans, and its lowering.
//!
//! Nothing here reads a file, asks for the time or looks at the machine: the same text and request give the same graph. What is
//! fetched, copied and run is left to the engine. BuildKit's Dockerfile frontend is the reference for what a Dockerfile means;
//! `# syntax=` is read and never fetched.
//!
//! Text becomes [`Dockerfile`] (the syntax tree), then [`Plan`] (which stages, on what), then, stage by stage, [`Stage`] (steps).
//!
//! ```
//! use ci_dockerfile::{Base, Config, Plan, Platform, Request, parse};
//!
//! let platform = Platform::new("linux", "amd64", None);
//! let request = Request {
//!     target: None,
//!     build_args: [("VERSION".to_owned(), "13".to_owned())].into(),
//!     target_platform: platform.clone(),
//!     build_platform: platform,
//!     named_contexts: ["assets".to_owned()].into(),
//! };
//! let file = parse("Dockerfile", b"ARG VERSION=12\nFROM debian:$VERSION\nCOPY --from=assets logo /srv/\nRUN make\n")?;
//! let plan = Plan::new(&file, &request)?;
//! for &id in plan.needed() {
//!     // The engine has the configuration of the image; a stage on a stage gets that stage instead.
//!     assert!(matches!(plan.stage(id).map(|stage| &stage.base), Some(Base::Image { reference, .. }) if reference == "debian:13"));
//!     let stage = plan.lower(id, &Config::default())?;
//!     assert_eq!(stage.steps[1].display, "RUN make");
//! }
//! # Ok::<(), ci_dockerfile::Error>(())
//! ```
//!
//! # Where it differs from the reference
//!
//! - What takes the build out of its sandbox (`--security=insecure`, `--device`) is refused, and so are user numbers that wrap around.
//! - What is shown of an instruction names a variable whose name says it is a secret; the reference shows the value.
//! - A variable used with `:-`, `:+` or `:?` is not reported as undefined.
//! - A request's target can be the number of a stage as well as its name.
//! - Sizes and work are bounded ([`MAX_SIZE`], [`MAX_INSTRUCTIONS`], [`MAX_STAGES`], and a budget for expansion); the text is UTF-8,
//!   except in comments.
//! - Only Linux is meant: no drive letters, no Windows paths.

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
pub use parse::{MAX_INSTRUCTIONS, MAX_SIZE, MAX_STAGES, parse};
pub use plan::{Base, External, Plan, PlannedStage, Request};
pub use platform::Platform;
pub use span::{Span, Spanned};
