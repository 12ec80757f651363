//! Introspection: the schema as data (June 2018 §4), described in a table like any other.
//!
//! Beyond the specification of 2018 it answers what later clients ask for: `specifiedByURL`, `isRepeatable`, `isOneOf`,
//! deprecated arguments, and, as Dagger does, the directives applied to a part of the schema.

mod resolvers;
mod tables;

use std::sync::Arc;

use crate::catalog::{Catalog, TypeId};
use crate::table::{
    Arg, Directive, DirectiveDef, EnumValue, FieldDef, Type, TypeRef, arg, directive_def,
};
use crate::{Backend, Call, Resolve, Resolved};

pub(crate) use tables::{ROOT, TYPES};

/// A part of the schema.
#[derive(Clone, Debug)]
pub(crate) enum Meta {
    Schema,
    Type(TypeRef),
    Field(&'static FieldDef),
    Input(&'static Arg),
    EnumValue(&'static EnumValue),
    Directive(&'static DirectiveDef),
    Applied(Arc<Applied>),
    AppliedArg(&'static str, Arc<str>),
}

/// A directive where it is applied. The values are GraphQL literals.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) name: &'static str,
    pub(crate) args: Vec<(&'static str, Arc<str>)>,
}

impl Applied {
    /// The directives of a table entry.
    pub(crate) fn all(directives: &[Directive]) -> Vec<Applied> {
        let applied = |directive: &Directive| Applied {
            name: directive.name,
            args: directive
                .args
                .iter()
                .map(|(name, literal)| (*name, Arc::from(*literal)))
                .collect(),
        };
        directives.iter().map(applied).collect()
    }

    /// Those of an enum value; one that stands for something else says for what.
    pub(crate) fn of_value(value: &EnumValue) -> Vec<Applied> {
        let mut applied = Applied::all(value.directives);
        if value.meaning != value.name {
            applied.push(Applied {
                name: ENUM_VALUE.name,
                args: vec![("value", quoted(value.meaning).into())],
            });
        }
        applied
    }
}

/// Text as a GraphQL string literal; JSON's escapes are among GraphQL's.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The directives every schema has.
pub(crate) static DIRECTIVES: [DirectiveDef; 3] = [
    directive_def(
        "include",
        "Selects something only if the argument is true.",
        &[arg("if", "Boolean!", "Whether to select it.")],
        &["FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"],
    ),
    directive_def(
        "skip",
        "Selects something only if the argument is false.",
        &[arg("if", "Boolean!", "Whether to leave it out.")],
        &["FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"],
    ),
    directive_def(
        "deprecated",
        "Marks what should no longer be used.",
        &[arg(
            "reason",
            r#"String! = "No longer supported""#,
            "Why, and what to use instead.",
        )],
        &[
            "FIELD_DEFINITION",
            "ARGUMENT_DEFINITION",
            "INPUT_FIELD_DEFINITION",
            "ENUM_VALUE",
        ],
    ),
];

/// The directive of a schema in which an enum value stands for something else than its name.
pub(crate) static ENUM_VALUE: DirectiveDef = directive_def(
    "enumValue",
    "What the name of an enum value stands for. Names of the same meaning are aliases.",
    &[arg("value", "String!", "The meaning.")],
    &["ENUM_VALUE"],
);

impl Meta {
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Meta::Schema => "__Schema",
            Meta::Type(_) => "__Type",
            Meta::Field(_) => "__Field",
            Meta::Input(_) => "__InputValue",
            Meta::EnumValue(_) => "__EnumValue",
            Meta::Directive(_) => "__Directive",
            Meta::Applied(_) => "_DirectiveApplication",
            Meta::AppliedArg(..) => "_DirectiveApplicationArg",
        }
    }
}

impl Backend for Catalog {
    type Object = Meta;

    fn type_name(&self, object: &Meta) -> &'static str {
        object.type_name()
    }
}

/// The resolver of a field of introspection; `None` for a field of the schema's own.
pub(crate) fn resolver(
    catalog: &Catalog,
    owner: TypeId,
    index: usize,
) -> Option<fn(Call<Catalog>) -> Resolved<Catalog>> {
    let ty = match owner == catalog.meta_root {
        true => &ROOT,
        false => TYPES.get(owner.checked_sub(catalog.introspection)?)?,
    };
    match ty {
        Type::Object(object) => match object.fields.get(index)?.resolve {
            Resolve::Ready(resolver) => Some(resolver),
            Resolve::Future(_) => None,
        },
        _ => None,
    }
}
