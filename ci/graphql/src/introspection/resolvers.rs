//! What the fields of introspection answer. Several types share a field's resolver where the question is the same.

use std::sync::Arc;

use super::{Applied, Meta};
use crate::catalog::{Catalog, Kind, QUERY, TypeInfo};
use crate::table::{Arg, TypeRef, Wrapper};
use crate::{Call, Resolved, Value};

type Asked = Call<Catalog>;
type Answered = Resolved<Catalog>;

fn list(items: impl Iterator<Item = Meta>) -> Answered {
    Ok(Value::List(items.map(Value::Object).collect()))
}

fn named(name: &'static str) -> Meta {
    Meta::Type(TypeRef::named(name))
}

/// The named type that is asked, unless it is wrapped.
fn info(call: &Asked) -> Option<&TypeInfo> {
    match &call.object {
        Meta::Type(ty) if ty.unwrap_once().is_none() => call.backend.named(*ty),
        _ => None,
    }
}

/// Whether to list something, given why it is deprecated.
fn listed(call: &Asked, deprecated: Option<&str>) -> bool {
    deprecated.is_none() || call.args.opt_bool("includeDeprecated") == Some(true)
}

fn inputs(call: &Asked, args: &'static [Arg]) -> Answered {
    list(
        args.iter()
            .filter(|arg| listed(call, arg.deprecated))
            .map(Meta::Input),
    )
}

pub(super) fn nothing(_: Asked) -> Answered {
    Ok(Value::Null)
}

pub(super) fn schema(_: Asked) -> Answered {
    Ok(Value::Object(Meta::Schema))
}

pub(super) fn type_by_name(call: Asked) -> Answered {
    let found = call
        .backend
        .listed()
        .find(|info| Some(info.name) == call.args.opt_string("name"));
    Ok(found.map_or(Value::Null, |info| Value::Object(named(info.name))))
}

pub(super) fn types(call: Asked) -> Answered {
    list(call.backend.listed().map(|info| named(info.name)))
}

pub(super) fn query_type(_: Asked) -> Answered {
    Ok(Value::Object(named(QUERY)))
}

pub(super) fn directives(call: Asked) -> Answered {
    list(
        call.backend
            .directives
            .iter()
            .map(|def| Meta::Directive(def)),
    )
}

pub(super) fn kind(call: Asked) -> Answered {
    let wrapper = match &call.object {
        Meta::Type(ty) => ty.unwrap_once().map(|(wrapper, _)| wrapper),
        _ => None,
    };
    let kind = match (wrapper, info(&call).map(|info| info.kind)) {
        (Some(Wrapper::List), _) => "LIST",
        (Some(Wrapper::NonNull), _) => "NON_NULL",
        (None, Some(Kind::Scalar)) => "SCALAR",
        (None, Some(Kind::Object)) => "OBJECT",
        (None, Some(Kind::Interface)) => "INTERFACE",
        (None, Some(Kind::Enum)) => "ENUM",
        (None, Some(Kind::Input)) => "INPUT_OBJECT",
        (None, None) => return Ok(Value::Null),
    };
    Ok(kind.into())
}

pub(super) fn name(call: Asked) -> Answered {
    Ok(Value::from(match &call.object {
        Meta::Schema => None,
        Meta::Type(_) => info(&call).map(|info| info.name),
        Meta::Field(def) => Some(def.name),
        Meta::Input(arg) => Some(arg.name),
        Meta::EnumValue(value) => Some(value.name),
        Meta::Directive(def) => Some(def.name),
        Meta::Applied(applied) => Some(applied.name),
        Meta::AppliedArg(name, _) => Some(*name),
    }))
}

pub(super) fn description(call: Asked) -> Answered {
    let doc = match &call.object {
        Meta::Type(_) => info(&call).map_or("", |info| info.doc),
        Meta::Field(def) => def.doc,
        Meta::Input(arg) => arg.doc,
        Meta::EnumValue(value) => value.doc,
        Meta::Directive(def) => def.doc,
        Meta::Schema | Meta::Applied(_) | Meta::AppliedArg(..) => "",
    };
    Ok(Some(doc).filter(|doc| !doc.is_empty()).into())
}

pub(super) fn fields(call: Asked) -> Answered {
    match info(&call).filter(|info| info.is_composite()) {
        Some(info) => {
            let defs = info.fields.iter().map(|field| field.def);
            list(
                defs.filter(|def| listed(&call, def.deprecated))
                    .map(Meta::Field),
            )
        }
        None => Ok(Value::Null),
    }
}

pub(super) fn interfaces(call: Asked) -> Answered {
    match info(&call).filter(|info| info.is_composite()) {
        Some(info) => list(info.implements.iter().map(|name| named(name))),
        None => Ok(Value::Null),
    }
}

pub(super) fn possible_types(call: Asked) -> Answered {
    match info(&call).filter(|info| info.kind == Kind::Interface) {
        Some(info) => list(call.backend.possible(info).map(|info| named(info.name))),
        None => Ok(Value::Null),
    }
}

pub(super) fn enum_values(call: Asked) -> Answered {
    match info(&call).filter(|info| info.kind == Kind::Enum) {
        Some(info) => list(
            info.values
                .iter()
                .filter(|value| listed(&call, value.deprecated))
                .map(Meta::EnumValue),
        ),
        None => Ok(Value::Null),
    }
}

pub(super) fn input_fields(call: Asked) -> Answered {
    match info(&call).filter(|info| info.kind == Kind::Input) {
        Some(info) => inputs(&call, info.inputs),
        None => Ok(Value::Null),
    }
}

pub(super) fn of_type(call: Asked) -> Answered {
    Ok(match &call.object {
        Meta::Type(ty) => ty
            .unwrap_once()
            .map_or(Value::Null, |(_, inner)| Value::Object(Meta::Type(inner))),
        _ => Value::Null,
    })
}

pub(super) fn is_one_of(call: Asked) -> Answered {
    Ok(info(&call)
        .filter(|info| info.kind == Kind::Input)
        .map(|_| false)
        .into())
}

pub(super) fn is_repeatable(_: Asked) -> Answered {
    Ok(Value::Bool(false))
}

pub(super) fn args(call: Asked) -> Answered {
    match &call.object {
        Meta::Field(def) => inputs(&call, def.args),
        Meta::Directive(def) => inputs(&call, def.args),
        Meta::Applied(applied) => list(
            applied
                .args
                .iter()
                .map(|(name, value)| Meta::AppliedArg(name, value.clone())),
        ),
        _ => Ok(Value::Null),
    }
}

pub(super) fn type_of(call: Asked) -> Answered {
    Ok(match &call.object {
        Meta::Field(def) => Value::Object(Meta::Type(def.ty)),
        Meta::Input(arg) => Value::Object(Meta::Type(arg.ty)),
        _ => Value::Null,
    })
}

fn deprecated(meta: &Meta) -> Option<&'static str> {
    match meta {
        Meta::Field(def) => def.deprecated,
        Meta::Input(arg) => arg.deprecated,
        Meta::EnumValue(value) => value.deprecated,
        _ => None,
    }
}

pub(super) fn is_deprecated(call: Asked) -> Answered {
    Ok(Value::Bool(deprecated(&call.object).is_some()))
}

pub(super) fn deprecation_reason(call: Asked) -> Answered {
    Ok(deprecated(&call.object).into())
}

pub(super) fn default_value(call: Asked) -> Answered {
    Ok(match &call.object {
        Meta::Input(arg) => arg.default.into(),
        _ => Value::Null,
    })
}

pub(super) fn applied(call: Asked) -> Answered {
    let applied = match &call.object {
        Meta::Field(def) => Applied::all(def.directives),
        Meta::Input(arg) => Applied::all(arg.directives),
        Meta::EnumValue(value) => Applied::of_value(value),
        _ => Vec::new(),
    };
    list(
        applied
            .into_iter()
            .map(|applied| Meta::Applied(Arc::new(applied))),
    )
}

pub(super) fn value_text(call: Asked) -> Answered {
    Ok(match &call.object {
        Meta::AppliedArg(_, value) => Value::from(&**value),
        _ => Value::Null,
    })
}

pub(super) fn locations(call: Asked) -> Answered {
    Ok(match &call.object {
        Meta::Directive(def) => def.locations.to_vec().into(),
        _ => Value::Null,
    })
}
