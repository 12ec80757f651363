//! Looks at every selection of an operation once, and says what it means or what is wrong with it.

use std::collections::HashMap;

use serde_json::Value;

use super::cycle::cycle;
use super::{FieldCall, Rejection, Step, error, field_call};
use crate::catalog::{Catalog, TypeId};
use crate::coerce::{Coercion, Variables};
use crate::suggest::did_you_mean;
use crate::syntax::{Condition, Document, FieldNode, Selection, SelectionKind, SelectionSet};
use crate::{Error, TypeRef};

/// Errors beyond this many help nobody.
const MAX_ERRORS: usize = 10;

/// What each selection of the document means in an operation that selects `root`.
pub(super) fn steps<'a>(
    catalog: &Catalog,
    document: &Document<'a>,
    variables: &Variables<'a>,
    root: SelectionSet,
    root_type: TypeId,
) -> Result<Vec<Step>, Vec<Error>> {
    let mut planner = Planner {
        catalog,
        document,
        variables,
        steps: std::iter::repeat_with(|| Step::Skip)
            .take(document.selections.len())
            .collect(),
        errors: Vec::new(),
        spreads: HashMap::new(),
    };
    planner.operation(root, root_type);
    if planner.errors.is_empty() {
        Ok(planner.steps)
    } else {
        Err(planner.errors)
    }
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
            Err(Rejection { at, message }) => {
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
        let boolean = TypeRef::named("Boolean").non_null();
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
