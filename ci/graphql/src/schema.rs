//! A schema: the table, indexed.

use std::sync::Arc;

use crate::catalog::{Catalog, TypeId};
use crate::check::check;
use crate::execute::execute;
use crate::plan::plan;
use crate::sdl::sdl;
use crate::syntax::parse;
use crate::{Backend, DirectiveDef, Resolve, Response, Type};

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The document.
    pub query: &'a str,
    /// The values of its variables.
    pub variables: Option<&'a serde_json::Map<String, serde_json::Value>>,
    /// Which operation of the document, when it has several.
    pub operation: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// A request without variables.
    pub const fn new(query: &'a str) -> Self {
        Request {
            query,
            variables: None,
            operation: None,
        }
    }
}

/// A schema: the table of types, indexed once. Its root is the object type `Query`.
#[derive(Debug)]
pub struct Schema<B: Backend> {
    types: Box<[&'static Type<B>]>,
    catalog: Arc<Catalog>,
}

impl<B: Backend> Schema<B> {
    /// Indexes a table, with the directives it applies. Do it once: keep the schema in a `LazyLock`.
    ///
    /// A table with defects is taken as far as it goes; [`Schema::check`] names them.
    pub fn new(types: &[&'static Type<B>], directives: &'static [DirectiveDef]) -> Self {
        Schema {
            types: types.into(),
            catalog: Catalog::new(types, directives),
        }
    }

    /// Answers a request, starting from `root`, an object of type `Query`.
    ///
    /// The whole query is validated before the first resolver is called. Fields run concurrently, within the task that polls;
    /// dropping the future drops those of all resolvers.
    pub async fn execute(
        &self,
        backend: Arc<B>,
        root: B::Object,
        request: Request<'_>,
    ) -> Response {
        let document = match parse(request.query) {
            Ok(document) => document,
            Err(error) => return Response::failure(error.into_error(request.query)),
        };
        match plan(&self.catalog, document, request) {
            Ok(plan) => execute(self, &plan, backend, root).await,
            Err(errors) => Response::rejected(errors),
        }
    }

    /// What is wrong with the table, one line per defect; for a test of the program that owns the table.
    pub fn check(&self) -> Vec<String> {
        check(&self.catalog)
    }

    /// The table in the schema definition language.
    pub fn sdl(&self) -> String {
        sdl(&self.catalog)
    }

    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    pub(crate) fn resolver(&self, owner: TypeId, index: usize) -> Option<&'static Resolve<B>> {
        match self.types.get(owner)? {
            Type::Object(object) => object.fields.get(index).map(|field| &field.resolve),
            _ => None,
        }
    }
}
