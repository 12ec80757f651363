//! The patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/replacement}`: `*`, `?` and escapes of them.
//!
//! A wildcard does not match a newline, as in the reference, which turns patterns into regular expressions.

use crate::expand::{Budget, Fault};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Literal(char),
    One,
    Any,
}

#[derive(Debug)]
pub(crate) struct Pattern {
    tokens: Vec<Token>,
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let mut tokens = Vec::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            tokens.push(match c {
                '*' => Token::Any,
                '?' => Token::One,
                // Of `\}` and `\/` the escape has done its work already.
                '\\' if matches!(chars.peek(), Some('}' | '/')) => continue,
                '\\' => match chars.next() {
                    Some(escaped @ ('*' | '?' | '\\')) => Token::Literal(escaped),
                    _ => {
                        return Err(Fault::new(format!(
                            "in the pattern {text:?} only *, ?, \\, / and }} can be escaped"
                        )));
                    }
                },
                c => Token::Literal(c),
            });
        }
        // Several stars in a row say no more than one.
        tokens.dedup_by(|a, b| *a == Token::Any && *b == Token::Any);
        Ok(Self { tokens })
    }

    /// The value without the shortest (or longest) beginning that matches.
    pub(crate) fn without_prefix(
        &self,
        value: &str,
        longest: bool,
        budget: &Budget,
    ) -> Result<String, Fault> {
        let chars: Vec<char> = value.chars().collect();
        let end = match_end(&self.tokens, &chars, longest, budget)?.unwrap_or(0);
        Ok(chars[end..].iter().collect())
    }

    /// The value without the shortest (or longest) end that matches.
    pub(crate) fn without_suffix(
        &self,
        value: &str,
        longest: bool,
        budget: &Budget,
    ) -> Result<String, Fault> {
        let chars: Vec<char> = value.chars().rev().collect();
        let tokens: Vec<Token> = self.tokens.iter().rev().copied().collect();
        let end = match_end(&tokens, &chars, longest, budget)?.unwrap_or(0);
        Ok(chars[end..].iter().rev().collect())
    }

    /// The value with the first match (or all) replaced.
    pub(crate) fn replace(
        &self,
        value: &str,
        replacement: &str,
        all: bool,
        budget: &Budget,
    ) -> Result<String, Fault> {
        let chars: Vec<char> = value.chars().collect();
        let (mut at, mut matched_to) = (0, None);
        let mut text = String::new();
        while at <= chars.len() {
            let end = match_end(&self.tokens, &chars[at..], true, budget)?;
            // An empty match right behind another match is none.
            if let Some(length) = end.filter(|length| *length > 0 || matched_to != Some(at)) {
                text.push_str(replacement);
                at += length;
                matched_to = Some(at);
                budget.spend(replacement.len())?;
                if !all {
                    break;
                }
                if length > 0 {
                    continue;
                }
            }
            text.extend(chars.get(at));
            at += 1;
        }
        text.extend(chars.get(at..).unwrap_or_default());
        Ok(text)
    }
}

/// Where the shortest or longest match that begins at the first character ends.
fn match_end(
    tokens: &[Token],
    chars: &[char],
    longest: bool,
    budget: &Budget,
) -> Result<Option<usize>, Fault> {
    // `alive[i]`: the tokens before `i` match what has been read. All ways are followed at once, so nothing is read twice.
    let mut alive = vec![false; tokens.len() + 1];
    let mut next = alive.clone();
    alive[0] = true;
    let mut end = None;
    for at in 0..=chars.len() {
        budget.spend(tokens.len() + 1)?;
        for i in 0..tokens.len() {
            alive[i + 1] |= alive[i] && tokens[i] == Token::Any;
        }
        if alive[tokens.len()] {
            end = Some(at);
        }
        let Some(&c) = chars.get(at).filter(|_| longest || end.is_none()) else {
            break;
        };
        next.fill(false);
        for (i, token) in tokens.iter().enumerate().filter(|(i, _)| alive[*i]) {
            match token {
                Token::Literal(literal) => next[i + 1] |= *literal == c,
                Token::One => next[i + 1] |= c != '\n',
                Token::Any => next[i] |= c != '\n',
            }
        }
        std::mem::swap(&mut alive, &mut next);
        if !alive.contains(&true) {
            break;
        }
    }
    Ok(end)
}
