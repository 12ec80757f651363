//! What the parser makes of a script: lists of pipelines of commands, and words whose parts are still to be expanded.
//!
//! The shapes follow the shell grammar of POSIX (Shell Command Language, 2.10) as far as this shell supports it.

use std::sync::{Arc, OnceLock};

/// Commands in sequence.
pub(crate) type List = Vec<AndOr>;

/// `first && next || next …`, evaluated from left to right.
#[derive(Debug)]
pub(crate) struct AndOr {
    pub(crate) first: Pipeline,
    pub(crate) rest: Vec<(Connector, Pipeline)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connector {
    And,
    Or,
}

/// `! stage | stage …`
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) negated: bool,
    pub(crate) stages: Vec<Command>,
}

#[derive(Debug)]
pub(crate) enum Command {
    Simple(Simple),
    Compound(Compound, Vec<Redirect>),
    /// `name() body`
    Function {
        name: String,
        body: Arc<Command>,
    },
}

/// `NAME=value … word … redirection …`
#[derive(Debug, Default)]
pub(crate) struct Simple {
    pub(crate) line: u32,
    pub(crate) assignments: Vec<(String, Word)>,
    pub(crate) words: Vec<Word>,
    pub(crate) redirects: Vec<Redirect>,
}

#[derive(Debug)]
pub(crate) enum Compound {
    Group(List),
    Subshell(List),
    /// Conditions with what they guard, and the `else` part.
    If {
        branches: Vec<(List, List)>,
        otherwise: List,
    },
    /// Without words the loop runs over the positional parameters.
    For {
        name: String,
        words: Option<Vec<Word>>,
        body: List,
    },
    /// `while`, or `until` where the condition must fail.
    While {
        until: bool,
        condition: List,
        body: List,
    },
    Case {
        subject: Word,
        arms: Vec<(Vec<Word>, List)>,
    },
}

#[derive(Debug)]
pub(crate) struct Redirect {
    /// The descriptor that is redirected: 0, 1 or 2.
    pub(crate) fd: u8,
    pub(crate) target: Target,
}

#[derive(Debug)]
pub(crate) enum Target {
    Read(Word),
    Write(Word),
    Append(Word),
    /// `2>&1`
    Duplicate(u8),
    /// `<<END`; the text follows the command's line, so it is filled in when that line ends.
    Here(Arc<OnceLock<Word>>),
}

/// A word before expansion; its parts are joined without a gap.
pub(crate) type Word = Vec<Part>;

#[derive(Debug)]
pub(crate) struct Part {
    /// Quoted parts are neither split into fields nor matched against file names.
    pub(crate) quoted: bool,
    pub(crate) kind: PartKind,
}

#[derive(Debug)]
pub(crate) enum PartKind {
    Text(String),
    Parameter { name: String, operator: Operator },
    Substitution(List),
    Arithmetic(Word),
}

/// What `${name…}` does with the parameter's value.
#[derive(Debug)]
pub(crate) enum Operator {
    /// `${name}`
    Value,
    /// `${#name}`
    Length,
    /// `:-` `:=` `:?` `:+`; without the colon an empty value counts as set.
    Conditional {
        kind: Conditional,
        colon: bool,
        word: Word,
    },
    /// `#` `##` `%` `%%`
    Strip {
        end: End,
        longest: bool,
        pattern: Word,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conditional {
    Default,
    Assign,
    Require,
    Alternative,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Prefix,
    Suffix,
}
