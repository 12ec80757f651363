//! GraphQL over one table of types: parser, validation, executor, introspection and the printed schema.
//!
//! The table ([`table`]) is the only place where types, fields, arguments and their documentation are written down. The program
//! behind it implements [`Backend`], and each field of the table names the function that answers it. Knows no particular
//! schema, and nothing of HTTP: requests come as text, answers go as text or `serde_json` values.
//!
//! ```
//! use std::sync::Arc;
//!
//! use ci_graphql::{Backend, Call, Request, Resolved, Schema, Type, Value, arg, field, future, object, ready};
//!
//! struct Greeter;
//! impl Backend for Greeter {
//!     type Object = ();
//!     fn type_name(&self, _: &()) -> &'static str {
//!         "Query"
//!     }
//! }
//!
//! async fn greet(call: Call<Greeter>) -> Resolved<Greeter> {
//!     Ok(Value::String(format!("hello, {}", call.args.string("name")?)))
//! }
//!
//! static QUERY: Type<Greeter> = object("Query", "The root.", &[], &[
//!     field("greet", "String!", "Greets somebody.", &[arg("name", "String = \"world\"", "Whom.")], future!(greet)),
//!     field("again", "Query!", "The root again.", &[], ready(|_| Ok(Value::Object(())))),
//! ]);
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let schema = Schema::new(&[&QUERY], &[]);
//! let request = Request::new("{ again { hi: greet } }");
//! let response = schema.execute(Arc::new(Greeter), (), request).await;
//! assert_eq!(response.to_json_string(), r#"{"data":{"again":{"hi":"hello, world"}}}"#);
//! # }
//! ```

mod answer;
mod args;
mod catalog;
mod check;
mod coerce;
mod execute;
mod introspection;
mod output;
mod plan;
mod resolve;
mod response;
mod schema;
mod sdl;
mod suggest;
mod syntax;
pub mod table;

#[cfg(test)]
mod tests;

pub use args::Args;
pub use resolve::{Backend, Call, FieldError, Resolve, Resolved, Value, ready};
pub use response::{Error, Location, PathSegment, Response};
pub use schema::{Request, Schema};
pub use table::{
    Arg, Directive, DirectiveDef, Enum, EnumValue, Field, FieldDef, Input, Interface, Object,
    Scalar, Type, TypeRef, Wrapper, arg, directive, directive_def, enumeration, field, input,
    interface, joined, object, scalar, signature, value,
};
