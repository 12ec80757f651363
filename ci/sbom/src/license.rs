//! Licences as SPDX licence expressions (SPDX specification 2.3, annex D), from the many ways in which packages write them.
//!
//! What is unambiguous is translated; nothing is guessed. A name that SPDX does not know becomes a `LicenseRef-` of this document, with
//! the name as it was written.

use std::collections::BTreeMap;

use ci_oci::Digest;
use spdx::{Expression, exception_id, license_id};

use crate::text;

mod names;

/// Characters of a `LicenseRef-` taken from the name.
const MAX_REFERENCE: usize = 48;
/// Words of an expression; more is a text, or somebody's joke.
const MAX_WORDS: usize = 512;

/// What a package says of its licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct License {
    expression: String,
    references: BTreeMap<String, String>,
}

impl License {
    /// Reads a licence as packages declare it. `None` if there is no licence in the text, or too much of it.
    pub fn parse(declared: &str) -> Option<Self> {
        let declared = text::line(declared)?;
        if names::says_nothing(&declared) {
            return None;
        }
        if let Some(id) = names::phrase(&declared) {
            return Some(Self::of(id.to_owned()));
        }
        // What an SPDX expression is already stays as it is.
        if Expression::parse(&declared).is_ok() {
            let references = declared
                .split(|it: char| it.is_whitespace() || "()".contains(it))
                .filter(|word| word.starts_with("LicenseRef-"))
                .map(|word| (word.to_owned(), word.to_owned()));
            return Some(Self {
                references: references.collect(),
                expression: declared,
            });
        }
        Some(Self::translated(&declared).unwrap_or_else(|| Self::unknown(&declared)))
    }

    /// All of these together.
    pub fn all<'a>(declared: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let parsed: BTreeMap<String, Self> = declared
            .into_iter()
            .filter_map(Self::parse)
            .map(|it| (it.expression.clone(), it))
            .collect();
        let is_one = parsed.len() == 1;
        let mut expressions = Vec::new();
        let mut references = BTreeMap::new();
        for license in parsed.into_values() {
            let is_alternative = license.expression.contains(" OR ");
            expressions.push(if is_alternative && !is_one {
                format!("({})", license.expression)
            } else {
                license.expression
            });
            references.extend(license.references);
        }
        let expression = expressions.join(" AND ");
        (!expression.is_empty()).then_some(Self {
            expression,
            references,
        })
    }

    /// The SPDX expression.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The `LicenseRef-`s in it, and what they stand for.
    pub fn references(&self) -> &BTreeMap<String, String> {
        &self.references
    }

    fn of(expression: String) -> Self {
        Self {
            expression,
            references: BTreeMap::new(),
        }
    }

    /// A text that is no expression of anything.
    fn unknown(declared: &str) -> Self {
        let reference = reference(declared);
        Self {
            expression: reference.clone(),
            references: BTreeMap::from([(reference, declared.to_owned())]),
        }
    }

    /// Word for word into SPDX's names; `None` if the result is no expression.
    fn translated(declared: &str) -> Option<Self> {
        let spaced = names::without_phrases(declared)
            .replace('(', " ( ")
            .replace(')', " ) ")
            .replace('/', " OR ")
            .replace(',', " AND ");
        let mut references = BTreeMap::new();
        let mut words = Vec::new();
        let mut is_exception = false;
        for word in spaced.split_whitespace() {
            let operator = ["AND", "OR", "WITH"]
                .into_iter()
                .find(|it| it.eq_ignore_ascii_case(word));
            if words.len() >= MAX_WORDS {
                return None;
            }
            let translated = match (operator, word) {
                (Some("AND"), _) if words.last().is_some_and(|it| it == "AND") => continue,
                (Some(operator), _) => operator.to_owned(),
                (None, "(" | ")") => word.to_owned(),
                _ if is_exception => exception_id(word)?.name.to_owned(),
                _ => match names::license(word) {
                    Some(id) => id,
                    None => {
                        let reference = reference(word);
                        references.insert(reference.clone(), word.to_owned());
                        reference
                    }
                },
            };
            is_exception = operator == Some("WITH");
            words.push(translated);
        }
        let expression = words.join(" ").replace("( ", "(").replace(" )", ")");
        Expression::parse(&expression).ok()?;
        Some(Self {
            expression,
            references,
        })
    }
}

/// A name for what SPDX has none for: letters, digits, `.` and `-` (annex D.2). A digest tells names apart that look alike then.
fn reference(name: &str) -> String {
    let is_kept = |it: char| it.is_ascii_alphanumeric() || ".-".contains(it);
    let kept: String = name
        .chars()
        .map(|it| if is_kept(it) { it } else { '-' })
        .take(MAX_REFERENCE)
        .collect();
    if kept == name {
        return format!("LicenseRef-{kept}");
    }
    let digest = Digest::of(name).hex();
    format!("LicenseRef-{}-{}", kept.trim_matches('-'), &digest[..8])
}

/// Whether SPDX has a licence of this name, which is not one of those it would rather not have.
fn is_known(name: &str) -> bool {
    license_id(name).is_some_and(|id| id.name == name && !id.is_deprecated())
}

#[cfg(test)]
mod tests;
