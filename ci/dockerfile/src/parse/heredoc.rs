//! Finding heredocs: shell words of the form `<<name`, as the shell would see them, so that `$((1<<3))` and `"<<x"` are none.

use std::ops::Range;

use crate::ast::Heredoc;
use crate::expand::{Budget, Lexer, NoVariables};
use crate::span::Span;

/// The heredocs that a line opens, with the places of their words. What cannot be read as shell words opens none.
pub(super) fn find(text: &str) -> Vec<(Range<usize>, Heredoc)> {
    let lexer = Lexer {
        raw_quotes: true,
        raw_escapes: true,
        keep_unset: true,
        ..Lexer::new('\\')
    };
    let words = lexer
        .expand(text, &NoVariables, &Budget::new(usize::MAX))
        .map(|expansion| expansion.words)
        .unwrap_or_default();
    let found = words
        .iter()
        .filter_map(|word| Some((word.start..word.start + word.text.len(), parse(&word.text)?)));
    found
        .filter(|(range, _)| text.get(range.clone()).is_some())
        .collect()
}

/// Reads a word of the form `N<<-name`, where `N` and `-` may be missing and the name may be quoted.
pub(super) fn parse(word: &str) -> Option<Heredoc> {
    let (descriptor, rest) = word.split_once("<<")?;
    if !descriptor.bytes().all(|byte| byte.is_ascii_digit()) || rest.contains('<') {
        return None;
    }
    let (chomp, rest) = rest
        .strip_prefix('-')
        .map_or((false, rest), |rest| (true, rest));
    let read = |raw: bool| {
        let lexer = Lexer {
            raw_quotes: raw,
            raw_escapes: raw,
            keep_unset: true,
            ..Lexer::new('\\')
        };
        let mut words = lexer
            .expand(rest, &NoVariables, &Budget::new(usize::MAX))
            .ok()?
            .words;
        if words.len() == 1 { words.pop() } else { None }
    };
    let (name, written) = (read(false)?.text, read(true)?.text);
    let expand = name == written;
    Some(Heredoc {
        name,
        descriptor: descriptor.parse().unwrap_or(0),
        expand,
        chomp,
        contents: String::new(),
        span: Span::default(),
    })
}
