//! The first phase of lowering: which stages the target needs, what each stands on, and what has to be fetched for it.
//!
//! It needs nothing but the Dockerfile and the request. The second phase, which needs the configurations of the base images,
//! is in [`crate::lower`].

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::StageId;
use crate::platform::Platform;
use crate::span::Span;

/// What is to be built of a Dockerfile, and with what.
#[derive(Debug, Clone)]
pub struct Request {
    /// Stage to build, by name or number; `None` means the last.
    pub target: Option<String>,
    /// Values of build arguments.
    pub build_args: BTreeMap<String, String>,
    /// Platform of the image.
    pub target_platform: Platform,
    /// Platform that builds it.
    pub build_platform: Platform,
    /// Names that stand for something the caller has. They override stages and images of that name.
    pub named_contexts: BTreeSet<String>,
}

/// What a stage stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// Another stage.
    Stage(StageId),
    /// A named context of the request.
    Context(String),
    /// An image.
    Image {
        /// The reference as written, variables replaced.
        reference: String,
        /// For which platform.
        platform: Platform,
    },
}

/// A stage of the file.
#[derive(Debug, Clone)]
pub struct PlannedStage {
    /// Which it is.
    pub id: StageId,
    /// Its name, or `stage-N`.
    pub name: String,
    /// What it stands on.
    pub base: Base,
    /// A named context took its place: its instructions are not run, the context is the stage.
    pub replaced: bool,
    /// Its platform.
    pub platform: Platform,
    /// Its FROM.
    pub span: Span,
}

/// Something that has to be there before the build.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum External {
    /// An image.
    Image {
        /// The reference as written, variables replaced.
        reference: String,
        /// For which platform.
        platform: Platform,
    },
    /// A named context of the request.
    Context(String),
}
