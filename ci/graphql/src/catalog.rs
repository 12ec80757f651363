//! The index of a schema, without its resolvers: what validation, coercion and introspection look things up in.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::coerce::Coercion;
use crate::syntax::parse_literal;
use crate::table::{Arg, DirectiveDef, EnumValue, FieldDef, Type, TypeRef, scalar};
use crate::{Backend, introspection};

/// An index into [`Catalog::types`].
pub(crate) type TypeId = usize;

/// The name of the root type.
pub(crate) const QUERY: &str = "Query";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar,
    Object,
    Interface,
    Enum,
    Input,
}

/// All types by number and by name: the schema's, then the built-in scalars, then those of introspection.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) types: Vec<TypeInfo>,
    by_name: HashMap<&'static str, TypeId>,
    /// The fields `__schema` and `__type`, which every root has beside its own.
    pub(crate) meta_root: TypeId,
    /// How many of `types` are the schema's own.
    pub(crate) own: usize,
    /// The first type of introspection.
    pub(crate) introspection: TypeId,
    pub(crate) directives: Vec<&'static DirectiveDef>,
    /// What [`Schema::check`](crate::Schema::check) has to say about the defaults.
    pub(crate) defects: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct TypeInfo {
    pub(crate) kind: Kind,
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) implements: &'static [&'static str],
    pub(crate) fields: Vec<FieldInfo>,
    by_name: HashMap<&'static str, usize>,
    pub(crate) values: &'static [EnumValue],
    pub(crate) inputs: &'static [Arg],
}

#[derive(Debug)]
pub(crate) struct FieldInfo {
    pub(crate) def: &'static FieldDef,
    /// The defaults of its arguments, in their order.
    pub(crate) defaults: Vec<Option<Value>>,
}

static BUILT_IN: [Type<Catalog>; 5] = [
    scalar("Boolean", "`true` or `false`."),
    scalar("Float", "A number in double precision."),
    scalar(
        "ID",
        "An opaque reference to an object; a string on the wire.",
    ),
    scalar("Int", "A whole number."),
    scalar("String", "Text in UTF-8."),
];

impl TypeInfo {
    fn new<B: Backend>(ty: &'static Type<B>) -> Self {
        let (kind, doc, implements): (_, _, &'static [&'static str]) = match ty {
            Type::Object(object) => (Kind::Object, object.doc, object.implements),
            Type::Interface(interface) => (Kind::Interface, interface.doc, interface.implements),
            Type::Enum(enumeration) => (Kind::Enum, enumeration.doc, &[]),
            Type::Input(input) => (Kind::Input, input.doc, &[]),
            Type::Scalar(scalar) => (Kind::Scalar, scalar.doc, &[]),
        };
        let fields: Vec<&'static FieldDef> = match ty {
            Type::Object(object) => object.fields.iter().map(|field| &field.def).collect(),
            Type::Interface(interface) => interface.fields.iter().collect(),
            _ => Vec::new(),
        };
        TypeInfo {
            kind,
            name: ty.name(),
            doc,
            implements,
            by_name: fields
                .iter()
                .enumerate()
                .map(|(index, def)| (def.name, index))
                .collect(),
            fields: fields
                .into_iter()
                .map(|def| FieldInfo {
                    def,
                    defaults: Vec::new(),
                })
                .collect(),
            values: if let Type::Enum(enumeration) = ty {
                enumeration.values
            } else {
                &[]
            },
            inputs: if let Type::Input(input) = ty {
                input.fields
            } else {
                &[]
            },
        }
    }

    pub(crate) fn is_composite(&self) -> bool {
        matches!(self.kind, Kind::Object | Kind::Interface)
    }

    pub(crate) fn is_input(&self) -> bool {
        matches!(self.kind, Kind::Scalar | Kind::Enum | Kind::Input)
    }

    pub(crate) fn field(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }
}

impl Catalog {
    pub(crate) fn new<B: Backend>(
        types: &[&'static Type<B>],
        directives: &'static [DirectiveDef],
    ) -> Arc<Self> {
        let mut infos: Vec<TypeInfo> = types.iter().map(|ty| TypeInfo::new(ty)).collect();
        infos.extend(BUILT_IN.iter().map(TypeInfo::new));
        let introspection = infos.len();
        infos.extend(introspection::TYPES.iter().map(TypeInfo::new));
        let uses_meanings = infos
            .iter()
            .flat_map(|info| info.values)
            .any(|value| value.meaning != value.name);
        let enum_value = uses_meanings.then_some(&introspection::ENUM_VALUE);
        let mut catalog = Catalog {
            by_name: infos
                .iter()
                .enumerate()
                .rev()
                .map(|(id, info)| (info.name, id))
                .collect(),
            meta_root: infos.len(),
            own: types.len(),
            introspection,
            types: infos,
            directives: introspection::DIRECTIVES
                .iter()
                .chain(enum_value)
                .chain(directives)
                .collect(),
            defects: Vec::new(),
        };
        catalog.types.push(TypeInfo::new(&introspection::ROOT));
        catalog.read_defaults();
        Arc::new(catalog)
    }

    /// Reads every argument's default once, so that a call only copies it.
    fn read_defaults(&mut self) {
        let mut defects = Vec::new();
        let mut defaults = Vec::new();
        for info in &self.types {
            for FieldInfo { def, .. } in &info.fields {
                let place = |arg: &Arg| format!("{}.{}({})", info.name, def.name, arg.name);
                let read = |arg| self.read_default(arg, place(arg), &mut defects);
                defaults.push(def.args.iter().map(read).collect());
            }
            for input in info.inputs {
                self.read_default(input, format!("{}.{}", info.name, input.name), &mut defects);
            }
        }
        let fields = self.types.iter_mut().flat_map(|info| &mut info.fields);
        for (field, defaults) in fields.zip(defaults) {
            field.defaults = defaults;
        }
        self.defects = defects;
    }

    fn read_default(&self, arg: &Arg, place: String, defects: &mut Vec<String>) -> Option<Value> {
        let text = arg.default?;
        let coerced = match parse_literal(text) {
            Ok(literal) => Coercion::constant(self)
                .value(arg.ty, &literal)
                .map_err(|error| error.message),
            Err(error) => Err(error.message),
        };
        match coerced {
            Ok(value) => value,
            Err(why) => {
                defects.push(format!(
                    "{place}: the default {text} is no {}: {why}",
                    arg.ty
                ));
                None
            }
        }
    }

    pub(crate) fn id(&self, name: &str) -> Option<TypeId> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&TypeInfo> {
        self.id(name).map(|id| &self.types[id])
    }

    /// The named type at the core of a reference.
    pub(crate) fn named(&self, ty: TypeRef) -> Option<&TypeInfo> {
        self.get(ty.name())
    }

    /// The types as introspection lists them.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &TypeInfo> {
        self.types[..self.meta_root].iter()
    }

    /// Whether an object of type `object` may stand where `wanted` (an object or interface) is declared.
    pub(crate) fn is_a(&self, object: TypeId, wanted: TypeId) -> bool {
        object == wanted
            || self.types[object]
                .implements
                .contains(&self.types[wanted].name)
    }

    /// The object types that implement an interface.
    pub(crate) fn possible<'c>(
        &'c self,
        interface: &'c TypeInfo,
    ) -> impl Iterator<Item = &'c TypeInfo> {
        let implements = |info: &&TypeInfo| {
            info.kind == Kind::Object && info.implements.contains(&interface.name)
        };
        self.types.iter().filter(implements)
    }

    /// The field of `parent` as a query names it: its own, or one that every root has.
    pub(crate) fn field(&self, parent: TypeId, name: &str) -> Option<(TypeId, usize)> {
        if let Some(index) = self.types[parent].field(name) {
            return Some((parent, index));
        }
        let of_meta_root = self.types.get(self.meta_root)?.field(name)?;
        (self.types[parent].name == QUERY).then_some((self.meta_root, of_meta_root))
    }
}
