//! Docker's ignore patterns: those of `.dockerignore`, of `--exclude` and of `--parents`.
//!
//! `*`, `?` and classes stay within a path component, `**` crosses them. A pattern that matches a directory matches what is below it. Of
//! several patterns that match, the last decides; one that begins with `!` takes back. Which file holds the patterns, and walking
//! the directories, is the caller's: [`Dir`] tells a walker what to leave out and where it need not look.

use crate::class;

/// A list of patterns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// It begins with `!`.
    takes_back: bool,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// One or, for a star, any number of characters of a component.
    Within(class::Token),
    /// `**/`: nothing, or what [`Token::Directories`] takes.
    Optional,
    /// Anything up to a slash and the slash.
    Directories,
    /// `**` at the end: anything.
    Everything,
}

/// A pattern that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct PatternError {
    /// Line of the file, or position in the list, counted from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

impl Patterns {
    /// Reads a `.dockerignore`: a pattern on each line; empty lines and those that begin with `#` are left out. Slashes at the
    /// beginning and the end of a pattern do not count.
    ///
    /// # Errors
    /// The first pattern that cannot be read.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Self::collect(lines(text))
    }

    /// Reads a list of patterns, as `--exclude` gives them.
    ///
    /// # Errors
    /// The first pattern that cannot be read.
    pub fn from_list<T: AsRef<str>>(patterns: &[T]) -> Result<Self, PatternError> {
        Self::collect(
            patterns
                .iter()
                .map(|pattern| pattern.as_ref().to_owned())
                .zip(1..),
        )
    }

    fn collect(patterns: impl Iterator<Item = (String, u32)>) -> Result<Self, PatternError> {
        let read = |(text, line): (String, u32)| {
            let text = text.trim();
            if text.is_empty() {
                return None;
            }
            Some(
                Pattern::parse(&clean(text)).map_err(|message| PatternError {
                    line,
                    message: format!("{message} in the pattern {text:?}"),
                }),
            )
        };
        Ok(Self {
            patterns: patterns.filter_map(read).collect::<Result<_, _>>()?,
        })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether some begin with `!`.
    pub fn take_back(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.takes_back)
    }

    /// The top directory, where a walk begins.
    pub fn root(&self) -> Dir<'_> {
        let states = self.patterns.iter().map(Pattern::start).collect();
        Dir {
            patterns: self,
            matched: vec![false; self.patterns.len()],
            states,
        }
    }

    /// Whether a path (relative to the top, with `/`) is matched: itself or a directory it is in.
    pub fn matches(&self, path: &str) -> bool {
        let (mut dir, mut matched) = (self.root(), false);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            (matched, dir) = dir.enter(name);
        }
        matched
    }

    /// Whether something below a directory may be taken back, so that a walker has to look into it although it is matched.
    pub fn could_match_below(&self, dir: &str) -> bool {
        let names = dir.split('/').filter(|name| !name.is_empty());
        names
            .fold(self.root(), |dir, name| dir.enter(name).1)
            .may_take_back()
    }
}

/// The patterns of a `.dockerignore` as the list that [`Patterns::from_list`] takes: what is particular to the file's form is
/// taken care of.
pub fn list(text: &str) -> Vec<String> {
    let patterns = lines(text).map(|(pattern, _)| pattern);
    patterns.filter(|pattern| !pattern.is_empty()).collect()
}

/// The lines of a `.dockerignore` that may be patterns, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (String, u32)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| !line.starts_with('#'));
    lines.map(|(line, number)| {
        let line = line.trim();
        let (mark, pattern) = line
            .strip_prefix('!')
            .map_or(("", line), |rest| ("!", rest.trim()));
        let pattern = clean(pattern);
        let pattern = pattern
            .strip_prefix('/')
            .filter(|rest| !rest.is_empty())
            .unwrap_or(&pattern);
        (format!("{mark}{pattern}"), number)
    })
}

/// A directory on a walk: what of each pattern its path has matched.
#[derive(Debug, Clone)]
pub struct Dir<'a> {
    patterns: &'a Patterns,
    /// Patterns that matched the directory or one it is in.
    matched: Vec<bool>,
    /// Where in each pattern the path up to and with the directory's slash may have led.
    states: Vec<State>,
}

/// The positions in a pattern that are possible; none where the pattern cannot match any more.
type State = Vec<bool>;

impl<'a> Dir<'a> {
    /// Whether an entry is matched, and the directory it is, should it be one.
    pub fn enter(&self, name: &str) -> (bool, Dir<'a>) {
        let mut excluded = false;
        let mut below = Dir {
            patterns: self.patterns,
            matched: Vec::with_capacity(self.matched.len()),
            states: Vec::with_capacity(self.states.len()),
        };
        for ((pattern, before), state) in self
            .patterns
            .patterns
            .iter()
            .zip(&self.matched)
            .zip(&self.states)
        {
            let state = pattern.advance(state.clone(), name);
            // A pattern that could not change the outcome is not looked at, and so counts for nothing below either. That is
            // how the reference walks, and it shows: of `a/b` and `!a` the second does not bring `a/b` back.
            let looked_at = pattern.takes_back == excluded;
            let matched = *before || looked_at && state.last() == Some(&true);
            if matched {
                excluded = !pattern.takes_back;
            }
            below.matched.push(matched);
            below.states.push(pattern.advance(state, "/"));
        }
        (excluded, below)
    }

    /// Whether something in the directory, at whatever depth, may be taken back by a pattern that begins with `!`.
    pub fn may_take_back(&self) -> bool {
        let patterns = self
            .patterns
            .patterns
            .iter()
            .zip(&self.matched)
            .zip(&self.states);
        patterns.into_iter().any(|((pattern, matched), state)| {
            pattern.takes_back && (*matched || !state.is_empty())
        })
    }
}

impl Pattern {
    /// Reads a clean pattern.
    fn parse(text: &str) -> Result<Self, String> {
        let (takes_back, text) = text
            .strip_prefix('!')
            .map_or((false, text), |rest| (true, rest));
        if text.is_empty() {
            return Err("nothing follows the !".to_owned());
        }
        let mut tokens = Vec::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            let token = match c {
                '*' if rest.as_str().starts_with('*') => {
                    rest.next();
                    let slash = rest.as_str().starts_with('/');
                    if slash {
                        rest.next();
                    }
                    let ends = rest.as_str().is_empty();
                    // `**name` without a slash is the one form in which the stars end within a component.
                    let suffix = tokens.is_empty()
                        && !slash
                        && !rest.as_str().contains(['*', '?', '[', ']', '\\']);
                    if ends || suffix {
                        tokens.push(Token::Everything);
                    } else {
                        tokens.extend([Token::Optional, Token::Directories]);
                    }
                    continue;
                }
                '*' => class::Token::Any,
                '?' => class::Token::One,
                '[' => class::class(&mut rest)?,
                '\\' => class::Token::Literal(rest.next().ok_or("nothing follows the last \\")?),
                c => class::Token::Literal(c),
            };
            tokens.push(Token::Within(token));
        }
        Ok(Self { takes_back, tokens })
    }

    fn start(&self) -> State {
        let mut state = vec![false; self.tokens.len() + 1];
        state[0] = true;
        self.skip(&mut state);
        state
    }

    /// Adds the positions that need no character.
    fn skip(&self, state: &mut [bool]) {
        for (at, token) in self.tokens.iter().enumerate() {
            if state[at] {
                match token {
                    Token::Optional => (state[at + 1], state[at + 2]) = (true, true),
                    Token::Within(class::Token::Any) | Token::Everything => state[at + 1] = true,
                    Token::Within(_) | Token::Directories => {}
                }
            }
        }
    }

    /// The positions after some more characters.
    fn advance(&self, mut state: State, text: &str) -> State {
        if state.is_empty() {
            return state;
        }
        let mut next = vec![false; state.len()];
        for c in text.chars() {
            self.step(&state, c, &mut next);
            std::mem::swap(&mut state, &mut next);
            if !state.contains(&true) {
                return State::new();
            }
        }
        state
    }

    fn step(&self, state: &[bool], c: char, next: &mut [bool]) {
        next.fill(false);
        for (at, token) in self.tokens.iter().enumerate().filter(|(at, _)| state[*at]) {
            match token {
                Token::Within(class::Token::Any) => next[at] |= c != '/',
                Token::Within(class::Token::One) => next[at + 1] |= c != '/',
                Token::Within(one) => next[at + 1] |= one.accepts(c),
                Token::Optional => {}
                Token::Directories => {
                    next[at] = true;
                    next[at + 1] |= c == '/';
                }
                Token::Everything => next[at] = true,
            }
        }
        self.skip(next);
    }
}

/// A path without `.`, doubled slashes, a slash at its end, and `..` as far as there is something to go up from.
fn clean(path: &str) -> String {
    if path.is_empty() {
        return String::new();
    }
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (false, true) => ".".to_owned(),
        (true, _) => format!("/{}", parts.join("/")),
        (false, false) => parts.join("/"),
    }
}
