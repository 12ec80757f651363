//! Ways to cut the arguments of an instruction: at white space, into shell words, as a JSON array.

use std::ops::Range;

/// The pieces between white space, quotes or not. White space is what the reference takes for it here: ASCII only.
pub(super) fn at_whitespace(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices() {
        let space = matches!(c, '\t' | '\x0b' | '\x0c' | '\r' | ' ');
        match start {
            Some(from) if space => {
                words.push(from..at);
                start = None;
            }
            None if !space => start = Some(at),
            _ => {}
        }
    }
    words.extend(start.map(|from| from..text.len()));
    words
}

/// Shell words, quotes and escapes still there. A range that ends in an escape character alone leaves it out of the word.
pub(super) fn shell_words(text: &str, escape: char) -> Vec<(Range<usize>, String)> {
    let mut words = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some(&(start, first)) = chars.peek() {
        if first.is_whitespace() {
            chars.next();
            continue;
        }
        let (mut word, mut quote, mut quoted) = (String::new(), None, false);
        while let Some(&(_, c)) = chars
            .peek()
            .filter(|(_, c)| quote.is_some() || !c.is_whitespace())
        {
            chars.next();
            if c == escape && quote != Some('\'') {
                let Some((_, escaped)) = chars.next() else {
                    continue;
                };
                word.push(c);
                word.push(escaped);
                continue;
            }
            match quote {
                Some(open) if open == c => quote = None,
                None if matches!(c, '\'' | '"') => {
                    quote = Some(c);
                    quoted = true;
                }
                _ => {}
            }
            word.push(c);
        }
        let end = chars.peek().map_or(text.len(), |(at, _)| *at);
        if quoted || !word.is_empty() {
            words.push((start..end, word));
        }
    }
    words
}

/// What an argument is that may be a JSON array.
pub(super) enum Json {
    /// An array of strings.
    Strings(Vec<String>),
    /// An array, but not of strings only.
    Mixed,
    /// No array. The reference takes it as shell text, broken JSON too.
    No,
}

pub(super) fn json(text: &str) -> Json {
    if !text.trim_start().starts_with('[') {
        return Json::No;
    }
    match serde_json::from_str::<Vec<serde_json::Value>>(text) {
        Err(_) => Json::No,
        Ok(values) => {
            let strings = values.into_iter().map(|value| match value {
                serde_json::Value::String(text) => Some(text),
                _ => None,
            });
            strings
                .collect::<Option<_>>()
                .map_or(Json::Mixed, Json::Strings)
        }
    }
}
