//! The executor (June 2018 §6).
//!
//! A loop over a stack of finished fields and a set of running ones, with the answer in one vector: neither the depth of a
//! query nor that of its answer uses the call stack, and everything that can run at the same time does.

mod collect;

use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;

use crate::answer::{Answer, NodeId, ROOT};
use crate::catalog::{Catalog, Kind, TypeId};
use crate::output::{Instance, Output, leaf, lift};
use crate::plan::{self, FieldCall, Plan};
use crate::syntax::{SelectionId, SelectionSet};
use crate::table::{TypeRef, Wrapper};
use crate::{
    Backend, Call, Error, FieldDef, FieldError, Resolve, Resolved, Response, Schema, introspection,
};

/// How many selections are looked at and values are put into the answer for one request: fragments in fragments can ask for
/// exponentially many. Introspection of a schema of 90 types takes less than a tenth of it.
const MAX_STEPS: usize = 1_000_000;

/// Errors beyond this many help nobody.
const MAX_ERRORS: usize = 100;

/// A field of an object of the answer.
struct Field {
    parent: &'static str,
    def: &'static FieldDef,
    selections: Vec<SelectionId>,
}

/// A value to be put into the answer.
struct Finished<B: Backend> {
    node: NodeId,
    field: Arc<Field>,
    /// The type of the value: the field's, or that of an item in it.
    ty: TypeRef,
    output: Output<B>,
}

struct Failure {
    node: NodeId,
    /// The selection it is about.
    selection: SelectionId,
    error: FieldError,
}

/// More was asked for than [`MAX_STEPS`].
struct TooMuch;

type Running<B> = BoxFuture<'static, (NodeId, Arc<Field>, Resolved<B>)>;

struct Executor<'r, B: Backend> {
    schema: &'r Schema<B>,
    catalog: &'r Arc<Catalog>,
    plan: &'r Plan<'r>,
    backend: Arc<B>,
    answer: Answer,
    failures: Vec<Failure>,
    finished: Vec<Finished<B>>,
    running: FuturesUnordered<Running<B>>,
    steps: usize,
}

/// Executes a validated operation.
pub(crate) async fn execute<B: Backend>(
    schema: &Schema<B>,
    plan: &Plan<'_>,
    backend: Arc<B>,
    root: B::Object,
) -> Response {
    let mut executor = Executor {
        schema,
        catalog: schema.catalog(),
        plan,
        backend,
        answer: Answer::new(),
        failures: Vec::new(),
        finished: Vec::new(),
        running: FuturesUnordered::new(),
        steps: 0,
    };
    match executor.run(root).await {
        Ok(()) => executor.response(),
        Err(TooMuch) => Response::failure(Error {
            message: format!(
                "The query asks for too much: its answer takes more than {MAX_STEPS} steps."
            ),
            ..Error::default()
        }),
    }
}

impl<B: Backend> Executor<'_, B> {
    async fn run(&mut self, root: B::Object) -> Result<(), TooMuch> {
        self.open(
            ROOT,
            &Instance::Own(root),
            self.plan.root_type,
            vec![self.plan.root],
        )?;
        loop {
            while let Some(finished) = self.finished.pop() {
                self.complete(finished)?;
            }
            match self.running.next().await {
                Some((node, field, resolved)) => self.resolved(
                    node,
                    field,
                    resolved.map(|value| lift(value, &Instance::Own)),
                ),
                None => return Ok(()),
            }
        }
    }

    fn step(&mut self) -> Result<(), TooMuch> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            Err(TooMuch)
        } else {
            Ok(())
        }
    }

    /// Makes `node` the answer for `object`, and starts every field selected on it.
    fn open(
        &mut self,
        node: NodeId,
        object: &Instance<B>,
        ty: TypeId,
        sets: Vec<SelectionSet>,
    ) -> Result<(), TooMuch> {
        let groups = self.collect(ty, sets)?;
        let calls: Vec<_> = groups.iter().map(|group| self.call(ty, group)).collect();
        let may_be_null = |call: &Result<FieldCall, _>| match call {
            Ok(FieldCall::Table { owner, index, .. }) => !self.def(*owner, *index).ty.is_non_null(),
            _ => true,
        };
        let keys: Vec<_> = groups
            .iter()
            .zip(&calls)
            .map(|(group, call)| (group.key.clone(), may_be_null(call)))
            .collect();
        let children = self.answer.set_object(node, keys.into_iter());
        for ((node, group), call) in children.zip(groups).zip(calls) {
            match call {
                Ok(FieldCall::TypeName) => self
                    .answer
                    .set_leaf(node, self.catalog.types[ty].name.into()),
                Ok(FieldCall::Table { owner, index, args }) => {
                    let def = self.def(owner, index);
                    let parent = self.catalog.types[ty].name;
                    let field = Arc::new(Field {
                        parent,
                        def,
                        selections: group.selections,
                    });
                    match (object, introspection::resolver(self.catalog, owner, index)) {
                        (_, Some(resolver)) => {
                            let meta = object.as_meta();
                            let call = Call {
                                backend: self.catalog.clone(),
                                object: meta,
                                type_name: parent,
                                field: def,
                                args,
                            };
                            self.resolved(
                                node,
                                field,
                                resolver(call).map(|value| lift(value, &Instance::Meta)),
                            );
                        }
                        (Instance::Own(object), None) => {
                            let call = Call {
                                backend: self.backend.clone(),
                                object: object.clone(),
                                type_name: parent,
                                field: def,
                                args,
                            };
                            self.start(node, field, owner, index, call);
                        }
                        (Instance::Meta(_), None) => {}
                    }
                }
                Err(error) => self.fail(node, group.selections[0], error),
            }
        }
        Ok(())
    }

    fn def(&self, owner: TypeId, index: usize) -> &'static FieldDef {
        self.catalog.types[owner].fields[index].def
    }

    /// Calls the program's resolver.
    fn start(
        &mut self,
        node: NodeId,
        field: Arc<Field>,
        owner: TypeId,
        index: usize,
        call: Call<B>,
    ) {
        match self.schema.resolver(owner, index) {
            Some(Resolve::Ready(resolver)) => {
                let resolved = resolver(call).map(|value| lift(value, &Instance::Own));
                self.resolved(node, field, resolved);
            }
            Some(Resolve::Future(resolver)) => {
                let future = resolver(call);
                self.running
                    .push(Box::pin(async move { (node, field, future.await) }));
            }
            None => {
                let message = format!(
                    "Field \"{}.{}\" has no resolver.",
                    field.parent, field.def.name
                );
                self.fail(node, field.selections[0], FieldError::new(message));
            }
        }
    }

    fn resolved(
        &mut self,
        node: NodeId,
        field: Arc<Field>,
        resolved: Result<Output<B>, FieldError>,
    ) {
        match resolved {
            Ok(output) => self.finished.push(Finished {
                node,
                ty: field.def.ty,
                field,
                output,
            }),
            Err(error) => self.fail(node, field.selections[0], error),
        }
    }

    fn fail(&mut self, node: NodeId, selection: SelectionId, error: FieldError) {
        self.answer.fail(node);
        self.failures.push(Failure {
            node,
            selection,
            error,
        });
    }

    /// Puts a value into the answer (June 2018 §6.4.3).
    fn complete(&mut self, finished: Finished<B>) -> Result<(), TooMuch> {
        self.step()?;
        let Finished {
            node,
            field,
            ty,
            output,
        } = finished;
        let selection = field.selections[0];
        let place = |field: &Field| format!("{}.{}", field.parent, field.def.name);
        if let Output::Null = output {
            if ty.is_non_null() {
                let message = format!(
                    "Cannot return null for non-nullable field {}.",
                    place(&field)
                );
                self.fail(node, selection, FieldError::new(message));
            }
            return Ok(());
        }
        let ty = ty.nullable();
        if !self
            .catalog
            .named(ty)
            .is_some_and(|info| info.is_composite())
        {
            match leaf(self.catalog, ty, output) {
                Ok(value) => self.answer.set_leaf(node, value),
                Err(why) => self.fail(
                    node,
                    selection,
                    FieldError::new(format!("{}: {why}", place(&field))),
                ),
            }
            return Ok(());
        }
        match (ty.unwrap_once(), output) {
            (Some((Wrapper::List, ty)), Output::List(items)) => {
                let children = self.answer.set_list(node, items.len(), !ty.is_non_null());
                let items = children.zip(items).map(|(node, output)| Finished {
                    node,
                    field: field.clone(),
                    ty,
                    output,
                });
                self.finished.extend(items);
            }
            (None, Output::Object(object)) => match self.concrete(ty, &object) {
                Ok(concrete) => {
                    let children = |id: &SelectionId| self.plan.document.selections[*id].children;
                    let sets = field.selections.iter().filter_map(children).collect();
                    self.open(node, &object, concrete, sets)?;
                }
                Err(why) => self.fail(
                    node,
                    selection,
                    FieldError::new(format!("{}: {why}", place(&field))),
                ),
            },
            (_, output) => {
                let message = format!(
                    "{}: the resolver answered {output} where {ty} is declared",
                    place(&field)
                );
                self.fail(node, selection, FieldError::new(message));
            }
        }
        Ok(())
    }

    /// The type of an object, which must be the declared one or implement it.
    fn concrete(&self, declared: TypeRef, object: &Instance<B>) -> Result<TypeId, String> {
        let name = match object {
            Instance::Own(object) => self.backend.type_name(object),
            Instance::Meta(meta) => meta.type_name(),
        };
        let concrete = self
            .catalog
            .id(name)
            .filter(|id| self.catalog.types[*id].kind == Kind::Object);
        match (concrete, self.catalog.id(declared.name())) {
            (Some(concrete), Some(wanted)) if self.catalog.is_a(concrete, wanted) => Ok(concrete),
            _ => Err(format!(
                "the resolver answered a \"{name}\" where {declared} is declared"
            )),
        }
    }

    fn response(mut self) -> Response {
        let mut failures = std::mem::take(&mut self.failures);
        if !failures.is_empty() {
            let order = self.answer.reading_order();
            failures.sort_by_key(|failure| order[failure.node]);
            failures.truncate(MAX_ERRORS);
        }
        let document = &self.plan.document;
        let error = |Failure {
                         node,
                         selection,
                         error,
                     }: Failure| Error {
            path: self.answer.path(node),
            extensions: error.extensions,
            ..plan::error(
                document.source,
                document.selections[selection].at,
                error.message,
            )
        };
        let errors = failures.into_iter().map(error).collect();
        Response::new(self.answer, errors)
    }
}
