//! The seam to the code behind the schema: what a resolver is given, and what it gives back.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::{Args, FieldDef};

/// The program behind a schema.
pub trait Backend: Send + Sync + 'static {
    /// What a field of an object type yields, and what the fields of that object start from. Cloned once per field: make it cheap.
    type Object: Clone + Send + Sync + 'static;

    /// The object type of `object`, one of the schema's.
    fn type_name(&self, object: &Self::Object) -> &'static str;
}

/// One call of a field.
pub struct Call<B: Backend> {
    /// The program behind the schema.
    pub backend: Arc<B>,
    /// The object whose field is asked for.
    pub object: B::Object,
    /// The name of its type.
    pub type_name: &'static str,
    /// The field.
    pub field: &'static FieldDef,
    /// The arguments, checked against the table.
    pub args: Args,
}

/// What a resolver answers.
pub type Resolved<B> = Result<Value<B>, FieldError>;

/// The code of a field.
pub enum Resolve<B: Backend> {
    /// Answers at once, without waiting for anything.
    Ready(fn(Call<B>) -> Resolved<B>),
    /// Answers later. Fields of one request run concurrently; [`future!`](crate::future) makes one of an `async fn`.
    Future(fn(Call<B>) -> BoxFuture<'static, Resolved<B>>),
}

impl<B: Backend> Clone for Resolve<B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B: Backend> Copy for Resolve<B> {}

/// The resolver made of an `async fn(Call<B>) -> Resolved<B>`.
#[macro_export]
macro_rules! future {
    ($function:expr) => {
        $crate::Resolve::Future(|call| ::std::boxed::Box::pin($function(call)))
    };
}

/// The resolver made of a `fn(Call<B>) -> Resolved<B>`.
pub const fn ready<B: Backend>(function: fn(Call<B>) -> Resolved<B>) -> Resolve<B> {
    Resolve::Ready(function)
}

impl<B: Backend> fmt::Debug for Resolve<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Resolve::Ready(_) => "Ready",
            Resolve::Future(_) => "Future",
        })
    }
}

/// The value of a field.
#[derive(Debug)]
pub enum Value<B: Backend> {
    /// No value; also what a field of a type without values (`Void`) answers.
    Null,
    /// A Boolean.
    Bool(bool),
    /// An Int. The specification has 32 bits; sizes need more, and no client objects.
    Int(i64),
    /// A Float; infinities and NaN are errors.
    Float(f64),
    /// A String, an ID, a scalar of the schema, or a value of an enum (its name or its meaning).
    String(String),
    /// An object, to be asked for its fields.
    Object(B::Object),
    /// A list.
    List(Vec<Value<B>>),
}

impl<B: Backend> From<bool> for Value<B> {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl<B: Backend> From<i64> for Value<B> {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl<B: Backend> From<f64> for Value<B> {
    fn from(value: f64) -> Self {
        Value::Float(value)
    }
}

impl<B: Backend> From<String> for Value<B> {
    fn from(value: String) -> Self {
        Value::String(value)
    }
}

impl<B: Backend> From<&str> for Value<B> {
    fn from(value: &str) -> Self {
        Value::String(value.to_owned())
    }
}

impl<B: Backend, T: Into<Value<B>>> From<Option<T>> for Value<B> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

impl<B: Backend, T: Into<Value<B>>> From<Vec<T>> for Value<B> {
    fn from(values: Vec<T>) -> Self {
        Value::List(values.into_iter().map(Into::into).collect())
    }
}

/// Why a field has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct FieldError {
    /// For people.
    pub message: String,
    /// For programs; becomes the error's `extensions`.
    pub extensions: Option<serde_json::Map<String, serde_json::Value>>,
}

impl FieldError {
    /// An error with a message only.
    pub fn new(message: impl Into<String>) -> Self {
        FieldError {
            message: message.into(),
            extensions: None,
        }
    }

    /// Adds machine-readable details.
    pub fn with_extensions(
        mut self,
        extensions: serde_json::Map<String, serde_json::Value>,
    ) -> Self {
        self.extensions = Some(extensions);
        self
    }
}
