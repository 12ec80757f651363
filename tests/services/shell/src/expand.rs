//! From words to the arguments of a command: parameters, command substitution, arithmetic, field splitting, file name
//! patterns and quote removal, in the order POSIX gives (Shell Command Language, 2.6). There is no tilde expansion.

use crate::arith;
use crate::ast::{Conditional, End, Operator, Part, PartKind, Word};
use crate::pattern;
use crate::state::{Flow, Shell};

/// One argument in the making: what it says, and the same as a pattern in which quoted characters are ordinary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Field {
    text: String,
    pattern: String,
}

impl Field {
    fn push(&mut self, text: &str, quoted: bool) {
        self.text.push_str(text);
        if quoted {
            self.pattern.push_str(&pattern::escape(text));
        } else {
            self.pattern.push_str(text);
        }
    }
}

/// Arguments in the making. A field is open from its first character or quote until a separator.
#[derive(Debug, Default)]
struct Fields {
    closed: Vec<Field>,
    open: Option<Field>,
}

impl Fields {
    fn push(&mut self, text: &str, quoted: bool) {
        self.open.get_or_insert_default().push(text, quoted);
    }

    fn close(&mut self) {
        self.closed.extend(self.open.take());
    }

    /// Adds unquoted text, cut at the characters of `separators` (the variable IFS). Blanks among them only separate; of
    /// the others each ends a field, even an empty one.
    fn push_split(&mut self, text: &str, separators: &str) {
        let mut after_blank = false;
        for c in text.chars() {
            if !separators.contains(c) {
                self.push(c.encode_utf8(&mut [0; 4]), false);
                after_blank = false;
            } else if matches!(c, ' ' | '\t' | '\n') {
                after_blank |= self.open.is_some();
                self.close();
            } else {
                // A blank has closed the field that this separator ends.
                if !after_blank {
                    self.open.get_or_insert_default();
                }
                self.close();
                after_blank = false;
            }
        }
    }
}

/// The value of a parameter: only `$@` and `$*` have several.
enum Value {
    Unset,
    One(String),
    Positional { at: bool, values: Vec<String> },
}

impl Shell {
    /// The arguments that `words` stand for.
    pub(crate) fn expand_words(&mut self, words: &[Word]) -> Result<Vec<String>, Flow> {
        let mut arguments = Vec::new();
        for word in words {
            let mut fields = Fields::default();
            for part in word {
                self.expand_part(part, true, &mut fields)?;
            }
            fields.close();
            for field in fields.closed {
                let names = if pattern::is_pattern(&field.pattern) && !self.options.noglob {
                    pattern::glob(&self.cwd, &field.pattern)
                } else {
                    Vec::new()
                };
                if names.is_empty() {
                    arguments.push(field.text)
                } else {
                    arguments.extend(names)
                }
            }
        }
        Ok(arguments)
    }

    /// The text a word stands for where it is neither split nor matched: in assignments, redirections, here-documents.
    pub(crate) fn expand_text(&mut self, word: &Word) -> Result<String, Flow> {
        Ok(self.expand_single(word)?.text)
    }

    /// The pattern a word stands for, in which what was quoted is ordinary.
    pub(crate) fn expand_pattern(&mut self, word: &Word) -> Result<String, Flow> {
        Ok(self.expand_single(word)?.pattern)
    }

    fn expand_single(&mut self, word: &Word) -> Result<Field, Flow> {
        let mut fields = Fields::default();
        for part in word {
            self.expand_part(part, false, &mut fields)?;
        }
        fields.close();
        // Several only from "$@".
        let mut fields = fields.closed.into_iter();
        let mut single = fields.next().unwrap_or_default();
        for field in fields {
            single.push(" ", true);
            single.text.push_str(&field.text);
            single.pattern.push_str(&field.pattern);
        }
        Ok(single)
    }

    fn expand_part(&mut self, part: &Part, split: bool, fields: &mut Fields) -> Result<(), Flow> {
        let split = split && !part.quoted;
        let value = match &part.kind {
            PartKind::Text(text) => {
                fields.push(text, part.quoted);
                return Ok(());
            }
            PartKind::Parameter {
                name,
                operator: Operator::Conditional { kind, colon, word },
            } => {
                let value = self.parameter(name);
                let unset = match &value {
                    Value::Unset => true,
                    Value::One(value) => *colon && value.is_empty(),
                    Value::Positional { values, .. } => values.is_empty(),
                };
                match (kind, unset) {
                    (Conditional::Alternative, true) => Value::One(String::new()),
                    (Conditional::Alternative, false) | (Conditional::Default, true) => {
                        if part.quoted && word.is_empty() {
                            fields.push("", true);
                        }
                        for inner in word {
                            match &inner.kind {
                                // Unlike text of the command line, this is the result of an expansion.
                                PartKind::Text(text) if split && !inner.quoted => {
                                    fields.push_split(text, self.separators());
                                }
                                _ => self.expand_part(inner, split, fields)?,
                            }
                        }
                        return Ok(());
                    }
                    (Conditional::Assign, true) => {
                        let text = self.expand_text(word)?;
                        self.assign(name, &text)?;
                        Value::One(text)
                    }
                    (Conditional::Require, true) => {
                        let text = self.expand_text(word)?;
                        let text = if text.is_empty() {
                            "parameter not set"
                        } else {
                            &text
                        };
                        return Err(self.fatal(&format!("{name}: {text}")));
                    }
                    (_, false) => value,
                }
            }
            PartKind::Parameter { name, operator } => {
                let value = self.set_parameter(name)?;
                match operator {
                    Operator::Length => Value::One(join(value, " ").chars().count().to_string()),
                    Operator::Strip {
                        end,
                        longest,
                        pattern,
                    } => {
                        let pattern = self.expand_pattern(pattern)?;
                        let value = join(value, " ");
                        Value::One(strip(&value, *end, *longest, &pattern).to_owned())
                    }
                    _ => value,
                }
            }
            PartKind::Substitution(list) => Value::One(self.substitute(list)?),
            PartKind::Arithmetic(word) => {
                let text = self.expand_text(word)?;
                let variable = |name: &str| self.variable(name).unwrap_or_default().to_owned();
                let value = arith::evaluate(&text, &variable);
                Value::One(value.map_err(|message| self.fatal(&message))?.to_string())
            }
        };
        self.place(value, part.quoted, split, fields);
        Ok(())
    }

    /// What unquoted values are split at.
    fn separators(&self) -> &str {
        self.variable("IFS").unwrap_or(" \t\n")
    }

    /// Adds an expanded value to the fields, as its quoting demands.
    fn place(&self, value: Value, quoted: bool, split: bool, fields: &mut Fields) {
        let separators = self.separators();
        match value {
            Value::Positional { at: true, values } if quoted => {
                for (i, value) in values.iter().enumerate() {
                    if i > 0 {
                        fields.close();
                    }
                    fields.push(value, true);
                }
            }
            Value::Positional { values, .. } if split => {
                for (i, value) in values.iter().enumerate() {
                    if i > 0 {
                        fields.close();
                    }
                    fields.push_split(value, separators);
                }
            }
            value if split => fields.push_split(&join(value, " "), separators),
            value => {
                let first = separators
                    .chars()
                    .next()
                    .map(String::from)
                    .unwrap_or_default();
                fields.push(&join(value, &first), quoted);
            }
        }
    }

    /// A parameter's value, where `set -u` makes it an error if there is none.
    fn set_parameter(&mut self, name: &str) -> Result<Value, Flow> {
        match self.parameter(name) {
            Value::Unset if self.options.nounset => {
                Err(self.fatal(&format!("{name}: parameter not set")))
            }
            value => Ok(value),
        }
    }

    fn parameter(&self, name: &str) -> Value {
        match name {
            "@" | "*" => Value::Positional {
                at: name == "@",
                values: self.positional.clone(),
            },
            "#" => Value::One(self.positional.len().to_string()),
            "?" => Value::One(self.status.to_string()),
            "$" => Value::One(std::process::id().to_string()),
            "-" => Value::One(self.options.letters()),
            "0" => Value::One(self.name.clone()),
            _ => {
                let value = match name.parse::<usize>() {
                    Ok(number) => self
                        .positional
                        .get(number.wrapping_sub(1))
                        .map(String::as_str),
                    Err(_) => self.variable(name),
                };
                value.map_or(Value::Unset, |value| Value::One(value.to_owned()))
            }
        }
    }
}

fn join(value: Value, separator: &str) -> String {
    match value {
        Value::Unset => String::new(),
        Value::One(value) => value,
        Value::Positional { values, .. } => values.join(separator),
    }
}

/// What is left of `value` without the shortest or longest start or end that matches.
fn strip<'v>(value: &'v str, end: End, longest: bool, pattern: &str) -> &'v str {
    let mut cuts: Vec<usize> = value
        .char_indices()
        .map(|(at, _)| at)
        .chain([value.len()])
        .collect();
    // The cut that takes least comes first for the shortest match, last for the longest.
    if longest != (end == End::Suffix) {
        cuts.reverse();
    }
    for at in cuts {
        let (head, tail) = value.split_at(at);
        let (taken, left) = match end {
            End::Prefix => (head, tail),
            End::Suffix => (tail, head),
        };
        if pattern::matches(pattern, taken) {
            return left;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(parts: &[(&str, bool)], separators: &str) -> Vec<String> {
        let mut fields = Fields::default();
        for (text, quoted) in parts {
            if *quoted {
                fields.push(text, true)
            } else {
                fields.push_split(text, separators)
            }
        }
        fields.close();
        fields.closed.into_iter().map(|field| field.text).collect()
    }

    #[test]
    fn blanks_separate_and_other_separators_end_a_field() {
        assert_eq!(split(&[("  a \t b\n", false)], " \t\n"), ["a", "b"]);
        assert_eq!(split(&[("a::b:", false)], ":"), ["a", "", "b"]);
        assert_eq!(split(&[(":a", false)], ":"), ["", "a"]);
        assert_eq!(split(&[("a : b :c", false)], " :"), ["a", "b", "c"]);
        assert_eq!(split(&[("", false)], " "), [""; 0]);
    }

    #[test]
    fn quoted_text_joins_what_is_beside_it() {
        assert_eq!(
            split(&[("x ", true), ("a b", false), ("", true)], " "),
            ["x a", "b"]
        );
        assert_eq!(split(&[("a ", false), ("", true)], " "), ["a", ""]);
    }

    #[test]
    fn quoted_characters_are_no_pattern() {
        let mut field = Field::default();
        field.push("*", true);
        field.push("*", false);
        assert_eq!(
            field,
            Field {
                text: "**".to_owned(),
                pattern: "\\**".to_owned()
            }
        );
    }

    #[test]
    fn strips_the_shortest_or_the_longest() {
        assert_eq!(strip("a/b/c", End::Prefix, false, "*/"), "b/c");
        assert_eq!(strip("a/b/c", End::Prefix, true, "*/"), "c");
        assert_eq!(strip("a.b.c", End::Suffix, false, ".*"), "a.b");
        assert_eq!(strip("a.b.c", End::Suffix, true, ".*"), "a");
        assert_eq!(strip("äö", End::Prefix, false, "?"), "ö");
        assert_eq!(strip("abc", End::Suffix, true, "x"), "abc");
    }
}
