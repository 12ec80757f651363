//! The flags of instructions, `--name=value`, and which instruction has which.

use std::ops::Range;

/// What a flag takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing, `true` or `false`; once.
    Bool,
    /// A value; once.
    Text,
    /// A value; any number of times.
    List,
}

/// The flags of an instruction.
pub(super) fn of(keyword: &str) -> &'static [(&'static str, Kind)] {
    use Kind::{Bool, List, Text};
    match keyword {
        "from" => &[("platform", Text)],
        "run" => &[
            ("mount", List),
            ("network", Text),
            ("security", Text),
            ("device", List),
        ],
        "copy" => &[
            ("from", Text),
            ("chown", Text),
            ("chmod", Text),
            ("link", Bool),
            ("parents", Bool),
            ("exclude", List),
        ],
        "add" => &[
            ("chown", Text),
            ("chmod", Text),
            ("link", Bool),
            ("keep-git-dir", Bool),
            ("checksum", Text),
            ("unpack", Bool),
            ("exclude", List),
        ],
        "healthcheck" => &[
            ("interval", Text),
            ("timeout", Text),
            ("start-period", Text),
            ("start-interval", Text),
            ("retries", Text),
        ],
        _ => &[],
    }
}

/// Takes flags from the beginning of a text: the words that begin with `--`, without quotes and escapes, and where the rest begins.
pub(super) fn take(text: &str) -> (Vec<(Range<usize>, String)>, usize) {
    let mut flags = Vec::new();
    let mut at = 0;
    loop {
        at = text.len() - text[at..].trim_start().len();
        if !text[at..].starts_with("--") {
            return (flags, at);
        }
        let (mut word, mut quote, start) = (String::new(), None, at);
        let mut chars = text[at..].chars();
        while let Some(c) = chars
            .clone()
            .next()
            .filter(|c| quote.is_some() || !c.is_whitespace())
        {
            chars.next();
            match (c, quote) {
                ('\\', _) => word.extend(chars.next()),
                ('\'' | '"', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                (c, _) => word.push(c),
            }
        }
        at = text.len() - chars.as_str().len();
        if word == "--" {
            return (flags, at);
        }
        flags.push((start..at, word));
    }
}
