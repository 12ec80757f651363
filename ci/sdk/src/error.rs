//! Errors as people meet them: what failed, why, what to do about it, and the exit code that says whose turn it is.
//!
//! Stages return `eyre::Result`. Where they know more than the message, they return a [`UserError`], which carries a hint
//! and an [`Exit`]; it may sit anywhere in the chain of causes.

use std::error::Error;
use std::fmt;

use dagger_sdk::core::graphql_client::GraphQLError;
use dagger_sdk::errors::DaggerError;

use crate::terminal::{Paint, Style};
use crate::text::{self, Colours};

/// What the program's exit status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Success = 0,
    /// The work failed: a step, a check, a contract.
    Failed = 1,
    /// Wrong use, or a broken catalog or Dockerfile.
    Usage = 2,
    /// This machine lacks something; `doctor` says what.
    Machine = 3,
    /// Neither the work nor the user is at fault: a service did not answer, a disk is full, or a bug of ours.
    Infrastructure = 4,
    /// Stopped by SIGINT or SIGTERM.
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The table of exit codes as `--help` shows it.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
    0  done
    1  the work failed: a step, a check or a contract
    2  wrong use, or a broken catalog or Dockerfile
    3  this machine lacks something: `{bin} doctor` says what
    4  infrastructure: nothing you wrote is at fault, trying again may help
  130  interrupted";

/// An error with advice.
///
/// ```
/// use ci::{Exit, UserError};
/// let error = UserError::new(Exit::Usage, "no service is called `wbe`").hint("did you mean `web`?");
/// assert_eq!(error.to_string(), "no service is called `wbe`");
/// ```
#[derive(Debug)]
pub struct UserError {
    exit: Exit,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl UserError {
    /// An error that ends the program with `exit`.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
            source: None,
        }
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for UserError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// An error taken apart for showing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    pub(crate) hints: Vec<String>,
    /// The exit code.
    pub(crate) exit: u8,
    #[serde(skip)]
    code: Option<Exit>,
}

impl Failure {
    pub(crate) fn of(report: &eyre::Report) -> Self {
        let mut messages: Vec<String> = Vec::new();
        let mut hints = Vec::new();
        let mut code = None;
        // `wrap_err(UserError)` hides the type from the chain; eyre finds it only at the top.
        let on_top = report.downcast_ref::<UserError>();
        for user in on_top
            .into_iter()
            .chain(report.chain().filter_map(|e| e.downcast_ref::<UserError>()))
        {
            code = code.or(Some(user.exit));
            hints.extend(user.hint.clone().filter(|hint| !hints.contains(hint)));
        }
        for cause in report.chain() {
            let Some(said) = said(cause) else { continue };
            let (message, help) = advice(&said);
            hints.extend(help.filter(|help| !hints.contains(help)));
            // Many libraries end their message with that of their source.
            if !messages
                .last()
                .is_some_and(|outer| outer.ends_with(&message))
            {
                messages.push(message);
            }
        }
        let code = code.or_else(|| report.chain().find_map(classify));
        if code == Some(Exit::Machine) && hints.is_empty() {
            hints.push(
                "run the `doctor` command: it says what this machine lacks and how to get it"
                    .into(),
            );
        }
        let message = if messages.is_empty() {
            String::new()
        } else {
            messages.remove(0)
        };
        Self {
            message,
            causes: messages,
            hints,
            exit: code.unwrap_or(Exit::Failed) as u8,
            code,
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        self.code.unwrap_or(Exit::Failed)
    }

    /// `error: …`, the causes below it, and what to do.
    pub(crate) fn render(&self, paint: Paint) -> String {
        let mut out = String::new();
        let error = paint.paint(Style::Bad, "error:");
        entry(&mut out, &error, &self.message, "  ", paint);
        let cause_label = format!("  {}", paint.paint(Style::Dim, "caused by:"));
        for cause in &self.causes {
            entry(&mut out, &cause_label, cause, "    ", paint);
        }
        let hint_label = paint.paint(Style::Good, "hint:");
        for hint in &self.hints {
            entry(&mut out, &hint_label, hint, "  ", paint);
        }
        out
    }
}

/// What an error says. Dagger's client wraps what the engine answered twice, and only the answer says something.
fn said(error: &(dyn Error + 'static)) -> Option<String> {
    if matches!(error.downcast_ref(), Some(DaggerError::Query(_))) {
        return None;
    }
    match error.downcast_ref() {
        Some(GraphQLError::DomainError { message, .. }) => Some(message.clone()),
        _ => Some(error.to_string()),
    }
}

/// Splits the closing `help:` line, as libraries write it, from a message.
fn advice(message: &str) -> (String, Option<String>) {
    match message.rsplit_once("\nhelp: ") {
        Some((message, help)) if !is_diagnostic(message) => {
            (message.trim_end().to_owned(), Some(help.to_owned()))
        }
        _ => (message.to_owned(), None),
    }
}

/// Whether a message is laid out as compilers do it, with labels, places and carets of its own.
fn is_diagnostic(message: &str) -> bool {
    LABELS.iter().any(|(label, _)| message.starts_with(label))
}

const LABELS: [(&str, Style); 2] = [("error:", Style::Bad), ("warning:", Style::Notice)];

/// One labelled message; its further lines are indented below it. A diagnostic stays as it is.
fn entry(out: &mut String, label: &str, message: &str, indent: &str, paint: Paint) {
    let verbatim = is_diagnostic(message);
    for (i, line) in message.trim_end().lines().enumerate() {
        let mut line = text::clean(line.as_bytes(), Colours::Drop);
        // A CI system trims a line before it looks for commands in it (W1).
        if line.trim_start().starts_with("::") {
            line.insert_str(0, "| ");
        }
        if verbatim {
            out.push_str(&coloured(&line, paint));
        } else if i == 0 {
            out.push_str(&format!("{label} {line}"));
        } else if !line.is_empty() {
            out.push_str(&format!("{indent}{line}"));
        }
        out.push('\n');
    }
}

/// A line of a diagnostic, its label in colour.
fn coloured(line: &str, paint: Paint) -> String {
    let label = LABELS
        .iter()
        .find_map(|(label, style)| Some((label, style, line.strip_prefix(label)?)));
    match label {
        Some((label, style, rest)) => format!("{}{rest}", paint.paint(*style, label)),
        None => line.to_owned(),
    }
}

/// The exit code of errors that the crates below report, where it is not that of failed work.
fn classify(error: &(dyn Error + 'static)) -> Option<Exit> {
    use std::io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    if error.is::<ci_catalog::CatalogErrors>()
        || error.is::<ci_catalog::UnknownService>()
        || error.is::<ci_dockerfile::Error>()
    {
        return Some(Exit::Usage);
    }
    if let Some(store) = error.downcast_ref() {
        return Some(match store {
            ci_store::Error::NoRoot
            | ci_store::Error::NotAStore { .. }
            | ci_store::Error::Format { .. } => Exit::Machine,
            _ => Exit::Infrastructure,
        });
    }
    let io = error.downcast_ref::<std::io::Error>()?;
    matches!(io.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem)
        .then_some(Exit::Infrastructure)
}

#[cfg(test)]
mod tests;
