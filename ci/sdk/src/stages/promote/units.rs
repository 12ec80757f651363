//! Which release units of the catalog a promotion is about: each goes alone, and as a whole, without what the environment leaves out.

use std::collections::BTreeSet;

use ci_catalog::{Catalog, Name, Service};

use crate::error::{Exit, UserError};
use crate::stages::deployments::Deployments;

/// The units of the services `names`, with those coupled to them, ordered by their first services. None named: of all of `known` that
/// are deployed there.
///
/// # Errors
/// When a service is unknown, or not deployed in the environment although it is named.
pub(super) fn of<'a>(
    catalog: &'a Catalog,
    deployments: &Deployments<'_>,
    names: &[String],
    known: &[String],
) -> eyre::Result<Vec<Vec<&'a Service>>> {
    let chosen = match names {
        [] if known.is_empty() => Vec::new(),
        [] => catalog.select(known)?,
        names => catalog.select(names)?,
    };
    let mut units = Vec::new();
    let mut done: BTreeSet<&Name> = BTreeSet::new();
    for service in chosen {
        if done.contains(&service.name) {
            continue;
        }
        let unit = catalog.release_unit(service);
        done.extend(unit.iter().map(|it| &it.name));
        let mut deployed = unit;
        deployed.retain(|it| !is_left_out(deployments, &it.name));
        if !deployed.is_empty() {
            units.push(deployed);
        } else if !names.is_empty() {
            let environment = deployments.environment;
            let name = &service.name;
            let message =
                format!("{name} is not deployed in {environment}: its places are an empty list");
            return Err(UserError::new(Exit::Usage, message)
                .hint(format!(
                    "`[environments.{environment}.deploy.services]` names them"
                ))
                .into());
        }
    }
    Ok(units)
}

/// Whether an empty list says that it is not deployed there.
fn is_left_out(deployments: &Deployments<'_>, service: &Name) -> bool {
    let own = deployments.declaration.services.get(service.as_str());
    own.is_some_and(Vec::is_empty)
}
