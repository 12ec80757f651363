//! Fields, their arguments, and the directives that mark them.

use super::TypeRef;
use crate::{Backend, Resolve};

/// What a field looks like from outside; its resolver is beside it in [`Field`].
#[derive(Clone, Copy, Debug)]
pub struct FieldDef {
    /// The name in a query.
    pub name: &'static str,
    /// The type of the answer.
    pub ty: TypeRef,
    /// Markdown; may be empty.
    pub doc: &'static str,
    /// The arguments, in the order in which they are documented.
    pub args: &'static [Arg],
    /// Why not to use it any more.
    pub deprecated: Option<&'static str>,
    /// The directives applied to it.
    pub directives: &'static [Directive],
}

/// A field of an object type: its signature and the code behind it.
#[derive(Debug)]
pub struct Field<B: Backend> {
    /// The signature.
    pub def: FieldDef,
    /// The code.
    pub resolve: Resolve<B>,
}

impl<B: Backend> Clone for Field<B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B: Backend> Copy for Field<B> {}

/// The fields of several tables as one, for a type whose table would be too long for one file; `N` is how many they are.
pub const fn joined<B: Backend, const N: usize>(tables: &[&[Field<B>]]) -> [Field<B>; N] {
    let mut all = [tables[0][0]; N];
    let (mut at, mut table) = (0, 0);
    while table < tables.len() {
        let mut field = 0;
        while field < tables[table].len() {
            all[at] = tables[table][field];
            at += 1;
            field += 1;
        }
        table += 1;
    }
    assert!(at == N, "N is the number of all fields");
    all
}

/// An argument of a field, or a field of an input object.
#[derive(Clone, Copy, Debug)]
pub struct Arg {
    /// The name in a query.
    pub name: &'static str,
    /// The type of the value.
    pub ty: TypeRef,
    /// The default, as a GraphQL literal.
    pub default: Option<&'static str>,
    /// Markdown; may be empty.
    pub doc: &'static str,
    /// Why not to use it any more.
    pub deprecated: Option<&'static str>,
    /// The directives applied to it.
    pub directives: &'static [Directive],
}

/// A directive applied to a part of the schema, such as `@expectedType(name: "Container")`.
#[derive(Clone, Copy, Debug)]
pub struct Directive {
    /// The name, without `@`.
    pub name: &'static str,
    /// Argument names and values; the values are GraphQL literals.
    pub args: &'static [(&'static str, &'static str)],
}

/// The declaration of a directive.
#[derive(Clone, Copy, Debug)]
pub struct DirectiveDef {
    /// The name, without `@`.
    pub name: &'static str,
    /// Markdown; may be empty.
    pub doc: &'static str,
    /// What it takes.
    pub args: &'static [Arg],
    /// Where it may stand, such as `FIELD_DEFINITION`.
    pub locations: &'static [&'static str],
}

/// A field of an object: `field("stdout", "String!", "What it printed.", &[], future!(stdout))`.
pub const fn field<B: Backend>(
    name: &'static str,
    ty: &'static str,
    doc: &'static str,
    args: &'static [Arg],
    resolve: Resolve<B>,
) -> Field<B> {
    Field {
        def: signature(name, ty, doc, args),
        resolve,
    }
}

/// A field without code: what an interface asks of the objects that implement it.
pub const fn signature(
    name: &'static str,
    ty: &'static str,
    doc: &'static str,
    args: &'static [Arg],
) -> FieldDef {
    FieldDef {
        name,
        ty: TypeRef::parse(ty),
        doc,
        args,
        deprecated: None,
        directives: &[],
    }
}

/// An argument with its type and, after ` = `, its default as a GraphQL literal: `arg("expand", "Boolean = false", "…")`.
pub const fn arg(name: &'static str, ty: &'static str, doc: &'static str) -> Arg {
    let (ty, default) = split_default(ty);
    Arg {
        name,
        ty: TypeRef::parse(ty),
        default,
        doc,
        deprecated: None,
        directives: &[],
    }
}

/// A directive applied to something; values are GraphQL literals: `directive("expectedType", &[("name", r#""Container""#)])`.
pub const fn directive(
    name: &'static str,
    args: &'static [(&'static str, &'static str)],
) -> Directive {
    Directive { name, args }
}

/// The declaration of a directive.
pub const fn directive_def(
    name: &'static str,
    doc: &'static str,
    args: &'static [Arg],
    locations: &'static [&'static str],
) -> DirectiveDef {
    DirectiveDef {
        name,
        doc,
        args,
        locations,
    }
}

impl FieldDef {
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

impl<B: Backend> Field<B> {
    /// Marks it deprecated.
    pub const fn deprecated(mut self, reason: &'static str) -> Self {
        self.def.deprecated = Some(reason);
        self
    }

    /// Applies directives.
    pub const fn directives(mut self, directives: &'static [Directive]) -> Self {
        self.def.directives = directives;
        self
    }
}

impl Arg {
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

    /// Whether a call without it is an error.
    pub const fn is_required(&self) -> bool {
        self.ty.is_non_null() && self.default.is_none()
    }
}

/// `"Boolean = false"` → `("Boolean", Some("false"))`.
const fn split_default(text: &'static str) -> (&'static str, Option<&'static str>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at + 3 <= bytes.len() {
        if bytes[at] == b' ' && bytes[at + 1] == b'=' && bytes[at + 2] == b' ' {
            return (text.split_at(at).0, Some(text.split_at(at + 3).1));
        }
        at += 1;
    }
    (text, None)
}
