//! Checked values that occur in several tables.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Lowering;
use crate::diagnostic::nearest;
use crate::format::At;
use crate::path::{InvalidPath, RelativePath};
use crate::{FileKind, Name};

/// The form of durations, for the JSON schema.
pub(crate) const DURATION_PATTERN: &str = "^([0-9]+(ms|s|m|h))+$";

const LONGEST_DURATION: Duration = Duration::from_secs(24 * 60 * 60);

impl Lowering<'_> {
    /// A name of `what`.
    pub(super) fn name(&mut self, at: &At<String>, what: &str) -> Option<Name> {
        match at.value.parse() {
            Ok(name) => Some(name),
            Err(error) => {
                let error: crate::InvalidName = error;
                let diagnostic =
                    self.error(at, format!("`{}` cannot be the name of {what}", at.value));
                diagnostic.help(match &error.suggestion {
                    Some(suggestion) => format!("{error}; `{suggestion}` would do"),
                    None => error.to_string(),
                });
                None
            }
        }
    }

    /// A path inside the catalog root.
    pub(super) fn path(&mut self, at: &At<String>) -> Option<RelativePath> {
        self.path_of(at, &at.value)
    }

    /// The same where the path is only a part of the value.
    pub(super) fn path_of(&mut self, at: &At<String>, written: &str) -> Option<RelativePath> {
        match RelativePath::resolve(self.folder, written) {
            Ok(path) => Some(path),
            Err(error) => {
                let diagnostic = self.error(at, error.to_string());
                match error {
                    InvalidPath::Absolute => {
                        diagnostic.help("paths are relative to the folder of this file");
                    }
                    InvalidPath::LeavesRoot => {
                        diagnostic.help("the catalog root is the folder of `pipeline.toml`; what a build reads is inside");
                    }
                    InvalidPath::Empty | InvalidPath::Control => {}
                }
                None
            }
        }
    }

    /// `key` is what sets it. Reports a path at which there is not what is `wanted` (E5: nor outside the root, through a link).
    pub(super) fn must_exist(
        &mut self,
        at: &At<String>,
        path: &RelativePath,
        wanted: FileKind,
        key: &str,
    ) {
        let noun = if wanted == FileKind::Folder {
            "folder"
        } else {
            "file"
        };
        match self.files.kind(path.from_root()) {
            Ok(kind) if kind == wanted => {}
            Ok(FileKind::Missing) => {
                let near = self.nearest_file(path, wanted);
                let diagnostic = self.error(at, format!("there is no {noun} `{path}`"));
                if let Some(near) = near {
                    diagnostic.help(format!("there is `{near}`"));
                } else if at.span.is_none() {
                    diagnostic.help(format!("this is the default: set `{key}` to where it is"));
                }
            }
            Ok(FileKind::OutsideRoot) => {
                self.error(
                    at,
                    format!("`{path}` is a link that leaves the catalog root"),
                );
            }
            Ok(_) => {
                self.error(at, format!("`{path}` is not a {noun}"));
            }
            Err(error) => {
                self.error(at, format!("`{path}` cannot be reached: {error}"));
            }
        }
    }

    fn nearest_file(&self, path: &RelativePath, wanted: FileKind) -> Option<String> {
        let folder = path.from_root().parent()?;
        let mut names = self.files.list(folder).ok()?;
        names.retain(|name| {
            self.files
                .kind(&folder.join(name))
                .is_ok_and(|kind| kind == wanted)
        });
        names.sort();
        let written = path.from_root().file_name()?.to_str()?;
        let near = nearest(written, names.iter().map(String::as_str))?;
        Some(folder.join(near).display().to_string())
    }

    /// The name of an environment variable (POSIX: anything but `=`; spaces and control characters help nobody).
    pub(super) fn variable_name(&mut self, at: &At<String>) -> Option<String> {
        let bad = |c: char| c == '=' || c.is_whitespace() || c.is_control();
        if at.value.is_empty() || at.value.contains(bad) {
            self.error(at, "this cannot be the name of a variable")
                .help("use letters, digits and `_`");
            return None;
        }
        Some(at.value.clone())
    }

    /// A text that can be passed to a program: without NUL.
    pub(super) fn text(&mut self, at: &At<String>) -> Option<String> {
        if at.value.contains('\0') {
            self.error(
                at,
                "the text holds a NUL character, which no program can be given",
            );
            return None;
        }
        Some(at.value.clone())
    }

    /// Texts that can be passed to a program.
    pub(super) fn texts(&mut self, list: &[At<String>]) -> Vec<String> {
        list.iter().filter_map(|item| self.text(item)).collect()
    }

    /// One word that becomes an argument of a tool, and so must not look like an option (P1).
    pub(super) fn word(&mut self, at: &At<String>, what: &str) -> Option<String> {
        let fault = match at.value.as_str() {
            "" => "must not be empty",
            text if text.starts_with('-') => "must not begin with `-`",
            text if text.contains(|c: char| c.is_whitespace() || c.is_control()) => {
                "must be a single word"
            }
            _ => return Some(at.value.clone()),
        };
        self.error(at, format!("{what} {fault}"));
        None
    }

    /// The same for a value that may be left out. The outer level says whether it was right.
    pub(super) fn optional_word(
        &mut self,
        at: Option<&At<String>>,
        what: &str,
    ) -> Option<Option<String>> {
        match at {
            None => Some(None),
            Some(at) => self.word(at, what).map(Some),
        }
    }

    /// A length of time such as `500ms`, `10s` or `1m30s`.
    pub(super) fn duration(&mut self, at: &At<String>) -> Option<Duration> {
        match parse_duration(&at.value) {
            Some(duration) if duration.is_zero() => {
                self.error(at, "the duration is zero");
            }
            Some(duration) if duration > LONGEST_DURATION => {
                self.error(at, "the duration is longer than a day");
            }
            Some(duration) => return Some(duration),
            None => {
                let message = format!("`{}` is not a duration", at.value);
                self.error(at, message).help(
                    "a number and a unit (`ms`, `s`, `m` or `h`), as in `500ms`, `10s`, `1m30s`",
                );
            }
        }
        None
    }

    /// Reports a value that names a service there is not.
    pub(super) fn unknown_service(&mut self, at: &At<String>, name: &str, known: &BTreeSet<&str>) {
        let full = self.problems.is_full();
        let span = self.source.narrow(&self.span(at), name);
        let message = format!("no service is named `{name}`");
        let error = self.problems.error(self.source, &span, message);
        if full {
            return;
        }
        error.help(match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let known: Vec<&str> = known.iter().copied().collect();
                format!("the services are `{}`", known.join("`, `"))
            }
        });
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u32 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..]
            .find(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |at| digits + at);
        let unit = match &rest[digits..unit_end] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(60 * 60),
            _ => return None,
        };
        total = total.checked_add(unit.checked_mul(number)?)?;
        rest = &rest[unit_end..];
    }
    (!text.is_empty()).then_some(total)
}
