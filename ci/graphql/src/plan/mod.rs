//! Validation: what is left of a query once every name in it has been looked up (June 2018 §5).
//!
//! Everything that can be wrong with a query is found here, before the first resolver runs: a misspelt field at the end of a
//! long chain costs nothing. Each selection is looked at once, so the time is proportional to the text.

mod cycle;
mod field;
mod operation;
mod validate;

use std::sync::Arc;

pub(crate) use field::field_call;

use crate::catalog::{Catalog, QUERY, TypeId};
use crate::coerce::Variables;
use crate::syntax::{Document, SelectionSet, location};
use crate::{Args, Error, Request};

/// A validated operation.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) document: Document<'a>,
    pub(crate) variables: Variables<'a>,
    pub(crate) root: SelectionSet,
    pub(crate) root_type: TypeId,
    /// What each selection of the document means.
    pub(crate) steps: Vec<Step>,
}

/// What a selection means.
#[derive(Debug)]
pub(crate) enum Step {
    /// Nothing: excluded by a directive, or not part of this operation.
    Skip,
    /// A field of the answer.
    Field {
        /// The key of the answer.
        key: Arc<str>,
        /// The type that was assumed; an interface's field is looked up again on the object.
        parent: TypeId,
        call: FieldCall,
    },
    /// The selections of a fragment, for objects of this type.
    Fragment {
        on: Option<TypeId>,
        name: Option<Arc<str>>,
        selections: SelectionSet,
    },
}

/// Which field to call, and with what.
#[derive(Clone, Debug)]
pub(crate) enum FieldCall {
    /// `__typename`
    TypeName,
    /// A field of the table.
    Table {
        owner: TypeId,
        index: usize,
        args: Args,
    },
}

/// Validates one operation of a document against the catalog.
pub(crate) fn plan<'a>(
    catalog: &Catalog,
    document: Document<'a>,
    request: Request<'a>,
) -> Result<Plan<'a>, Vec<Error>> {
    let source = document.source;
    let reject = |Rejection { at, message }| vec![error(source, at, message)];
    let operation = operation::choose(&document, request.operation).map_err(reject)?;
    let variables = operation::variables(catalog, operation, request).map_err(reject)?;
    let root = operation.selections;
    let no_root = || {
        reject(Rejection::new(
            0,
            format!("the schema has no type \"{QUERY}\""),
        ))
    };
    let root_type = catalog.id(QUERY).ok_or_else(no_root)?;
    let steps = validate::steps(catalog, &document, &variables, root, root_type)?;
    Ok(Plan {
        document,
        variables,
        root,
        root_type,
        steps,
    })
}

/// An error of a query, with its place in the text.
pub(crate) fn error(source: &str, at: usize, message: String) -> Error {
    Error {
        message,
        locations: vec![location(source, at)],
        ..Error::default()
    }
}

/// What is wrong with a query, and the byte where.
#[derive(Debug)]
pub(crate) struct Rejection {
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl Rejection {
    pub(crate) fn new(at: usize, message: impl Into<String>) -> Self {
        Rejection {
            at,
            message: message.into(),
        }
    }
}
