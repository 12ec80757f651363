//! What is selected on an object: fragments opened, and selections under one key of the answer put together.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Executor, TooMuch};
use crate::catalog::TypeId;
use crate::plan::{FieldCall, Step, field_call};
use crate::syntax::{Argument, FieldNode, SelectionId, SelectionKind, SelectionSet};
use crate::{Backend, FieldError};

/// The selections under one key of an object of the answer: usually one, more when a query names the key again.
pub(super) struct Group {
    pub(super) key: Arc<str>,
    pub(super) selections: Vec<SelectionId>,
}

impl<B: Backend> Executor<'_, B> {
    /// The fields selected on an object of type `ty`, in the order of the query (June 2018 §6.3.2).
    pub(super) fn collect(
        &mut self,
        ty: TypeId,
        sets: Vec<SelectionSet>,
    ) -> Result<Vec<Group>, TooMuch> {
        let plan = self.plan;
        let mut groups: Vec<Group> = Vec::new();
        let mut by_key: HashMap<&str, usize> = HashMap::new();
        let mut spread: HashSet<&str> = HashSet::new();
        let mut stack: Vec<SelectionId> = sets.iter().rev().map(|set| set.0).collect();
        while let Some(id) = stack.pop() {
            self.step()?;
            stack.extend(plan.document.selections[id].next);
            match &plan.steps[id] {
                Step::Skip => {}
                Step::Field { key, .. } => {
                    let index = *by_key.entry(key).or_insert(groups.len());
                    match groups.get_mut(index) {
                        Some(group) => group.selections.push(id),
                        None => groups.push(Group {
                            key: key.clone(),
                            selections: vec![id],
                        }),
                    }
                }
                Step::Fragment {
                    on,
                    name,
                    selections,
                } => {
                    let applies = on.is_none_or(|on| self.catalog.is_a(ty, on));
                    let first = name.as_ref().is_none_or(|name| spread.insert(name));
                    stack.extend((applies && first).then_some(selections.0));
                }
            }
        }
        Ok(groups)
    }

    /// What a group calls. Selections under one key must agree (June 2018 §5.3.2).
    pub(super) fn call(&self, ty: TypeId, group: &Group) -> Result<FieldCall, FieldError> {
        let first = group.selections[0];
        let node = self.field_node(first)?;
        for other in &group.selections[1..] {
            let other = self.field_node(*other)?;
            if other.name != node.name || !same_args(&node.args, &other.args) {
                let message = format!(
                    "\"{}\" is asked for twice in different ways: use different aliases.",
                    group.key
                );
                return Err(FieldError::new(message));
            }
        }
        match &self.plan.steps[first] {
            Step::Field { parent, call, .. } if *parent == ty => Ok(call.clone()),
            // The query named an interface: on the object the field may have more arguments, with defaults.
            _ => {
                let at = self.plan.document.selections[first].at;
                field_call(self.catalog, &self.plan.variables, ty, node, at)
                    .map_err(|rejection| FieldError::new(rejection.message))
            }
        }
    }

    fn field_node(&self, id: SelectionId) -> Result<&FieldNode<'_>, FieldError> {
        match &self.plan.document.selections[id].kind {
            SelectionKind::Field(node) => Ok(node),
            SelectionKind::Spread(_) | SelectionKind::Inline { .. } => {
                Err(FieldError::new("a fragment is no field"))
            }
        }
    }
}

/// Whether two calls of a field say the same, in whatever order. Validation has seen to it that no argument comes twice.
fn same_args(a: &[Argument<'_>], b: &[Argument<'_>]) -> bool {
    let has = |arg: &Argument<'_>| {
        b.iter()
            .any(|other| other.name == arg.name && other.value == arg.value)
    };
    a.len() == b.len() && a.iter().all(has)
}
