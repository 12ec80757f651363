//! The kinds of types a table holds.
//!
//! Unions are absent: nothing here needs them, and an interface does what they do.

use super::{Arg, Directive, Field, FieldDef};
use crate::Backend;

/// One type of the schema.
#[derive(Debug)]
pub enum Type<B: Backend> {
    /// An object with resolvers.
    Object(Object<B>),
    /// What several objects have in common.
    Interface(Interface),
    /// A closed set of names.
    Enum(Enum),
    /// An argument made of named parts.
    Input(Input),
    /// A leaf of the project's own.
    Scalar(Scalar),
}

/// An object type.
#[derive(Debug)]
pub struct Object<B: Backend> {
    /// Its name.
    pub name: &'static str,
    /// Markdown; may be empty.
    pub doc: &'static str,
    /// The interfaces it implements, including those its interfaces implement.
    pub implements: &'static [&'static str],
    /// Its fields.
    pub fields: &'static [Field<B>],
}

/// An interface type.
#[derive(Clone, Copy, Debug)]
pub struct Interface {
    /// Its name.
    pub name: &'static str,
    /// Markdown; may be empty.
    pub doc: &'static str,
    /// The interfaces it implements itself.
    pub implements: &'static [&'static str],
    /// What every implementing object has.
    pub fields: &'static [FieldDef],
}

/// An enum type.
#[derive(Clone, Copy, Debug)]
pub struct Enum {
    /// Its name.
    pub name: &'static str,
    /// Markdown; may be empty.
    pub doc: &'static str,
    /// Its values.
    pub values: &'static [EnumValue],
}

/// A value of an enum.
#[derive(Clone, Copy, Debug)]
pub struct EnumValue {
    /// The name in a query.
    pub name: &'static str,
    /// What it stands for; resolvers see only this. Several names of one meaning are aliases.
    pub meaning: &'static str,
    /// Markdown; may be empty.
    pub doc: &'static str,
    /// Why not to use it any more.
    pub deprecated: Option<&'static str>,
    /// The directives applied to it.
    pub directives: &'static [Directive],
}

/// An input object type.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// Markdown; may be empty.
    pub doc: &'static str,
    /// Its fields.
    pub fields: &'static [Arg],
}

/// A scalar type beside the five of the specification; its values are strings on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Scalar {
    /// Its name.
    pub name: &'static str,
    /// Markdown; may be empty.
    pub doc: &'static str,
}

/// An object type.
pub const fn object<B: Backend>(
    name: &'static str,
    doc: &'static str,
    implements: &'static [&'static str],
    fields: &'static [Field<B>],
) -> Type<B> {
    Type::Object(Object {
        name,
        doc,
        implements,
        fields,
    })
}

/// An interface type.
pub const fn interface<B: Backend>(
    name: &'static str,
    doc: &'static str,
    implements: &'static [&'static str],
    fields: &'static [FieldDef],
) -> Type<B> {
    Type::Interface(Interface {
        name,
        doc,
        implements,
        fields,
    })
}

/// An enum type.
pub const fn enumeration<B: Backend>(
    name: &'static str,
    doc: &'static str,
    values: &'static [EnumValue],
) -> Type<B> {
    Type::Enum(Enum { name, doc, values })
}

/// A value of an enum.
pub const fn value(name: &'static str, doc: &'static str) -> EnumValue {
    EnumValue {
        name,
        meaning: name,
        doc,
        deprecated: None,
        directives: &[],
    }
}

/// An input object type.
pub const fn input<B: Backend>(
    name: &'static str,
    doc: &'static str,
    fields: &'static [Arg],
) -> Type<B> {
    Type::Input(Input { name, doc, fields })
}

/// A scalar type.
pub const fn scalar<B: Backend>(name: &'static str, doc: &'static str) -> Type<B> {
    Type::Scalar(Scalar { name, doc })
}

impl EnumValue {
    /// Makes it a name for `meaning`: resolvers see that instead of the name.
    pub const fn means(mut self, meaning: &'static str) -> Self {
        self.meaning = meaning;
        self
    }

    /// Marks it deprecated.
    pub const fn deprecated(mut self, reason: &'static str) -> Self {
        self.deprecated = Some(reason);
        self
    }

    /// Applies directives.
    pub const fn directives(mut self, directives: &'static [Directive]) -> Self {
        self.directives = directives;
        self
    }
}

impl<B: Backend> Type<B> {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Type::Object(t) => t.name,
            Type::Interface(t) => t.name,
            Type::Enum(t) => t.name,
            Type::Input(t) => t.name,
            Type::Scalar(t) => t.name,
        }
    }
}
