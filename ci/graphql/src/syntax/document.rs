//! The parsed document.
//!
//! Selections live in one vector and refer to each other by index: a document of any depth is dropped, copied and walked
//! without recursion.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde_json::Value;

use super::MAX_VALUE_DEPTH;

/// An index into [`Document::selections`].
pub(crate) type SelectionId = usize;

/// The operations and fragments of a request.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    pub(crate) source: &'a str,
    pub(crate) operations: Vec<Operation<'a>>,
    pub(crate) fragments: HashMap<&'a str, Fragment<'a>>,
    pub(crate) selections: Vec<Selection<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OperationKind {
    Query,
    Mutation,
    Subscription,
}

#[derive(Debug)]
pub(crate) struct Operation<'a> {
    pub(crate) at: usize,
    pub(crate) kind: OperationKind,
    pub(crate) name: Option<&'a str>,
    pub(crate) variables: Vec<VariableDef<'a>>,
    pub(crate) selections: SelectionSet,
}

#[derive(Debug)]
pub(crate) struct VariableDef<'a> {
    pub(crate) at: usize,
    pub(crate) name: &'a str,
    pub(crate) ty: VariableType<'a>,
    pub(crate) default: Option<Literal<'a>>,
}

/// The declared type of a variable. Values are checked where they are used, against the table, so the wrappers in between
/// do not matter here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VariableType<'a> {
    pub(crate) text: &'a str,
    pub(crate) name: &'a str,
    pub(crate) non_null: bool,
}

#[derive(Debug)]
pub(crate) struct Fragment<'a> {
    pub(crate) at: usize,
    pub(crate) on: &'a str,
    pub(crate) selections: SelectionSet,
}

/// The selections between one pair of braces: the first of a chain of siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SelectionSet(pub(crate) SelectionId);

#[derive(Debug)]
pub(crate) struct Selection<'a> {
    pub(crate) at: usize,
    /// The next one between the same braces.
    pub(crate) next: Option<SelectionId>,
    pub(crate) conditions: Vec<Condition<'a>>,
    pub(crate) kind: SelectionKind<'a>,
    /// What is selected inside it.
    pub(crate) children: Option<SelectionSet>,
}

/// `@include(if:)` or `@skip(if:)`; other directives are read and forgotten.
#[derive(Debug)]
pub(crate) struct Condition<'a> {
    pub(crate) name: &'static str,
    pub(crate) at: usize,
    pub(crate) args: Vec<Argument<'a>>,
}

#[derive(Debug)]
pub(crate) enum SelectionKind<'a> {
    Field(FieldNode<'a>),
    Spread(&'a str),
    Inline { on: Option<&'a str> },
}

#[derive(Debug)]
pub(crate) struct FieldNode<'a> {
    pub(crate) alias: Option<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) args: Vec<Argument<'a>>,
}

impl<'a> FieldNode<'a> {
    /// The key of the answer.
    pub(crate) fn key(&self) -> &'a str {
        self.alias.unwrap_or(self.name)
    }
}

#[derive(Debug, PartialEq)]
pub(crate) struct Argument<'a> {
    pub(crate) at: usize,
    pub(crate) name: &'a str,
    pub(crate) value: Literal<'a>,
}

/// A value as written in a query, in a default of the table, or in the request's variables.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// Also an integer too large for [`Literal::Int`].
    Float(f64),
    String(Cow<'a, str>),
    /// A bare name: an enum value.
    Name(&'a str),
    Variable(&'a str),
    List(Vec<Literal<'a>>),
    Object(Vec<(Cow<'a, str>, Literal<'a>)>),
}

impl<'a> Literal<'a> {
    /// The value of a variable; `None` when it nests too deep.
    pub(crate) fn from_json(value: &'a Value) -> Option<Self> {
        Self::from_json_at(value, 0)
    }

    fn from_json_at(value: &'a Value, depth: usize) -> Option<Self> {
        if depth > MAX_VALUE_DEPTH {
            return None;
        }
        Some(match value {
            Value::Null => Literal::Null,
            Value::Bool(value) => Literal::Bool(*value),
            Value::Number(number) => match number.as_i64() {
                Some(int) => Literal::Int(int),
                None => Literal::Float(number.as_f64()?),
            },
            Value::String(text) => Literal::String(Cow::Borrowed(text)),
            Value::Array(items) => Literal::List(
                items
                    .iter()
                    .map(|item| Self::from_json_at(item, depth + 1))
                    .collect::<Option<_>>()?,
            ),
            Value::Object(fields) => {
                let field = |(key, value): (&'a String, &'a Value)| {
                    Some((
                        Cow::Borrowed(key.as_str()),
                        Self::from_json_at(value, depth + 1)?,
                    ))
                };
                Literal::Object(fields.iter().map(field).collect::<Option<_>>()?)
            }
        })
    }
}

/// What kind of value it is. Never the value itself: it may be a secret, and this goes into messages (attack S4).
impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Literal::Null => "null",
            Literal::Bool(_) => "a Boolean",
            Literal::Int(_) => "an Int",
            Literal::Float(_) => "a Float",
            Literal::String(_) => "a String",
            Literal::Name(_) => "a name without quotes",
            Literal::Variable(_) => "a variable",
            Literal::List(_) => "a list",
            Literal::Object(_) => "an object",
        })
    }
}
