//! The path of a value: `spec.containers[name=web].image`, `data."app.env"`, `images[0]`.
//!
//! Names are separated by dots; those with other characters than letters, digits, `_`, `-`, `/` and `$` stand in double quotes, with
//! `\"` and `\\` inside. Of a list one item is chosen by its number, from 0, or by a value that it has.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The path of a value in a YAML document.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct YamlPath(Vec<Step>);

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Step {
    /// The value of this key.
    Key(String),
    /// The item with this number, from 0.
    Item(usize),
    /// The item that is a mapping with this value under this key.
    ItemWith(String, String),
}

/// Why a text is not a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a path at character {character}: expected {expected}")]
pub struct InvalidYamlPath {
    text: String,
    /// From 1.
    character: usize,
    expected: &'static str,
}

impl YamlPath {
    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl FromStr for YamlPath {
    type Err = InvalidYamlPath;

    fn from_str(text: &str) -> Result<Self, InvalidYamlPath> {
        let mut reader = Reader {
            rest: text.chars().collect(),
            at: 0,
        };
        reader.path().map(Self).map_err(|expected| InvalidYamlPath {
            text: text.chars().take(200).collect(),
            character: reader.at + 1,
            expected,
        })
    }
}

struct Reader {
    rest: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn take(&mut self, character: char) -> bool {
        let is_next = self.peek() == Some(character);
        self.at += usize::from(is_next);
        is_next
    }

    fn path(&mut self) -> Result<Vec<Step>, &'static str> {
        let mut steps = Vec::new();
        while self.peek().is_some() {
            if self.take('[') {
                steps.push(self.item()?);
                continue;
            }
            if !steps.is_empty() && !self.take('.') {
                return Err("`.` or `[`");
            }
            steps.push(Step::Key(self.name("a name")?));
        }
        match steps.is_empty() {
            true => Err("a name"),
            false => Ok(steps),
        }
    }

    fn item(&mut self) -> Result<Step, &'static str> {
        let quoted = self.peek() == Some('"');
        let name = self.name("a number, or `KEY=VALUE`")?;
        let step = if self.take('=') {
            Step::ItemWith(name, self.name("a value")?)
        } else {
            let number = name.parse().ok().filter(|_| !quoted);
            Step::Item(number.ok_or("`=`")?)
        };
        match self.take(']') {
            true => Ok(step),
            false => Err("`]`"),
        }
    }

    fn name(&mut self, expected: &'static str) -> Result<String, &'static str> {
        let mut name = String::new();
        if self.take('"') {
            loop {
                let next = self.peek().ok_or("`\"`")?;
                self.at += 1;
                match next {
                    '"' => return Ok(name),
                    '\\' => {
                        let escaped = self.peek().filter(|it| matches!(it, '"' | '\\'));
                        name.push(escaped.ok_or("`\"` or `\\`")?);
                        self.at += 1;
                    }
                    other => name.push(other),
                }
            }
        }
        while let Some(next) = self.peek().filter(|it| is_bare(*it)) {
            name.push(next);
            self.at += 1;
        }
        match name.is_empty() {
            true => Err(expected),
            false => Ok(name),
        }
    }
}

fn is_bare(character: char) -> bool {
    character.is_alphanumeric() || "_-/$".contains(character)
}

/// A name, quoted where the path needs it.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() && self.0.chars().all(is_bare) {
            return f.write_str(self.0);
        }
        let escaped = self.0.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "\"{escaped}\"")
    }
}

impl fmt::Display for YamlPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => write!(f, "{}", Shown(key)),
                Step::Key(key) => write!(f, ".{}", Shown(key)),
                Step::Item(number) => write!(f, "[{number}]"),
                Step::ItemWith(key, value) => write!(f, "[{}={}]", Shown(key), Shown(value)),
            }?;
        }
        Ok(())
    }
}

impl TryFrom<String> for YamlPath {
    type Error = InvalidYamlPath;

    fn try_from(text: String) -> Result<Self, InvalidYamlPath> {
        text.parse()
    }
}

impl From<YamlPath> for String {
    fn from(path: YamlPath) -> Self {
        path.to_string()
    }
}

impl FromIterator<Step> for YamlPath {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}
