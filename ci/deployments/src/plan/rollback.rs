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

/// What the services of a unit pin, and what they shall go back to. `histories` has one history for each of them, newest first.
///
/// A unit goes back as a whole, to what all of it pinned at one time: what stayed the same meanwhile stays.
///
/// # Errors
/// When there is nothing to go back to, or not just one thing.
pub fn choose(
    histories: &[Vec<PastState>],
    target: &Target,
) -> Result<Vec<(State, State)>, NoWayBack> {
    let newest: Option<Vec<&PastState>> = histories.iter().map(|it| it.first()).collect();
    let current = newest
        .filter(|it| !it.is_empty())
        .ok_or(NoWayBack::Nothing)?;
    if let Target::Named(name) = target
        && name.len() < 7
    {
        return Err(NoWayBack::Short(name.clone()));
    }
    let mut times: Vec<&PastState> = histories.iter().flatten().collect();
    times.sort_by_key(|past| std::cmp::Reverse(past.seconds));
    let mut chosen: Option<Vec<&PastState>> = None;
    for time in times {
        let is_meant = match target {
            Target::Previous => chosen.is_none(),
            Target::Named(name) => is_named(time, name),
        };
        let Some(past) = at(histories, time).filter(|it| is_meant && !is_same(it, &current)) else {
            continue;
        };
        match (&chosen, target) {
            (Some(other), Target::Named(name)) if !is_same(other, &past) => {
                return Err(NoWayBack::Ambiguous(name.clone()));
            }
            (Some(_), _) => {}
            (None, _) => chosen = Some(past),
        }
    }
    match (chosen, target) {
        (Some(past), _) => {
            let pairs = current.iter().zip(past);
            Ok(pairs
                .map(|(from, to)| (from.state.clone(), to.state.clone()))
                .collect())
        }
        (None, Target::Previous) => Err(NoWayBack::Nothing),
        (None, Target::Named(name)) => Err(NoWayBack::Unknown(name.clone())),
    }
}

/// What all services pinned once a commit was there; nothing: some pinned nothing yet, or they were of different commits.
fn at<'a>(histories: &'a [Vec<PastState>], time: &PastState) -> Option<Vec<&'a PastState>> {
    let pinned = |history: &'a Vec<PastState>| {
        let same = history.iter().find(|it| it.commit == time.commit);
        same.or_else(|| history.iter().find(|it| it.seconds <= time.seconds))
    };
    let states: Vec<&PastState> = histories.iter().map(pinned).collect::<Option<_>>()?;
    let first = states.first()?;
    let is_whole = states
        .iter()
        .all(|it| it.state.commit == first.state.commit);
    is_whole.then_some(states)
}

/// Whether the same digests are pinned.
fn is_same(one: &[&PastState], other: &[&PastState]) -> bool {
    let digests = |it: &[&PastState]| -> Vec<_> { it.iter().map(|it| it.state.digest).collect() };
    digests(one) == digests(other)
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
