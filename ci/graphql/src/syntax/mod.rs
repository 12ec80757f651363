//! The text of a query: tokens, strings, the document and its parser (June 2018 §2).
//!
//! Selections nest as deep as the text is long, without recursion; values nest at most [`MAX_VALUE_DEPTH`] levels, so that
//! whatever walks them later may recurse. Memory is proportional to the text.

mod document;
mod lexer;
mod parser;
mod strings;

pub(crate) use document::{
    Argument, Condition, Document, FieldNode, Fragment, Literal, Operation, OperationKind,
    Selection, SelectionId, SelectionKind, SelectionSet, VariableDef, VariableType,
};
pub(crate) use parser::{parse, parse_literal};

use crate::{Error, Location};

/// How deep lists and objects nest in a value.
pub(crate) const MAX_VALUE_DEPTH: usize = 64;

/// A text that is no GraphQL, and the byte where that shows.
#[derive(Debug, PartialEq)]
pub(crate) struct SyntaxError {
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl SyntaxError {
    fn new(at: usize, message: impl Into<String>) -> Self {
        SyntaxError {
            at,
            message: message.into(),
        }
    }

    /// The error as a client sees it. The message names the position too: many clients print nothing else.
    pub(crate) fn into_error(self, source: &str) -> Error {
        let location = location(source, self.at);
        let message = format!(
            "syntax error at {}:{}: {}",
            location.line, location.column, self.message
        );
        Error {
            message,
            locations: vec![location],
            ..Error::default()
        }
    }
}

/// Line and column of a byte offset.
pub(crate) fn location(source: &str, at: usize) -> Location {
    let before = source.get(..at).unwrap_or(source);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Location {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

#[cfg(test)]
mod tests;
