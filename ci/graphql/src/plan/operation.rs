//! Which operation of a document is meant, and the values of its variables (June 2018 §6.1).

use super::Rejection;
use crate::Request;
use crate::catalog::{Catalog, TypeInfo};
use crate::coerce::Variables;
use crate::syntax::{Document, Literal, Operation, OperationKind};

/// The operation to execute.
pub(super) fn choose<'d, 'a>(
    document: &'d Document<'a>,
    wanted: Option<&str>,
) -> Result<&'d Operation<'a>, Rejection> {
    let operation = match (wanted, document.operations.as_slice()) {
        (Some(name), operations) => {
            let named = operations
                .iter()
                .find(|operation| operation.name == Some(name));
            named
                .ok_or_else(|| Rejection::new(0, format!("Unknown operation named \"{name}\".")))?
        }
        (None, [only]) => only,
        (None, [_, second, ..]) => {
            return Err(Rejection::new(
                second.at,
                "The query has several operations: say which one to execute.",
            ));
        }
        (None, []) => return Err(Rejection::new(0, "The query has no operation.")),
    };
    let refuse = |what| {
        Err(Rejection::new(
            operation.at,
            format!("The schema has no {what}: everything is a query."),
        ))
    };
    match operation.kind {
        OperationKind::Query => Ok(operation),
        OperationKind::Mutation => refuse("mutations"),
        OperationKind::Subscription => refuse("subscriptions"),
    }
}

/// The values of its variables: given, by default, or none.
pub(super) fn variables<'a>(
    catalog: &Catalog,
    operation: &Operation<'a>,
    request: Request<'a>,
) -> Result<Variables<'a>, Rejection> {
    let mut variables = Variables::with_capacity(operation.variables.len());
    for def in &operation.variables {
        let (name, ty) = (def.name, def.ty.text);
        let refuse = |why: &str| {
            Rejection::new(
                def.at,
                format!("Variable \"${name}\" of type \"{ty}\" {why}."),
            )
        };
        if !catalog.get(def.ty.name).is_some_and(TypeInfo::is_input) {
            return Err(refuse("needs an input type"));
        }
        let value = match request.variables.and_then(|values| values.get(name)) {
            Some(given) => Some(
                Literal::from_json(given)
                    .ok_or_else(|| refuse("has a value that nests too deep"))?,
            ),
            None => def.default.clone(),
        };
        if def.ty.non_null && matches!(value, None | Some(Literal::Null)) {
            return Err(refuse("is required and was not provided"));
        }
        if variables.insert(name, value).is_some() {
            return Err(refuse("is declared twice"));
        }
    }
    Ok(variables)
}
