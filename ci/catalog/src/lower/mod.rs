//! From the shapes of the files (`format`) to checked values (`model`).
//!
//! Every function reports what is wrong and goes on; what it returns is used only if nothing at all was wrong, so a
//! list may simply leave out its broken items.

mod builder;
mod contract;
mod image;
mod limits;
mod pipeline;
mod registries;
mod service;
mod signing;
mod tags;
mod templates;
mod values;

use std::ops::Range;
use std::path::Path;

use crate::Files;
use crate::diagnostic::{Diagnostic, Problems};
use crate::format::At;
use crate::source::Source;

pub(crate) use contract::LIVEZ;
pub(crate) use limits::SIZE_PATTERN;
pub(crate) use pipeline::{pipeline, repository};
pub(crate) use service::{Edge, service, service_name};
pub(crate) use values::DURATION_PATTERN;

/// One file on its way to checked values.
pub(crate) struct Lowering<'a> {
    source: &'a Source,
    /// The folder of the file, relative to the catalog root.
    folder: &'a Path,
    files: &'a dyn Files,
    problems: &'a mut Problems,
    /// Where to point for a default, which stands nowhere.
    anchor: Range<usize>,
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(
        source: &'a Source,
        folder: &'a Path,
        files: &'a dyn Files,
        problems: &'a mut Problems,
    ) -> Self {
        Self {
            source,
            folder,
            files,
            problems,
            anchor: 0..0,
        }
    }

    fn span<T>(&self, at: &At<T>) -> Range<usize> {
        at.span.clone().unwrap_or_else(|| self.anchor.clone())
    }

    fn error<T>(&mut self, at: &At<T>, message: impl Into<String>) -> &mut Diagnostic {
        let span = self.span(at);
        self.problems.error(self.source, &span, message)
    }

    fn warn<T>(&mut self, at: &At<T>, message: impl Into<String>) -> &mut Diagnostic {
        let span = self.span(at);
        self.problems.warn(self.source, &span, message)
    }
}
