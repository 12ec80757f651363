//! What follows a `$`: names, and the forms of `${name…}`. Patterns in them are [`crate::pattern`]'s.

use super::{Fault, Reader};
use crate::pattern::Pattern;

/// How deep `${a:-${b:-…}}` may nest.
const DEEPEST: usize = 32;

impl<'a> Reader<'a> {
    pub(super) fn dollar(&mut self) -> Result<String, Fault> {
        self.next();
        if self.peek() != Some('{') {
            let name = self.name();
            return Ok(match self.lookup(&name) {
                _ if name.is_empty() => "$".to_owned(),
                None if self.lexer.keep_unset => format!("${name}"),
                value => value.unwrap_or_default().to_owned(),
            });
        }
        self.next();
        if matches!(self.peek(), Some('{' | '}' | ':')) {
            return Err(Fault::new("${ must be followed by the name of a variable"));
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fault::limit(format!(
                "${{…}} is nested more than {DEEPEST} deep"
            )));
        }
        let name = self.name();
        let text = self.braced(&name)?;
        self.depth -= 1;
        Ok(text)
    }

    /// What follows the name in `${name…}`.
    fn braced(&mut self, name: &str) -> Result<String, Fault> {
        let unclosed = || Fault::new("${ is not closed by }");
        let start = self.at;
        let mut operator = self.next().ok_or_else(unclosed)?;
        let empty_is_unset = operator == ':';
        match operator {
            '}' => {
                let value = self.lookup(name);
                return Ok(match value {
                    None if self.lexer.keep_unset => format!("${{{name}}}"),
                    value => value.unwrap_or_default().to_owned(),
                });
            }
            '/' => return self.replacement(name),
            ':' => operator = self.next().ok_or_else(unclosed)?,
            _ => {}
        }
        if !matches!(operator, '+' | '-' | '?' | '#' | '%') {
            return Err(Fault::new(format!(
                "${{{name}{}…}} is no form of expansion that Dockerfiles have",
                &self.input[start..self.at]
            )));
        }
        let written = &self.input[start..self.at];
        let trims = matches!(operator, '#' | '%');
        let word = self.until(Some('}'), trims, None).map_err(|fault| {
            if self.peek().is_none() && !fault.limit {
                unclosed()
            } else {
                fault
            }
        })?;
        // Forms that say what holds where there is no value are no sign of a mistake.
        let value = match operator {
            '-' | '+' | '?' if self.variables.get(name).is_none() => None,
            _ => self.lookup(name),
        };
        if value.is_none() && self.lexer.keep_unset {
            return Ok(format!("${{{name}{written}{word}}}"));
        }
        let missing = value.is_none_or(|value| empty_is_unset && value.is_empty());
        match operator {
            '-' => Ok(if missing {
                word
            } else {
                value.unwrap_or_default().to_owned()
            }),
            '+' => Ok(if missing { String::new() } else { word }),
            '?' if missing && !word.is_empty() => Err(Fault::new(format!("{name}: {word}"))),
            '?' if missing => {
                let state = if value.is_none() { "unset" } else { "empty" };
                Err(Fault::new(format!("{name} must not be {state}")))
            }
            '?' => Ok(value.unwrap_or_default().to_owned()),
            _ => {
                let greedy = word.starts_with(operator);
                let pattern = Pattern::parse(&word[usize::from(greedy)..])?;
                let value = value.unwrap_or_default();
                if operator == '#' {
                    pattern.without_prefix(value, greedy, self.budget)
                } else {
                    pattern.without_suffix(value, greedy, self.budget)
                }
            }
        }
    }

    /// `${name/pattern/replacement}` and `${name//pattern/replacement}`, after the first slash.
    fn replacement(&mut self, name: &str) -> Result<String, Fault> {
        let all = self.peek() == Some('/');
        if all {
            self.next();
        }
        let mut part = |stop: char, what: &str| {
            self.until(Some(stop), true, None).map_err(|fault| {
                if self.peek().is_none() && !fault.limit {
                    Fault::new(what)
                } else {
                    fault
                }
            })
        };
        let pattern = part('/', "${name/pattern is not followed by /replacement}")?;
        let replacement = part('}', "${ is not closed by }")?;
        match self.lookup(name) {
            None if self.lexer.keep_unset => Ok(format!("${{{name}/{pattern}/{replacement}}}")),
            value => Pattern::parse(&pattern)?.replace(
                value.unwrap_or_default(),
                &replacement,
                all,
                self.budget,
            ),
        }
    }

    /// A name: letters, digits and underscores, or digits, or one of the shell's special parameters.
    fn name(&mut self) -> String {
        let rest = &self.input[self.at..];
        let length = match rest.chars().next() {
            Some(c) if c.is_ascii_digit() => rest.find(|c: char| !c.is_ascii_digit()),
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => Some(1),
            _ => rest.find(|c: char| !(c.is_alphanumeric() || c == '_')),
        };
        let name = &rest[..length.unwrap_or(rest.len())];
        self.at += name.len();
        name.to_owned()
    }

    fn lookup(&mut self, name: &str) -> Option<&'a str> {
        if name.is_empty() {
            return None;
        }
        let value = self.variables.get(name);
        let names = if value.is_some() {
            &mut self.result.matched
        } else {
            &mut self.result.unmatched
        };
        if !names.contains(name) {
            names.insert(name.to_owned());
        }
        value
    }
}
