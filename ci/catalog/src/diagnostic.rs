//! What is wrong with a catalog, and where. How it reads is `render`'s.

use std::ops::Range;
use std::path::PathBuf;

use crate::source::Source;

/// More errors than this are only counted: the rest of a hostile file must not fill the memory or the log.
const MAX_DIAGNOSTICS: usize = 100;

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The catalog cannot be used.
    Error,
    /// The catalog can be used, but probably does not mean what it says.
    Warning,
}

/// A place in a file.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Location {
    /// The file, relative to the catalog root.
    pub path: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How many characters from `column` on are meant; at least 1.
    pub width: usize,
    /// The line, without its end. Of a very long line only the part around `column`, with `…` where it was cut; what
    /// may be a secret shows as asterisks.
    pub source_line: String,
    /// How many characters of `source_line` come before what is meant.
    pub(crate) caret: usize,
}

/// A second place that explains the first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Related {
    /// Where.
    pub location: Location,
    /// What is there.
    pub note: String,
}

/// One error or warning. Displays over several lines, as compilers do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// Where.
    pub location: Location,
    /// Other places that belong to it.
    pub related: Vec<Related>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn related(&mut self, location: Location, note: impl Into<String>) -> &mut Self {
        self.related.push(Related {
            location,
            note: note.into(),
        });
        self
    }
}

/// All that is wrong with a catalog or a lock file: at least one error. Displays every warning and error and a closing count.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CatalogErrors {
    pub(crate) errors: Vec<Diagnostic>,
    pub(crate) warnings: Vec<Diagnostic>,
    pub(crate) omitted: usize,
    /// What has the errors.
    pub(crate) subject: &'static str,
}

impl CatalogErrors {
    /// The errors, ordered by file and place; never empty.
    #[must_use]
    pub fn errors(&self) -> &[Diagnostic] {
        &self.errors
    }

    /// The warnings, ordered by file and place.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// For a failure that left no trace, which would be a defect of the loader: better said than hidden.
    pub(crate) fn unexplained() -> Self {
        let source = Source::new(
            PathBuf::from(crate::load::CATALOG_FILE),
            "".into(),
            Vec::new(),
        );
        let mut problems = Problems::default();
        problems.error(
            &source,
            &(0..0),
            "the catalog cannot be used, for no reason that was recorded",
        );
        Self {
            errors: problems.errors,
            warnings: Vec::new(),
            omitted: 0,
            subject: "the catalog",
        }
    }

    /// How many further errors were found but not kept.
    #[must_use]
    pub fn omitted(&self) -> usize {
        self.omitted
    }
}

impl std::error::Error for CatalogErrors {}

/// Collects what is wrong while loading goes on.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    omitted: usize,
    /// Takes the help and notes for what is only counted.
    spare: Option<Diagnostic>,
}

impl Problems {
    /// An error at a byte range of `source`.
    pub(crate) fn error(
        &mut self,
        source: &Source,
        span: &Range<usize>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Error, source, span, message.into())
    }

    /// A warning at a byte range of `source`.
    pub(crate) fn warn(
        &mut self,
        source: &Source,
        span: &Range<usize>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Warning, source, span, message.into())
    }

    /// Whether further errors will only be counted.
    pub(crate) fn is_full(&self) -> bool {
        self.errors.len() >= MAX_DIAGNOSTICS
    }

    /// The warnings, or the errors of `subject` with them.
    pub(crate) fn finish(
        mut self,
        subject: &'static str,
    ) -> Result<Vec<Diagnostic>, CatalogErrors> {
        self.errors.sort_by(|a, b| a.location.cmp(&b.location));
        self.warnings.sort_by(|a, b| a.location.cmp(&b.location));
        if self.errors.is_empty() {
            return Ok(self.warnings);
        }
        Err(CatalogErrors {
            errors: self.errors,
            warnings: self.warnings,
            omitted: self.omitted,
            subject,
        })
    }

    fn add(
        &mut self,
        severity: Severity,
        source: &Source,
        span: &Range<usize>,
        message: String,
    ) -> &mut Diagnostic {
        let list = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        let new = |location| Diagnostic {
            severity,
            message,
            location,
            related: Vec::new(),
            help: None,
        };
        if list.len() < MAX_DIAGNOSTICS {
            list.push(new(source.locate(span)));
            let last = list.len() - 1;
            return &mut list[last];
        }
        self.omitted += usize::from(severity == Severity::Error);
        self.spare.insert(new(source.locate(&(0..0))))
    }
}

/// The candidate that `text` was probably meant to be, if one is like it at all.
pub(crate) fn nearest<'a>(
    text: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Nobody mistypes a name of that length, and the comparison takes time with the square of it.
    const LONGEST: usize = 80;
    if text.len() > LONGEST {
        return None;
    }
    let folded = fold(text);
    let (distance, best) = candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&folded, &fold(candidate)),
                candidate,
            )
        })
        .min()?;
    (distance <= (text.chars().count() / 3).max(1)).then_some(best)
}

/// Case and the kind of separator are what people get wrong first, so they cost nothing.
fn fold(text: &str) -> String {
    text.to_lowercase().replace('_', "-")
}
