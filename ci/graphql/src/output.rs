//! What resolvers answer, brought into one form and checked against the table (June 2018 §3.5, "Result Coercion").

use std::fmt;

use serde_json::{Number, Value as Json};

use crate::catalog::{Catalog, Kind};
use crate::introspection::Meta;
use crate::table::{TypeRef, Wrapper};
use crate::{Backend, Value};

/// An object of the program, or of the schema's description of itself.
pub(crate) enum Instance<B: Backend> {
    Own(B::Object),
    Meta(Meta),
}

impl<B: Backend> Instance<B> {
    /// The object whose introspection fields are called; the program's root has those of the schema.
    pub(crate) fn as_meta(&self) -> Meta {
        match self {
            Instance::Own(_) => Meta::Schema,
            Instance::Meta(meta) => meta.clone(),
        }
    }
}

/// A resolver's answer.
pub(crate) enum Output<B: Backend> {
    Null,
    Leaf(Json),
    Object(Instance<B>),
    List(Vec<Output<B>>),
}

impl<B: Backend> fmt::Display for Output<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Output::Null | Output::Leaf(Json::Null) => "null",
            Output::Leaf(Json::Bool(_)) => "a Boolean",
            Output::Leaf(Json::Number(_)) => "a number",
            Output::Leaf(Json::String(_)) => "a String",
            Output::Object(_) => "an object",
            Output::List(_) | Output::Leaf(_) => "a list",
        })
    }
}

/// Brings a value of either backend into one form. Recurses as deep as the resolver nested its lists.
pub(crate) fn lift<F: Backend, B: Backend>(
    value: Value<F>,
    instance: &impl Fn(F::Object) -> Instance<B>,
) -> Output<B> {
    match value {
        Value::Null => Output::Null,
        Value::Bool(value) => Output::Leaf(value.into()),
        Value::Int(value) => Output::Leaf(value.into()),
        // JSON has no infinities; they become null here and an error where null is not allowed.
        Value::Float(value) => Number::from_f64(value)
            .map_or(Output::Null, |number| Output::Leaf(Json::Number(number))),
        Value::String(value) => Output::Leaf(value.into()),
        Value::Object(object) => Output::Object(instance(object)),
        Value::List(items) => {
            Output::List(items.into_iter().map(|item| lift(item, instance)).collect())
        }
    }
}

/// A value of a leaf type, or lists of them, as JSON.
pub(crate) fn leaf<B: Backend>(
    catalog: &Catalog,
    ty: TypeRef,
    output: Output<B>,
) -> Result<Json, String> {
    let mismatch = |output: &dyn fmt::Display| {
        Err(format!(
            "the resolver answered {output} where {ty} is declared"
        ))
    };
    match (ty.unwrap_once(), output) {
        (Some((Wrapper::NonNull, _)), Output::Null) => mismatch(&"null"),
        (_, Output::Null) => Ok(Json::Null),
        (Some((Wrapper::NonNull, inner)), output) => leaf(catalog, inner, output),
        (Some((Wrapper::List, inner)), Output::List(items)) => items
            .into_iter()
            .map(|item| leaf(catalog, inner, item))
            .collect(),
        (None, Output::Leaf(value)) => {
            let Some(info) = catalog.named(ty) else {
                return Err(format!("type \"{ty}\" is not in the schema"));
            };
            match (info.kind, info.name, &value) {
                (Kind::Enum, _, Json::String(text)) => {
                    let named = info.values.iter().find(|value| value.name == text);
                    match named.or_else(|| info.values.iter().find(|value| value.meaning == text)) {
                        Some(value) => Ok(value.name.into()),
                        None => Err(format!("the resolver answered a value that is no {ty}")),
                    }
                }
                (Kind::Scalar, "Boolean", Json::Bool(_))
                | (Kind::Scalar, "Float", Json::Number(_)) => Ok(value),
                (Kind::Scalar, "Int", Json::Number(number)) if number.is_i64() => Ok(value),
                (Kind::Scalar, "Boolean" | "Float" | "Int", _) => {
                    mismatch(&Output::<B>::Leaf(value))
                }
                (Kind::Scalar, _, Json::String(_)) => Ok(value),
                _ => mismatch(&Output::<B>::Leaf(value)),
            }
        }
        (_, output) => mismatch(&output),
    }
}
