//! The message of one commit, in the form of Conventional Commits 1.0 or of git's own reverts.

use super::Cause;

/// What a message says.
pub(super) struct Parsed<'a> {
    /// Its first line.
    pub(super) subject: &'a str,
    /// The id of the commit it takes back.
    pub(super) reverts: Option<&'a str>,
    kind: Option<String>,
    breaking: bool,
    breaking_footer: bool,
}

impl<'a> Parsed<'a> {
    pub(super) fn of(message: &'a str) -> Self {
        let mut lines = message.trim_start().lines();
        let subject = lines.next().unwrap_or_default().trim_end();
        let (kind, breaking) = match header(subject) {
            Some((kind, breaking)) => (Some(kind), breaking),
            // What `git revert` writes.
            None if subject.starts_with("Revert \"") => (Some("revert".to_owned()), false),
            None => (None, false),
        };
        let body: Vec<&str> = lines.collect();
        let reverts = (kind.as_deref() == Some("revert"))
            .then(|| body.iter().find_map(|line| reverted(line)))
            .flatten();
        Self {
            subject,
            reverts,
            breaking_footer: body.iter().any(|line| is_breaking_footer(line)),
            breaking,
            kind,
        }
    }

    /// What it means if no other commit takes it back.
    pub(super) fn cause(&self) -> Cause {
        match self.kind.as_deref() {
            _ if self.breaking => Cause::Breaking,
            _ if self.breaking_footer => Cause::BreakingFooter,
            Some("feat") => Cause::Feature,
            Some("fix") => Cause::Fix,
            Some("perf") => Cause::Performance,
            Some("revert") => Cause::Revert,
            Some(other) => Cause::OtherType(other.to_owned()),
            None => Cause::Unconventional,
        }
    }
}

/// Type, in lower case, and whether there is a `!`: `type(scope)!: description`.
fn header(subject: &str) -> Option<(String, bool)> {
    let (before, description) = subject.split_once(':')?;
    if !description.starts_with(' ') || description.trim().is_empty() {
        return None;
    }
    let (before, breaking) = match before.strip_suffix('!') {
        Some(before) => (before, true),
        None => (before, false),
    };
    let kind = match before.split_once('(') {
        Some((kind, scope)) => {
            let scope = scope.strip_suffix(')')?;
            if scope.is_empty() || scope.contains(['(', ')']) {
                return None;
            }
            kind
        }
        None => before,
    };
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let valid = kind.starts_with(|c: char| c.is_ascii_alphabetic()) && kind.chars().all(word);
    valid.then(|| (kind.to_ascii_lowercase(), breaking))
}

/// `BREAKING CHANGE: …` or `BREAKING-CHANGE: …`, with ` #` in place of the colon too, as footers may have it.
fn is_breaking_footer(line: &str) -> bool {
    let rest = ["BREAKING CHANGE", "BREAKING-CHANGE"]
        .iter()
        .find_map(|token| line.strip_prefix(token));
    rest.is_some_and(|rest| rest.starts_with(": ") || rest.starts_with(" #") || rest == ":")
}

/// The id in `This reverts commit ID.`
fn reverted(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("This reverts commit ")?;
    let end = rest
        .find(|c: char| !c.is_ascii_hexdigit())
        .unwrap_or(rest.len());
    let id = &rest[..end];
    // Fewer digits might be those of any commit.
    (id.len() >= 7).then_some(id)
}
