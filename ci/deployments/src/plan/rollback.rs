//! Going back: a promotion of what was pinned before, made only while what it takes back is still there.

use ci_catalog::Name;

use super::{Kind, Promotion, Refused, Request, plan, running};
use crate::policy::PastState;
use crate::{Contents, Declaration, State};

/// What shall be taken back: the services of one release unit.
#[derive(Debug, Clone)]
pub struct Rollback<'a> {
    /// Where.
    pub environment: Name,
    /// What the environment declares.
    pub declaration: &'a Declaration,
    /// For every service of the unit, in the order of their names: what is pinned, and what shall be.
    pub services: Vec<(State, State)>,
}

/// Which state to go back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The one before what is pinned.
    Previous,
    /// The newest whose digest, source commit or commit of the deployments repository begins like this.
    Named(String),
}

/// What a service pins, and what it shall go back to. `history` is newest first.
///
/// # Errors
/// When there is nothing to go back to, or not just one thing.
pub fn choose(history: &[PastState], target: &Target) -> Result<(State, State), NoWayBack> {
    let (current, past) = history.split_first().ok_or(NoWayBack::Nothing)?;
    let current = &current.state;
    let others: Vec<&PastState> = past
        .iter()
        .filter(|it| it.state.digest != current.digest)
        .collect();
    let chosen = match target {
        Target::Previous => others.first().copied(),
        Target::Named(name) => {
            if name.len() < 7 {
                return Err(NoWayBack::Short(name.clone()));
            }
            let named: Vec<&PastState> =
                others.into_iter().filter(|it| is_named(it, name)).collect();
            let first = named.first().copied();
            let is_other =
                |it: &&PastState| first.is_some_and(|first| first.state.digest != it.state.digest);
            if named.iter().any(is_other) {
                return Err(NoWayBack::Ambiguous(name.clone()));
            }
            first
        }
    };
    match chosen {
        Some(chosen) => Ok((current.clone(), chosen.state.clone())),
        None => Err(match target {
            Target::Previous => NoWayBack::Nothing,
            Target::Named(name) => NoWayBack::Unknown(name.clone()),
        }),
    }
}

fn is_named(past: &PastState, name: &str) -> bool {
    let digest = past.state.digest.to_string();
    digest.starts_with(name)
        || past.state.digest.hex().starts_with(name)
        || past.state.commit.starts_with(name)
        || past.commit.starts_with(name)
}

/// Why there is nothing to go back to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoWayBack {
    /// Nothing was pinned before.
    #[error("nothing else was promoted before")]
    Nothing,
    /// The name is not in the history.
    #[error("no earlier promotion is of {0:?}")]
    Unknown(String),
    /// The name means several digests.
    #[error("{0:?} is the beginning of several digests or commits")]
    Ambiguous(String),
    /// Too few characters.
    #[error("{0:?} is too short; give at least 7 characters")]
    Short(String),
}

/// Plans a rollback.
///
/// # Errors
/// When what it takes back is not what is pinned any more, or the plan is refused.
pub fn rollback(request: &Rollback<'_>, contents: &Contents) -> Result<Promotion, Refused> {
    let Rollback {
        environment,
        declaration,
        services,
    } = request;
    let mut unit = Vec::new();
    for (from, to) in services {
        let service: Name = from.service.parse().map_err(|_| Refused::Empty)?;
        let found = running(environment, declaration, &service, &to.repository, contents)?;
        let state = found.and_then(|it| it.state);
        // It is there already: somebody else was faster with the same.
        let is_back = state.as_ref().is_some_and(|it| it.digest == to.digest);
        if !is_back && state.as_ref() != Some(from) {
            return Err(Refused::Overtaken {
                service,
                environment: environment.clone(),
            });
        }
        unit.push(service);
    }
    let request = Request {
        environment: environment.clone(),
        declaration,
        unit,
        candidates: services.iter().map(|(_, to)| to.candidate()).collect(),
        force: true,
    };
    let mut promotion = plan(&request, contents, &())?;
    promotion.kind = Kind::Rollback;
    // That it goes back is the point, and in the title.
    promotion.notes.retain(|note| !note.starts_with("Forced"));
    Ok(promotion)
}

#[cfg(test)]
mod tests;
