//! What an environment declares of its deployments, for one of its services.

mod place;

use ci_catalog::Name;
use ci_catalog::deploy::{Declaration, Forge};
use ci_http::Url;

pub use place::InvalidPlace;
pub(crate) use place::render;

use crate::Target;

/// The places of a service; none: nothing is declared for it.
///
/// # Errors
/// When a place is not well-formed.
pub fn targets(
    declaration: &Declaration,
    environment: &Name,
    service: &Name,
) -> Result<Option<Vec<Target>>, InvalidPlace> {
    let declared = match declaration.services.get(service.as_str()) {
        Some(own) => own,
        None if declaration.places.is_empty() => return Ok(None),
        None => &declaration.places,
    };
    declared
        .iter()
        .map(|place| place::target(place, environment, service))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// What serves the repository: what is declared, else what its address says. Nothing: neither says it.
pub fn forge(declaration: &Declaration) -> Option<Forge> {
    let of_address = || {
        let url: Url = declaration.repository.parse().ok()?;
        let host = url.host_str()?;
        let is_github =
            matches!(host, "github.com" | "www.github.com") || host.ends_with(".ghe.com");
        is_github.then_some(Forge::GitHub)
    };
    declaration.forge.or_else(of_address)
}

/// The file of the state map that is about a service: one for each, so that promotions of different services never meet.
///
/// # Errors
/// When the folder is not a path in the repository.
pub fn state_file(
    declaration: &Declaration,
    environment: &Name,
    service: &Name,
) -> Result<String, InvalidPlace> {
    let folder = declaration.state.trim_end_matches('/');
    place::checked_path(format!("{folder}/{environment}/{service}.toml"))
}

#[cfg(test)]
mod tests;
