//! Values: words with their variables replaced, paths made absolute, and instructions as they are shown.

use super::{Lowering, history};
use crate::ast::Instruction;
use crate::check::{Rule, names_a_secret};
use crate::error::Error;
use crate::expand::{Expansion, Lexer, Variables};
use crate::span::{Span, Spanned};

/// Arguments that steer the reference's scanners; they are never undefined.
const SCANNERS: [&str; 2] = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

impl Lowering<'_> {
    fn expand_with(&mut self, lexer: Lexer, text: &str, span: Span) -> Result<Expansion, Error> {
        let expansion = lexer
            .expand(text, &self.scope.env, &self.budget)
            .map_err(|fault| self.fault(span, fault))?;
        for name in &expansion.unmatched {
            if !self.scope.args.contains(name) && !SCANNERS.contains(&name.as_str()) {
                let names = self.scope.env.list().iter().map(|(name, _)| name.as_str());
                let known = self
                    .warnings
                    .similar(name, names.len(), names, &self.budget);
                let message = format!("the variable {name} is not defined{known}");
                self.warnings
                    .add(Rule::UndefinedVar, self.place(span), message);
            }
        }
        Ok(expansion)
    }

    /// A word, its quotes and escapes taken and its variables replaced.
    pub(super) fn word(&mut self, text: &str, span: Span) -> Result<String, Error> {
        self.expand_with(Lexer::new(self.plan.file.escape), text, span)
            .map(|expansion| expansion.text)
    }

    /// Words: white space that comes out of variables separates too.
    pub(super) fn words(&mut self, text: &str, span: Span) -> Result<Vec<String>, Error> {
        let expansion = self.expand_with(Lexer::new(self.plan.file.escape), text, span)?;
        Ok(expansion.words.into_iter().map(|word| word.text).collect())
    }

    pub(super) fn spanned(&mut self, word: &Spanned<String>) -> Result<String, Error> {
        self.word(&word.value, word.span)
    }

    /// A document: only variables and their escapes are replaced.
    pub(super) fn document(&mut self, text: &str, span: Span) -> Result<String, Error> {
        let lexer = Lexer {
            ignore_quotes: true,
            ..Lexer::new('\\')
        };
        self.expand_with(lexer, text, span)
            .map(|expansion| expansion.text)
    }

    /// The value of a flag, its variables replaced; `None` where it is missing or empty.
    pub(super) fn flag(
        &mut self,
        instruction: &Instruction,
        name: &str,
    ) -> Result<Option<String>, Error> {
        let Some(flag) = instruction.flag(name) else {
            return Ok(None);
        };
        let value = self.word(flag.value.as_deref().unwrap_or_default(), flag.span)?;
        Ok(Some(value).filter(|value| !value.is_empty()))
    }

    /// An instruction as it is shown: variables replaced where that can be done. Where a name says that the value is a secret, and
    /// for `masked` names, the name stays (S1).
    pub(super) fn display(&self, text: &str, keep_quotes: bool, masked: &[&str]) -> String {
        struct Shown<'a>(&'a dyn Variables, &'a [&'a str]);
        impl Variables for Shown<'_> {
            fn get(&self, name: &str) -> Option<&str> {
                self.0
                    .get(name)
                    .filter(|_| !names_a_secret(name) && !self.1.contains(&name))
            }
        }
        let lexer = Lexer {
            raw_quotes: keep_quotes,
            keep_unset: true,
            ..Lexer::new(self.plan.file.escape)
        };
        let shown = lexer.expand(text, &Shown(&self.scope.env, masked), &self.budget);
        history::uppercase_keyword(
            &shown.map_or_else(|_| text.to_owned(), |expansion| expansion.text),
        )
    }

    /// The directory instructions work in, absolute.
    pub(super) fn working_dir(&self) -> &str {
        if self.config.working_dir.is_empty() {
            "/"
        } else {
            &self.config.working_dir
        }
    }
}

/// A path seen from a directory: absolute, and without `.`, `..` and doubled slashes. It cannot lead above `/`.
pub(super) fn join(dir: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let dir = if path.starts_with('/') { "" } else { dir };
    for part in dir.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// As [`join`], but an end that says "directory" (`/`, `/.`, or nothing but `.`) stays as a slash.
pub(super) fn join_directory(dir: &str, path: &str) -> String {
    let mut joined = join(dir, path);
    if (path.is_empty() || path == "." || path.ends_with('/') || path.ends_with("/."))
        && joined != "/"
    {
        joined.push('/');
    }
    joined
}
