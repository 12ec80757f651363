//! The table of types: what a schema is written in.
//!
//! Everything here is `const`, so that a schema is a set of `static` items that read like the schema language: name, type,
//! documentation, arguments, resolver. Parsing, validation, execution, introspection and the printed schema all read this one table.

mod field;
mod type_ref;
mod types;

pub use field::{
    Arg, Directive, DirectiveDef, Field, FieldDef, arg, directive, directive_def, field, joined,
    signature,
};
pub use type_ref::{TypeRef, Wrapper};
pub use types::{
    Enum, EnumValue, Input, Interface, Object, Scalar, Type, enumeration, input, interface, object,
    scalar, value,
};
