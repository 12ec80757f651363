//! Validation: what is left of a query once every name in it has been looked up (June 2018 §5).
//!
//! Everything that can be wrong with a query is found here, before the first resolver runs: a misspelt field at the end of a
//! long chain costs nothing. Each selection is looked at once, so the time is proportional to the text.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use crate::catalog::{Catalog, Kind, QUERY, TypeId, TypeInfo};
use crate::coerce::{Coercion, Variables};
use crate::suggest::did_you_mean;
use crate::syntax::{
    Condition, Document, FieldNode, Literal, Operation, OperationKind, Selection, SelectionKind,
    SelectionSet, location,
};
use crate::{Args, Error, Request};

/// Errors beyond this many help nobody.
const MAX_ERRORS: usize = 10;

/// A validated operation.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) document: Document<'a>,
    pub(crate) variables: Variables<'a>,
    pub(crate) root: SelectionSet,
    pub(crate) root_type: TypeId,
    /// What each selection of the document means.
    pub(crate) steps: Vec<Step>,
}

/// What a selection means.
#[derive(Debug)]
pub(crate) enum Step {
    /// Nothing: excluded by a directive, or not part of this operation.
    Skip,
    /// A field of the answer.
    Field {
        /// The key of the answer.
        key: Arc<str>,
        /// The type that was assumed; an interface's field is looked up again on the object.
        parent: TypeId,
        call: FieldCall,
    },
    /// The selections of a fragment, for objects of this type.
    Fragment {
        on: Option<TypeId>,
        name: Option<Arc<str>>,
        selections: SelectionSet,
    },
}

/// Which field to call, and with what.
#[derive(Clone, Debug)]
pub(crate) enum FieldCall {
    /// `__typename`
    TypeName,
    /// A field of the table.
    Table {
        owner: TypeId,
        index: usize,
        args: Args,
    },
}

/// Validates one operation of a document against the catalog.
pub(crate) fn plan<'a>(
    catalog: &Catalog,
    document: Document<'a>,
    request: Request<'a>,
) -> Result<Plan<'a>, Vec<Error>> {
    let source = document.source;
    let fail = |at: usize, message: String| vec![error(source, at, message)];
    let operation =
        choose(&document, request.operation).map_err(|(at, message)| fail(at, message))?;
    let variables =
        variables(catalog, operation, request).map_err(|(at, message)| fail(at, message))?;
    let root_type = catalog
        .id(QUERY)
        .ok_or_else(|| fail(0, format!("the schema has no type \"{QUERY}\"")))?;
    let root = operation.selections;
    let mut planner = Planner {
        catalog,
        document: &document,
        variables: &variables,
        steps: std::iter::repeat_with(|| Step::Skip)
            .take(document.selections.len())
            .collect(),
        errors: Vec::new(),
        spreads: HashMap::new(),
    };
    planner.operation(root, root_type);
    let (steps, errors) = (planner.steps, planner.errors);
    match errors.is_empty() {
        true => Ok(Plan {
            document,
            variables,
            root,
            root_type,
            steps,
        }),
        false => Err(errors),
    }
}

pub(crate) fn error(source: &str, at: usize, message: String) -> Error {
    Error {
        message,
        locations: vec![location(source, at)],
        ..Error::default()
    }
}

type Placed<T> = Result<T, (usize, String)>;

fn choose<'d, 'a>(document: &'d Document<'a>, wanted: Option<&str>) -> Placed<&'d Operation<'a>> {
    let operation = match (wanted, document.operations.as_slice()) {
        (Some(name), operations) => operations
            .iter()
            .find(|operation| operation.name == Some(name))
            .ok_or_else(|| (0, format!("Unknown operation named \"{name}\".")))?,
        (None, [only]) => only,
        (None, [_, second, ..]) => {
            return Err((
                second.at,
                "The query has several operations: say which one to execute.".to_owned(),
            ));
        }
        (None, []) => return Err((0, "The query has no operation.".to_owned())),
    };
    match operation.kind {
        OperationKind::Query => Ok(operation),
        OperationKind::Mutation => Err((
            operation.at,
            "The schema has no mutations: everything is a query.".to_owned(),
        )),
        OperationKind::Subscription => Err((
            operation.at,
            "The schema has no subscriptions: everything is a query.".to_owned(),
        )),
    }
}

fn variables<'a>(
    catalog: &Catalog,
    operation: &Operation<'a>,
    request: Request<'a>,
) -> Placed<Variables<'a>> {
    let mut variables = Variables::with_capacity(operation.variables.len());
    for def in &operation.variables {
        let (at, name, ty) = (def.at, def.name, def.ty.text);
        if !catalog.get(def.ty.name).is_some_and(TypeInfo::is_input) {
            return Err((
                at,
                format!(
                    "Variable \"${name}\" is of type \"{ty}\", which is no input type of the schema."
                ),
            ));
        }
        let given = match request.variables.and_then(|values| values.get(name)) {
            Some(value) => Some(Literal::from_json(value).ok_or_else(|| {
                (
                    at,
                    format!("The value of variable \"${name}\" nests too deep."),
                )
            })?),
            None => def.default.clone(),
        };
        if def.ty.non_null && matches!(given, None | Some(Literal::Null)) {
            return Err((
                at,
                format!("Variable \"${name}\" of required type \"{ty}\" was not provided."),
            ));
        }
        if variables.insert(name, given).is_some() {
            return Err((
                at,
                format!("There can be only one variable named \"${name}\"."),
            ));
        }
    }
    Ok(variables)
}

struct Planner<'p, 'a> {
    catalog: &'p Catalog,
    document: &'p Document<'a>,
    variables: &'p Variables<'a>,
    steps: Vec<Step>,
    errors: Vec<Error>,
    /// The fragments this operation reaches, and those that each of them spreads.
    spreads: HashMap<&'a str, Vec<&'a str>>,
}

impl<'p, 'a> Planner<'p, 'a> {
    fn operation(&mut self, root: SelectionSet, root_type: TypeId) {
        let mut reached = Vec::new();
        self.selections(root, root_type, &mut reached);
        while let Some(name) = reached.pop() {
            let Some(fragment) = self
                .document
                .fragments
                .get(name)
                .filter(|_| !self.spreads.contains_key(name))
            else {
                continue;
            };
            let mut inner = Vec::new();
            if let Some(on) = self.composite(fragment.on, fragment.at) {
                self.selections(fragment.selections, on, &mut inner);
            }
            reached.extend(&inner);
            self.spreads.insert(name, inner);
        }
        if let Some(name) = cycle(&self.spreads) {
            let at = self
                .document
                .fragments
                .get(name)
                .map_or(0, |fragment| fragment.at);
            self.error(at, format!("Fragment \"{name}\" contains itself."));
        }
    }

    fn error(&mut self, at: usize, message: String) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error(self.document.source, at, message));
        }
    }

    /// Looks at every selection below `set`, which is selected on `parent`. Collects the fragments that are spread.
    fn selections(&mut self, set: SelectionSet, parent: TypeId, spreads: &mut Vec<&'a str>) {
        let document = self.document;
        let mut stack = vec![(set.0, parent)];
        while let Some((id, parent)) = stack.pop() {
            // A suggestion compares a name with every other: a thousand wrong names must not cost a thousand times that.
            if self.errors.len() == MAX_ERRORS {
                return;
            }
            let selection = &document.selections[id];
            stack.extend(selection.next.map(|next| (next, parent)));
            let step = match &selection.kind {
                SelectionKind::Field(node) => {
                    self.field(selection, node, parent).map(|(step, inner)| {
                        stack.extend(selection.children.zip(inner).map(|(set, ty)| (set.0, ty)));
                        step
                    })
                }
                SelectionKind::Spread(name) => {
                    spreads.push(name);
                    self.spread(name, selection.at)
                }
                SelectionKind::Inline { on } => {
                    let on = on.map(|name| self.composite(name, selection.at));
                    match (selection.children, on) {
                        (Some(selections), None | Some(Some(_))) => {
                            let on = on.flatten();
                            stack.push((selections.0, on.unwrap_or(parent)));
                            Some(Step::Fragment {
                                on,
                                name: None,
                                selections,
                            })
                        }
                        _ => None,
                    }
                }
            };
            let selected = self.is_selected(&selection.conditions);
            if let Some(step) = step.filter(|_| selected) {
                self.steps[id] = step;
            }
        }
    }

    /// A field, and the type of what is selected inside it.
    fn field(
        &mut self,
        selection: &Selection<'a>,
        node: &FieldNode<'a>,
        parent: TypeId,
    ) -> Option<(Step, Option<TypeId>)> {
        let call = match field_call(self.catalog, self.variables, parent, node, selection.at) {
            Ok(call) => call,
            Err((at, message)) => {
                self.error(at, message);
                return None;
            }
        };
        let info = match &call {
            FieldCall::TypeName => self.catalog.get("String"),
            FieldCall::Table { owner, index, .. } => self
                .catalog
                .named(self.catalog.types[*owner].fields[*index].def.ty),
        };
        let inner = info.filter(|info| info.is_composite());
        let name = info.map_or("?", |info| info.name);
        if inner.is_some() && selection.children.is_none() {
            let message = format!(
                "Field \"{}\" of type \"{name}\" must have a selection of subfields.",
                node.name
            );
            self.error(selection.at, message);
        }
        if inner.is_none() && selection.children.is_some() {
            let message = format!(
                "Field \"{}\" must not have a selection since type \"{name}\" has no subfields.",
                node.name
            );
            self.error(selection.at, message);
        }
        let inner = inner.and_then(|info| self.catalog.id(info.name));
        Some((
            Step::Field {
                key: node.key().into(),
                parent,
                call,
            },
            inner,
        ))
    }

    fn spread(&mut self, name: &'a str, at: usize) -> Option<Step> {
        match self.document.fragments.get(name) {
            Some(fragment) => Some(Step::Fragment {
                on: self.catalog.id(fragment.on),
                name: Some(name.into()),
                selections: fragment.selections,
            }),
            None => {
                let near = did_you_mean(name, self.document.fragments.keys().copied());
                self.error(at, format!("Unknown fragment \"{name}\".{near}"));
                None
            }
        }
    }

    /// The type a fragment is on.
    fn composite(&mut self, name: &str, at: usize) -> Option<TypeId> {
        let found = self
            .catalog
            .id(name)
            .filter(|id| self.catalog.types[*id].is_composite());
        if found.is_none() {
            let composite = self
                .catalog
                .types
                .iter()
                .filter(|info| info.is_composite())
                .map(|info| info.name);
            let near = did_you_mean(name, composite);
            self.error(
                at,
                format!(
                    "Fragments can only be on objects and interfaces, and \"{name}\" is none.{near}"
                ),
            );
        }
        found
    }

    fn is_selected(&mut self, conditions: &[Condition<'a>]) -> bool {
        let boolean = crate::TypeRef::named("Boolean").non_null();
        conditions.iter().all(|condition| {
            let value = match condition.args.as_slice() {
                [arg] if arg.name == "if" => Coercion::new(self.catalog, self.variables)
                    .value(boolean, &arg.value)
                    .map_err(|misfit| misfit.message),
                _ => Err("it takes one argument, \"if\"".to_owned()),
            };
            match value {
                Ok(Some(Value::Bool(value))) => value == (condition.name == "include"),
                Ok(_) => {
                    self.error(
                        condition.at,
                        format!(
                            "Directive \"@{}\": expected {boolean}, found null.",
                            condition.name
                        ),
                    );
                    true
                }
                Err(why) => {
                    self.error(
                        condition.at,
                        format!("Directive \"@{}\": {why}.", condition.name),
                    );
                    true
                }
            }
        })
    }
}

/// Looks a field up on a type and coerces its arguments.
pub(crate) fn field_call(
    catalog: &Catalog,
    variables: &Variables<'_>,
    parent: TypeId,
    node: &FieldNode<'_>,
    at: usize,
) -> Placed<FieldCall> {
    let info = &catalog.types[parent];
    if node.name == "__typename" {
        return match node.args.first() {
            None => Ok(FieldCall::TypeName),
            Some(arg) => Err((
                arg.at,
                format!(
                    "Unknown argument \"{}\" on field \"{}.__typename\".",
                    arg.name, info.name
                ),
            )),
        };
    }
    let Some((owner, index)) = catalog.field(parent, node.name) else {
        return Err((at, unknown_field(catalog, info, node.name)));
    };
    let field = &catalog.types[owner].fields[index];
    let args = Coercion::new(catalog, variables)
        .args(info.name, field, &node.args, at)
        .map_err(|bad| (bad.at, bad.message))?;
    Ok(FieldCall::Table { owner, index, args })
}

fn unknown_field(catalog: &Catalog, info: &TypeInfo, name: &str) -> String {
    let shown: String = name.chars().take(100).collect();
    let mut near = did_you_mean(name, info.fields.iter().map(|field| field.def.name));
    if info.kind == Kind::Interface && near.is_empty() {
        let having: Vec<_> = catalog
            .possible(info)
            .filter(|object| object.field(name).is_some())
            .map(|object| object.name)
            .collect();
        if let [first, ..] = having.as_slice() {
            near =
                format!(" It is a field of \"{first}\": write \"... on {first} {{ {shown} }}\".");
        }
    }
    format!(
        "Cannot query field \"{shown}\" on type \"{}\".{near}",
        info.name
    )
}

/// A fragment that, directly or through others, contains itself: takes away those that spread nothing (any more) until none
/// is left to take.
fn cycle<'a>(spreads: &HashMap<&'a str, Vec<&'a str>>) -> Option<&'a str> {
    let mut users: HashMap<&str, Vec<&'a str>> = HashMap::new();
    let mut open: HashMap<&'a str, usize> = HashMap::new();
    for (user, used) in spreads {
        let known = used.iter().filter(|name| spreads.contains_key(**name));
        for name in known {
            users.entry(name).or_default().push(user);
            *open.entry(user).or_default() += 1;
        }
    }
    let mut done: Vec<&str> = spreads
        .keys()
        .filter(|name| !open.contains_key(**name))
        .copied()
        .collect();
    while let Some(name) = done.pop() {
        for user in users.remove(name).unwrap_or_default() {
            if let Some(count) = open.get_mut(user) {
                *count -= 1;
                if *count == 0 {
                    open.remove(user);
                    done.push(user);
                }
            }
        }
    }
    // What is left is in a cycle or leads to one: walk until a name comes again.
    let mut name = *open.keys().min()?;
    let mut passed = HashSet::new();
    while passed.insert(name) {
        name = spreads
            .get(name)?
            .iter()
            .find(|name| open.contains_key(**name))?;
    }
    Some(name)
}
