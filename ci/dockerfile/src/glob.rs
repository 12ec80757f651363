//! Wildcards in the sources of COPY and ADD: those of Go's `filepath.Match`, by path component.
//!
//! `*` and `?` do not match a slash, there is no `**`, and `[a-z]` and `[^a-z]` are classes. The patterns of `.dockerignore`,
//! `--exclude` and `--parents`, which have `**`, are in [`crate::ignore`].

use crate::class::{self, Token};

/// Whether a source is a pattern rather than a path.
pub fn has_wildcards(text: &str) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' | '?' | '[' => return true,
            '\\' => drop(chars.next()),
            _ => {}
        }
    }
    false
}

/// Says what is wrong with a pattern.
pub(crate) fn check(pattern: &str) -> Result<(), String> {
    if has_wildcards(pattern) {
        Glob::parse(pattern).map(drop)
    } else {
        Ok(())
    }
}

/// A pattern for one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    components: Vec<Vec<Token>>,
}

impl Glob {
    /// Reads a pattern such as `/src/*.rs`. Slashes at its ends do not count.
    ///
    /// # Errors
    /// A class that is not closed, a `\` at the end.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        let components = class::split(pattern)
            .into_iter()
            .map(class::component)
            .collect::<Result<_, _>>();
        Ok(Self {
            components: components
                .map_err(|message| format!("{message} in the pattern {pattern:?}"))?,
        })
    }

    /// Number of components: only paths with as many can match.
    pub fn depth(&self) -> usize {
        self.components.len()
    }

    /// Whether a path matches. Slashes at its ends do not count.
    pub fn matches(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        parts.len() == self.depth() && self.leads(&parts)
    }

    /// Whether a directory can hold, at whatever depth, something that matches: a walker need not enter others.
    pub fn could_match_below(&self, dir: &str) -> bool {
        let parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
        parts.len() < self.depth() && self.leads(&parts)
    }

    /// The leading components that are plain names: where a walk can begin.
    pub fn literal_prefix(&self) -> String {
        let literals = self
            .components
            .iter()
            .map_while(|component| class::literal(component));
        literals.map(|name| format!("/{name}")).collect()
    }

    fn leads(&self, parts: &[&str]) -> bool {
        self.components
            .iter()
            .zip(parts)
            .all(|(component, part)| class::matches(component, part))
    }
}
