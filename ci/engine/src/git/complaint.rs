//! What git says of itself: progress for those who wait, and complaints turned into errors that say what to do.

use std::time::{Duration, Instant};

use super::address::Scheme;
use crate::error::Error;
use crate::progress::{Step, Stream};

/// What of git's complaints an error keeps, in bytes.
const COMPLAINT_LIMIT: usize = 4096;

/// Time between two reports of git's progress.
const REPORT: Duration = Duration::from_secs(1);

/// What git has said on its standard error.
#[derive(Default)]
pub(super) struct Said {
    line: Vec<u8>,
    lines: Vec<String>,
    reported: Option<Instant>,
}

impl Said {
    /// Takes lines apart. A line that ends in a carriage return is progress, which git overwrites: of those some are enough.
    pub(super) fn hear(&mut self, text: &[u8], step: Option<&Step>) {
        for byte in text {
            if !matches!(byte, b'\n' | b'\r') {
                self.line.push(*byte);
                continue;
            }
            let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
            let is_due =
                *byte == b'\n' || self.reported.is_none_or(|last| last.elapsed() >= REPORT);
            if let Some(step) = step.filter(|_| is_due && !line.trim().is_empty()) {
                step.output(Stream::Stderr, format!("{line}\n").as_bytes());
                self.reported = Some(Instant::now());
            }
            if *byte == b'\n' {
                self.lines.push(line);
            }
        }
    }

    /// What was said of errors; all, if nothing was.
    pub(super) fn complaints(mut self) -> String {
        let rest = std::mem::take(&mut self.line);
        self.lines.push(String::from_utf8_lossy(&rest).into_owned());
        let is_complaint = |line: &&String| {
            ["fatal: ", "error: ", "remote: ", "ERROR: "]
                .iter()
                .any(|mark| line.starts_with(mark))
        };
        let chosen: Vec<&str> = if self.lines.iter().any(|line| line.starts_with("fatal: ")) {
            let lines = self.lines.iter().filter(is_complaint);
            lines
                .map(|line| line.strip_prefix("fatal: ").unwrap_or(line).trim())
                .collect()
        } else {
            self.lines.iter().map(|line| line.trim()).collect()
        };
        let mut text = chosen
            .into_iter()
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join("; ");
        let over = text.len().saturating_sub(COMPLAINT_LIMIT);
        if over > 0 {
            let cut = (over..text.len()).find(|at| text.is_char_boundary(*at));
            text.replace_range(..cut.unwrap_or(text.len()), "…");
        }
        text
    }
}

/// Why a command of git failed.
#[derive(Debug)]
pub(super) struct Failure {
    shown: String,
    scheme: Option<Scheme>,
    complaint: String,
}

impl Failure {
    pub(super) fn new(shown: &str, scheme: Option<Scheme>, complaint: String) -> Self {
        Self {
            shown: shown.to_owned(),
            scheme,
            complaint,
        }
    }

    fn says(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.complaint.contains(text))
    }

    /// Whether nobody was reached: what was fetched before may have to do.
    pub(super) fn is_unreachable(&self) -> bool {
        self.says(&[
            "Could not resolve host",
            "Temporary failure in name resolution",
            "unable to look up",
            "Failed to connect",
            "Couldn't connect",
            "unable to connect",
            "Connection refused",
            "Connection timed out",
            "Network is unreachable",
            "No route to host",
        ])
    }

    fn hint(&self) -> Option<&'static str> {
        if self.says(&[
            "could not read Username",
            "Authentication failed",
            "error: 401",
            "error: 403",
        ]) {
            Some("it may be private: give the build a token as the secret GIT_AUTH_TOKEN")
        } else if self.says(&["Permission denied (publickey"]) {
            Some("the SSH agent has no key that it accepts; see `ssh-add -l`")
        } else if self.says(&["Host key verification failed"]) {
            Some("its key is not in ~/.ssh/known_hosts")
        } else if self.says(&["error: 301", "error: 302", "error: 307", "error: 308"]) {
            Some(
                "it has moved, and what it takes to be let in is shown to nobody else: use its new address",
            )
        } else if self.says(&["not allowed"]) && self.scheme == Some(Scheme::Https) {
            Some("it redirects to another transport")
        } else {
            None
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let hint = failure
            .hint()
            .map(|hint| format!(" ({hint})"))
            .unwrap_or_default();
        Self::new(format!(
            "git repository {}: {}{hint}",
            failure.shown, failure.complaint
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Said {
        let mut said = Said::default();
        said.hear(text.as_bytes(), None);
        said
    }

    #[test]
    fn an_error_keeps_what_is_wrong_and_leaves_progress_out() {
        let text = "Receiving objects: 1%\rReceiving objects: 2%\nremote: no such repository\nfatal: not found\n";
        assert_eq!(
            said(text).complaints(),
            "remote: no such repository; not found"
        );
        assert_eq!(said("something else").complaints(), "something else");
        let long = format!("fatal: {}é\n", "é".repeat(COMPLAINT_LIMIT));
        assert!(said(&long).complaints().len() <= COMPLAINT_LIMIT + "…".len());
    }

    #[test]
    fn what_can_be_done_is_said() {
        let text = |scheme, complaint: &str| {
            Error::from(Failure::new(
                "https://host/x",
                Some(scheme),
                complaint.to_owned(),
            ))
            .to_string()
        };
        for (complaint, hint) in [
            (
                "could not read Username for 'https://host': terminal prompts disabled",
                "GIT_AUTH_TOKEN",
            ),
            ("git@host: Permission denied (publickey).", "ssh-add -l"),
            ("Host key verification failed.", "known_hosts"),
            ("transport 'http' not allowed", "another transport"),
            ("The requested URL returned error: 301", "new address"),
        ] {
            let text = text(Scheme::Https, complaint);
            assert!(text.contains(complaint) && text.contains(hint), "{text}");
        }
        assert_eq!(
            text(Scheme::Https, "nothing known"),
            "git repository https://host/x: nothing known"
        );
    }
}
