//! One field of a query: the table's entry for it and its arguments.

use super::{FieldCall, Rejection};
use crate::catalog::{Catalog, Kind, TypeId, TypeInfo};
use crate::coerce::{Coercion, Variables};
use crate::suggest::did_you_mean;
use crate::syntax::FieldNode;

/// Looks a field up on a type and coerces its arguments.
pub(crate) fn field_call(
    catalog: &Catalog,
    variables: &Variables<'_>,
    parent: TypeId,
    node: &FieldNode<'_>,
    at: usize,
) -> Result<FieldCall, Rejection> {
    let info = &catalog.types[parent];
    if node.name == "__typename" {
        return match node.args.first() {
            None => Ok(FieldCall::TypeName),
            Some(arg) => Err(Rejection::new(
                arg.at,
                format!(
                    "Unknown argument \"{}\" on field \"{}.__typename\".",
                    arg.name, info.name
                ),
            )),
        };
    }
    let Some((owner, index)) = catalog.field(parent, node.name) else {
        return Err(Rejection::new(at, unknown_field(catalog, info, node.name)));
    };
    let field = &catalog.types[owner].fields[index];
    let args = Coercion::new(catalog, variables).args(info.name, field, &node.args, at)?;
    Ok(FieldCall::Table { owner, index, args })
}

fn unknown_field(catalog: &Catalog, info: &TypeInfo, name: &str) -> String {
    let shown: String = name.chars().take(100).collect();
    let mut near = did_you_mean(name, info.fields.iter().map(|field| field.def.name));
    if info.kind == Kind::Interface && near.is_empty() {
        let having: Vec<_> = catalog
            .possible(info)
            .filter(|object| object.field(name).is_some())
            .map(|object| object.name)
            .collect();
        if let [first, ..] = having.as_slice() {
            near =
                format!(" It is a field of \"{first}\": write \"... on {first} {{ {shown} }}\".");
        }
    }
    format!(
        "Cannot query field \"{shown}\" on type \"{}\".{near}",
        info.name
    )
}
