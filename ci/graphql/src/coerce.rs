//! Input coercion: the values of a query to the types of the table (June 2018 §3.5–3.12, "Input Coercion").
//!
//! Two courtesies beyond the specification, which Dagger's clients count on: an enum value may be quoted, and an Int has 64 bits.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};

use crate::Args;
use crate::catalog::{Catalog, FieldInfo, Kind, TypeInfo};
use crate::plan::Rejection;
use crate::suggest::did_you_mean;
use crate::syntax::{Argument, Literal, MAX_VALUE_DEPTH, parse_literal};
use crate::table::{TypeRef, Wrapper};

/// The values of an operation's variables; `None` for one that is declared and has no value.
pub(crate) type Variables<'a> = HashMap<&'a str, Option<Literal<'a>>>;

/// A value that does not fit: where inside the argument, and why.
#[derive(Debug, PartialEq)]
pub(crate) struct Misfit {
    /// Such as `[0].backend`.
    path: String,
    pub(crate) message: String,
}

impl Misfit {
    fn new(message: String) -> Self {
        Misfit {
            path: String::new(),
            message,
        }
    }

    fn inside(self, step: &str) -> Self {
        Misfit {
            path: format!("{step}{}", self.path),
            ..self
        }
    }
}

/// What values are coerced against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coercion<'c> {
    catalog: &'c Catalog,
    variables: Option<&'c Variables<'c>>,
    depth: usize,
}

type Coerced = Result<Option<Value>, Misfit>;

impl<'c> Coercion<'c> {
    pub(crate) fn new(catalog: &'c Catalog, variables: &'c Variables<'c>) -> Self {
        Coercion {
            catalog,
            variables: Some(variables),
            depth: 0,
        }
    }

    /// For values in which no variable stands.
    pub(crate) fn constant(catalog: &'c Catalog) -> Self {
        Coercion {
            catalog,
            variables: None,
            depth: 0,
        }
    }

    /// The arguments of a call of `field` on `owner`, `at` in the query.
    pub(crate) fn args(
        &self,
        owner: &str,
        field: &FieldInfo,
        given: &[Argument<'_>],
        at: usize,
    ) -> Result<Args, Rejection> {
        let defs = field.def.args;
        let mut literals: Vec<Option<&Argument<'_>>> = vec![None; defs.len()];
        for argument in given {
            let name = argument.name;
            let bad = |message: String| Err(Rejection::new(argument.at, message));
            let Some(index) = defs.iter().position(|def| def.name == name) else {
                let near = did_you_mean(name, defs.iter().map(|def| def.name));
                return bad(format!(
                    "Unknown argument \"{name}\" on field \"{owner}.{}\".{near}",
                    field.def.name
                ));
            };
            if literals[index].replace(argument).is_some() {
                return bad(format!("Argument \"{name}\" is given twice."));
            }
        }
        let mut values = Vec::with_capacity(defs.len());
        for ((def, literal), default) in defs.iter().zip(literals).zip(&field.defaults) {
            let place = |inner: &str| {
                format!(
                    "Argument \"{}{inner}\" of field \"{owner}.{}\"",
                    def.name, field.def.name
                )
            };
            let value = match literal {
                None => None,
                Some(Argument { at, value, .. }) => {
                    self.value(def.ty, value).map_err(|misfit| {
                        Rejection::new(
                            *at,
                            format!("{}: {}", place(&misfit.path), sentence(misfit.message)),
                        )
                    })?
                }
            };
            match value.or_else(|| default.clone()) {
                Some(value) => values.push((def.name, value)),
                None if def.ty.is_non_null() => {
                    return Err(Rejection::new(
                        at,
                        format!("{}: a value is required ({}).", place(""), def.ty),
                    ));
                }
                None => {}
            }
        }
        Ok(Args::new(values))
    }

    /// A value of type `ty`; `None` for null and for a variable without value.
    pub(crate) fn value(&self, ty: TypeRef, given: &Literal<'_>) -> Coerced {
        let given = match given {
            Literal::Variable(name) => match self
                .variables
                .and_then(|variables| variables.get(name))
            {
                None => return Err(Misfit::new(format!("variable \"${name}\" is not declared"))),
                Some(None) => return Ok(None),
                Some(Some(value)) => value,
            },
            literal => literal,
        };
        if matches!(given, Literal::Null) {
            return Ok(None);
        }
        let Some((wrapper, inner)) = ty.unwrap_once() else {
            return self.named(ty.name(), given).map(Some);
        };
        match (wrapper, given) {
            (Wrapper::NonNull, _) => self.value(inner, given),
            (Wrapper::List, Literal::List(items)) => {
                let items = items.iter().enumerate();
                let coerced = items.map(|(index, item)| {
                    self.item(inner, item)
                        .map_err(|misfit| misfit.inside(&format!("[{index}]")))
                });
                coerced
                    .collect::<Result<Vec<_>, _>>()
                    .map(|items| Some(Value::Array(items)))
            }
            // One value stands for a list of one.
            (Wrapper::List, _) => Ok(Some(Value::Array(vec![self.item(inner, given)?]))),
        }
    }

    /// An item of a list.
    fn item(&self, ty: TypeRef, given: &Literal<'_>) -> Result<Value, Misfit> {
        match self.value(ty, given)? {
            None if ty.is_non_null() => Err(Misfit::new(format!("expected {ty}, found null"))),
            value => Ok(value.unwrap_or(Value::Null)),
        }
    }

    fn named(&self, name: &'static str, given: &Literal<'_>) -> Result<Value, Misfit> {
        let misfit = || Misfit::new(format!("expected {name}, found {given}"));
        let Some(info) = self.catalog.get(name) else {
            return Err(Misfit::new(format!("type \"{name}\" is not in the schema")));
        };
        match (info.kind, name, given) {
            (Kind::Scalar, "Boolean", Literal::Bool(value)) => Ok(Value::Bool(*value)),
            (Kind::Scalar, "Int", Literal::Int(value)) => Ok(Value::from(*value)),
            (Kind::Scalar, "Float", Literal::Int(value)) => Ok(Value::from(*value)),
            (Kind::Scalar, "Float", Literal::Float(value)) => Number::from_f64(*value)
                .map(Value::Number)
                .ok_or_else(|| Misfit::new("the number is too large".to_owned())),
            (Kind::Scalar, "ID", Literal::Int(value)) => Ok(Value::String(value.to_string())),
            (Kind::Scalar, "Boolean" | "Int" | "Float", _) => Err(misfit()),
            (Kind::Scalar, _, Literal::String(text)) => {
                Ok(Value::String(text.clone().into_owned()))
            }
            (Kind::Enum, _, Literal::Name(text)) => enum_value(info, text),
            (Kind::Enum, _, Literal::String(text)) => enum_value(info, text),
            (Kind::Input, _, Literal::Object(fields)) => self.input(info, fields),
            _ => Err(misfit()),
        }
    }

    fn input(
        &self,
        info: &TypeInfo,
        given: &[(std::borrow::Cow<'_, str>, Literal<'_>)],
    ) -> Result<Value, Misfit> {
        // A default may contain an object whose default contains one, without end.
        if self.depth > MAX_VALUE_DEPTH {
            return Err(Misfit::new(format!(
                "\"{}\" has a default inside its own default",
                info.name
            )));
        }
        let inner = Coercion {
            depth: self.depth + 1,
            ..*self
        };
        let mut values = Map::new();
        for (name, literal) in given {
            let Some(def) = info.inputs.iter().find(|def| def.name == name) else {
                let near = did_you_mean(name, info.inputs.iter().map(|def| def.name));
                return Err(Misfit::new(format!(
                    "\"{}\" has no field \"{name}\".{near}",
                    info.name
                )));
            };
            if values.contains_key(def.name) {
                return Err(Misfit::new(format!("field \"{name}\" is given twice")));
            }
            let value = inner
                .value(def.ty, literal)
                .map_err(|misfit| misfit.inside(&format!(".{name}")))?;
            values.extend(value.map(|value| (def.name.to_owned(), value)));
        }
        for def in info.inputs.iter() {
            if values.contains_key(def.name) {
                continue;
            }
            let default = def.default.and_then(|text| parse_literal(text).ok());
            let value = match &default {
                Some(literal) => inner.value(def.ty, literal)?,
                None => None,
            };
            match value {
                Some(value) => values.extend([(def.name.to_owned(), value)]),
                None if def.ty.is_non_null() => {
                    return Err(Misfit::new(format!("a value is required ({})", def.ty))
                        .inside(&format!(".{}", def.name)));
                }
                None => {}
            }
        }
        Ok(Value::Object(values))
    }
}

/// What an enum's name stands for. Names are no secrets, so a wrong one may be repeated.
fn enum_value(info: &TypeInfo, name: &str) -> Result<Value, Misfit> {
    match info.values.iter().find(|value| value.name == name) {
        Some(value) => Ok(Value::String(value.meaning.to_owned())),
        None => {
            let near = did_you_mean(name, info.values.iter().map(|value| value.name));
            let shown: String = name.chars().take(64).collect();
            Err(Misfit::new(format!(
                "\"{shown}\" is no {}.{near}",
                info.name
            )))
        }
    }
}

/// Ends a message with a full stop, unless it ends like a sentence already.
fn sentence(mut message: String) -> String {
    if !message.ends_with(['?', '.']) {
        message.push('.');
    }
    message
}
