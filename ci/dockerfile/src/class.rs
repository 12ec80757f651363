//! What both pattern languages for paths are made of: literals, `?`, `*` and classes within one component.

/// One element of a pattern within a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// This character.
    Literal(char),
    /// Any character.
    One,
    /// Any characters.
    Any,
    /// A character in (or, if negated, not in) one of the ranges.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Token {
    pub(crate) fn accepts(&self, c: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == c,
            Self::One | Self::Any => true,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated
            }
        }
    }
}

/// Cuts a pattern at its slashes; those in classes and behind `\` do not separate.
pub(crate) fn split(pattern: &str) -> Vec<&str> {
    let (mut parts, mut start, mut in_class) = (Vec::new(), 0, false);
    let mut chars = pattern.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '[' => in_class = true,
            ']' => in_class = false,
            '/' if !in_class => {
                parts.push(&pattern[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&pattern[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

/// Reads a component.
pub(crate) fn component(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        tokens.push(match c {
            '*' => Token::Any,
            '?' => Token::One,
            '[' => class(&mut rest)?,
            '\\' => Token::Literal(rest.next().ok_or("nothing follows the last \\")?),
            c => Token::Literal(c),
        });
    }
    tokens.dedup_by(|a, b| *a == Token::Any && *b == Token::Any);
    Ok(tokens)
}

/// Reads a class, after its opening bracket.
pub(crate) fn class(rest: &mut std::str::Chars<'_>) -> Result<Token, String> {
    const OPEN: &str = "a [ is not closed";
    let negated = rest.as_str().starts_with('^');
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        if rest.as_str().starts_with(']') && !ranges.is_empty() {
            rest.next();
            return Ok(Token::Class { negated, ranges });
        }
        let from = member(rest)?;
        let to = if rest.as_str().starts_with('-') {
            rest.next();
            member(rest)?
        } else {
            from
        };
        if rest.as_str().is_empty() {
            return Err(OPEN.to_owned());
        }
        ranges.push((from, to));
    }
}

fn member(rest: &mut std::str::Chars<'_>) -> Result<char, String> {
    match rest.next() {
        Some('-' | ']') => {
            Err("a class in [] has - or ] where a character must be; write \\- or \\]".to_owned())
        }
        Some('\\') => rest
            .next()
            .ok_or_else(|| "nothing follows the last \\".to_owned()),
        Some(c) => Ok(c),
        None => Err("a [ is not closed".to_owned()),
    }
}

/// The name a component stands for, if it is no pattern.
pub(crate) fn literal(tokens: &[Token]) -> Option<String> {
    let char_of = |token: &Token| match token {
        Token::Literal(c) => Some(*c),
        _ => None,
    };
    tokens.iter().map(char_of).collect()
}

/// Whether a name matches a component. The time is the product of the lengths at most: a star remembers where it could go on.
pub(crate) fn matches(tokens: &[Token], name: &str) -> bool {
    let chars: Vec<char> = name.chars().collect();
    let (mut at, mut token) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < chars.len() {
        match tokens.get(token) {
            Some(Token::Any) => {
                star = Some((token, at));
                token += 1;
            }
            Some(one) if one.accepts(chars[at]) => {
                at += 1;
                token += 1;
            }
            _ => match &mut star {
                Some((behind, from)) => {
                    *from += 1;
                    at = *from;
                    token = *behind + 1;
                }
                None => return false,
            },
        }
    }
    tokens[token..].iter().all(|token| *token == Token::Any)
}
