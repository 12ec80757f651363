//! Which services a command means, and in which order they are built.

use std::collections::BTreeSet;

use crate::diagnostic::nearest;
use crate::{Catalog, Name, Service};

/// A service was named that the catalog does not have.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no service is named `{name}`{}", hint(.nearest.as_ref(), .known))]
pub struct UnknownService {
    /// What was asked for.
    pub name: String,
    /// The nearest service there is.
    pub nearest: Option<Name>,
    /// All services, ordered by name.
    pub known: Vec<Name>,
}

fn hint(nearest: Option<&Name>, known: &[Name]) -> String {
    match nearest {
        Some(name) => format!("; did you mean `{name}`?"),
        None => {
            let names: Vec<&str> = known.iter().map(Name::as_str).collect();
            format!("; there are: {}", names.join(", "))
        }
    }
}

impl Catalog {
    /// The services a command means, ordered by name: those named, or with no names those with `default = true`; in
    /// both cases together with everything they are coupled with, since a release unit is built and released whole.
    ///
    /// # Errors
    /// When a name is unknown (the first such name).
    pub fn select(&self, names: &[String]) -> Result<Vec<&Service>, UnknownService> {
        let mut chosen: BTreeSet<&Name> = BTreeSet::new();
        if names.is_empty() {
            for service in self.services().filter(|service| service.default) {
                chosen.extend(self.unit_names(service));
            }
        }
        for name in names {
            let service = self
                .service(name.as_ref())
                .ok_or_else(|| self.unknown(name.as_ref()))?;
            chosen.extend(self.unit_names(service));
        }
        Ok(chosen
            .into_iter()
            .filter_map(|name| self.services.get(name))
            .collect())
    }

    /// The services released together with `service`, itself included, ordered by name. Coupling is read both ways
    /// and transitively.
    #[must_use]
    pub fn release_unit(&self, service: &Service) -> Vec<&Service> {
        self.unit_names(service)
            .into_iter()
            .filter_map(|name| self.services.get(name))
            .collect()
    }

    /// The services in an order in which each comes after those whose images its build reads (`service:` contexts).
    /// Services that were not given but are read are included. The order depends on nothing but the names.
    #[must_use]
    pub fn build_order<'a>(&'a self, services: &[&'a Service]) -> Vec<&'a Service> {
        let mut order = Vec::new();
        let mut seen = BTreeSet::new();
        let roots: BTreeSet<&Name> = services.iter().map(|service| &service.name).collect();
        for root in roots {
            // Depth first with an own stack: a long chain of services must not exhaust the thread's.
            let mut stack = vec![(root, false)];
            while let Some((name, done)) = stack.pop() {
                let Some(service) = self.services.get(name) else {
                    continue;
                };
                if done {
                    order.push(service);
                } else if seen.insert(&service.name) {
                    stack.push((name, true));
                    let dependencies: Vec<&Name> = service.dependencies().collect();
                    stack.extend(dependencies.into_iter().rev().map(|name| (name, false)));
                }
            }
        }
        order
    }

    fn unit_names(&self, service: &Service) -> BTreeSet<&Name> {
        let mut unit = BTreeSet::new();
        let mut todo: Vec<&Name> = self
            .services
            .get_key_value(&service.name)
            .map(|(name, _)| name)
            .into_iter()
            .collect();
        while let Some(name) = todo.pop() {
            if !unit.insert(name) {
                continue;
            }
            for other in self.services.values() {
                let coupled = other.coupled_with.contains(name)
                    || self
                        .services
                        .get(name)
                        .is_some_and(|service| service.coupled_with.contains(&other.name));
                if coupled {
                    todo.push(&other.name);
                }
            }
        }
        unit
    }

    fn unknown(&self, name: &str) -> UnknownService {
        let known: Vec<Name> = self.services.keys().cloned().collect();
        let near = nearest(name, known.iter().map(Name::as_str));
        let nearest =
            near.and_then(|near| known.iter().find(|name| name.as_str() == near).cloned());
        UnknownService {
            name: name.to_owned(),
            nearest,
            known,
        }
    }
}
