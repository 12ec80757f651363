//! `grep` with basic regular expressions as far as build scripts use them: `^ $ . * […]` and a backslash before an ordinary
//! character. Groups, intervals and alternatives are refused, not misread.

use std::io::Write;

use super::{Call, Ended, Failure, lines};
use crate::pattern::bracket;

/// `grep [-cFilnqvx] [-e] PATTERN [FILE…]`: status 0 if a line was selected, 1 if none, 2 for an error.
pub(super) fn grep(call: &Call<'_>) -> Ended {
    let arguments = call.arguments("cFilnqvxe:")?;
    let (pattern, files) = match (arguments.value('e'), arguments.operands) {
        (Some(pattern), files) => (pattern, files),
        (None, [pattern, files @ ..]) => (pattern.as_str(), files),
        (None, []) => return Err(Failure::Usage("needs a pattern".to_owned())),
    };
    let fold = |text: &str| {
        if arguments.has('i') {
            text.to_lowercase()
        } else {
            text.to_owned()
        }
    };
    let mut regex = if arguments.has('F') {
        Regex::literal(&fold(pattern))
    } else {
        Regex::parse(&fold(pattern))?
    };
    if arguments.has('x') {
        regex.start = true;
        regex.end = true;
    }
    let stdin = ["-".to_owned()];
    let names = if files.is_empty() { &stdin } else { files };
    let mut out = call.output();
    let mut selected_any = false;
    let mut failed = false;
    for name in names {
        let text = match call.contents(name) {
            Ok(text) => text,
            Err(Failure::Other(message)) => {
                call.complain(&message);
                failed = true;
                continue;
            }
            Err(other) => return Err(other),
        };
        let prefix = if names.len() > 1 {
            format!("{name}:")
        } else {
            String::new()
        };
        let mut count = 0;
        for (number, line) in lines(&text).enumerate() {
            if regex.is_match(&fold(&String::from_utf8_lossy(line))) == arguments.has('v') {
                continue;
            }
            selected_any = true;
            count += 1;
            if arguments.has('q') {
                return Ok(0);
            }
            if !arguments.has('c') && !arguments.has('l') {
                write!(out, "{prefix}")?;
                if arguments.has('n') {
                    write!(out, "{}:", number + 1)?;
                }
                out.write_all(line)?;
                out.write_all(b"\n")?;
            }
        }
        if arguments.has('l') {
            if count > 0 {
                writeln!(out, "{name}")?;
            }
        } else if arguments.has('c') {
            writeln!(out, "{prefix}{count}")?;
        }
    }
    out.flush()?;
    Ok(if failed { 2 } else { u8::from(!selected_any) })
}

/// What one character is held against.
#[derive(Debug)]
enum Item {
    Any,
    Exactly(char),
    /// The inside of `[…]` with the closing bracket.
    Bracket(Vec<char>),
}

impl Item {
    fn is_match(&self, c: char) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(expected) => *expected == c,
            Self::Bracket(inside) => bracket(inside, c).is_some_and(|(found, _)| found),
        }
    }
}

#[derive(Debug)]
struct Regex {
    start: bool,
    end: bool,
    /// Each with whether it may be repeated or left out (`*`).
    items: Vec<(Item, bool)>,
}

impl Regex {
    fn literal(text: &str) -> Self {
        Self {
            start: false,
            end: false,
            items: text.chars().map(|c| (Item::Exactly(c), false)).collect(),
        }
    }

    fn parse(pattern: &str) -> Result<Self, Failure> {
        let refuse = |what: &str| Failure::Usage(format!("`{pattern}`: {what}"));
        let chars: Vec<char> = pattern.chars().collect();
        let mut regex = Self {
            start: chars.first() == Some(&'^'),
            end: false,
            items: Vec::new(),
        };
        let mut at = usize::from(regex.start);
        while let Some(c) = chars.get(at) {
            at += 1;
            let item = match c {
                '.' => Item::Any,
                '$' if at == chars.len() => {
                    regex.end = true;
                    break;
                }
                '\\' => {
                    let escaped = chars.get(at).ok_or_else(|| refuse("ends in a backslash"))?;
                    at += 1;
                    if escaped.is_alphanumeric()
                        || matches!(escaped, '(' | ')' | '{' | '}' | '|' | '+' | '?' | '<' | '>')
                    {
                        return Err(refuse(&format!("`\\{escaped}` is not supported")));
                    }
                    Item::Exactly(*escaped)
                }
                '[' => {
                    let (_, length) =
                        bracket(&chars[at..], ' ').ok_or_else(|| refuse("`[` is not closed"))?;
                    let inside = chars[at..at + length].to_vec();
                    if inside.contains(&'[') && inside.contains(&':') {
                        return Err(refuse("character classes are not supported"));
                    }
                    at += length;
                    Item::Bracket(inside)
                }
                c => Item::Exactly(*c),
            };
            // A star at the start is an ordinary character.
            let repeated = chars.get(at) == Some(&'*');
            at += usize::from(repeated);
            regex.items.push((item, repeated));
        }
        Ok(regex)
    }

    /// Follows all ways to match at once, so that no pattern takes more than time in proportion to both lengths.
    fn is_match(&self, line: &str) -> bool {
        let goal = self.items.len();
        let mut states = vec![false; goal + 1];
        self.enter(&mut states, 0);
        for c in line.chars() {
            if states[goal] && !self.end {
                return true;
            }
            let mut next = vec![false; goal + 1];
            for (i, (item, repeated)) in self.items.iter().enumerate() {
                if states[i] && item.is_match(c) {
                    self.enter(&mut next, if *repeated { i } else { i + 1 });
                }
            }
            if !self.start {
                self.enter(&mut next, 0);
            }
            states = next;
        }
        states[goal]
    }

    /// Marks an item as the next to match, and those behind it that may be left out.
    fn enter(&self, states: &mut [bool], mut at: usize) {
        states[at] = true;
        while self.items.get(at).is_some_and(|(_, repeated)| *repeated) {
            at += 1;
            states[at] = true;
        }
    }
}
