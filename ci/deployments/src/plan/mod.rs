//! The promotion plan: what an environment pins now, what it shall pin, and the files that make it so.
//!
//! Pure: it is made from files that were read at one commit, and made again when that commit is no longer the branch. A release unit
//! moves as a whole: every declared place of every service in it, and the state map, or nothing.

mod age;
mod files;
mod lines;
mod refused;
mod rollback;
mod running;
mod show;

use std::collections::{BTreeMap, BTreeSet};

use ci_catalog::Name;
use ci_oci::Digest;

pub use age::{History, Relation};
pub use lines::LineChange;
pub use refused::Refused;
pub(crate) use refused::{list, short};
pub use rollback::{NoWayBack, Rollback, Target as RollbackTarget, choose, rollback};
pub use running::{Running, running};

use crate::declaration::{state_file, targets};
use crate::edit::edit;
use crate::{Candidate, Contents, Declaration, Image, InvalidPlace, State, Target};
use files::Files;

/// What shall be promoted: the services of one release unit.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Where to.
    pub environment: Name,
    /// What the environment declares.
    pub declaration: &'a Declaration,
    /// Every service of the unit, in the order of their names.
    pub unit: Vec<Name>,
    /// What is released; services of other units may be among them.
    pub candidates: Vec<Candidate>,
    /// Whether an older commit, or one that cannot be compared, may take the place of what is pinned.
    pub force: bool,
}

/// Which way a promotion goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To what was released.
    Promotion,
    /// Back to what was pinned before.
    Rollback,
}

/// The change of one release unit in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// Which way it goes.
    pub kind: Kind,
    /// Where to.
    pub environment: Name,
    /// The unit, named by its first service.
    pub unit: Name,
    /// What changes for each service, in the order of their names; those that are there already, too.
    pub moves: Vec<Move>,
    /// The files that change, by path.
    pub files: BTreeMap<String, FileChange>,
    /// What a reviewer should know.
    pub notes: Vec<String>,
}

/// The change of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The service.
    pub service: Name,
    /// What was pinned, where a digest was.
    pub before: Option<Digest>,
    /// What the state map says of what was pinned.
    pub state: Option<State>,
    /// What shall be pinned.
    pub after: Candidate,
}

/// The change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its bytes; nothing: the file is new.
    pub before: Option<Vec<u8>>,
    /// Its bytes.
    pub after: Vec<u8>,
    /// Git's executable bit, which stays.
    pub executable: bool,
}

impl Promotion {
    /// Whether the environment has it already.
    pub fn is_done(&self) -> bool {
        self.files.is_empty()
    }
}

impl FileChange {
    /// The lines that change.
    pub fn lines(&self) -> Vec<LineChange> {
        lines::changes(self.before.as_deref().unwrap_or_default(), &self.after)
    }
}

impl Request<'_> {
    /// The paths whose contents [`plan()`] needs.
    ///
    /// # Errors
    /// When a declared place is not well-formed.
    pub fn paths(&self) -> Result<BTreeSet<String>, InvalidPlace> {
        let mut paths = BTreeSet::new();
        for service in &self.unit {
            let targets = targets(self.declaration, &self.environment, service)?;
            paths.extend(targets.into_iter().flatten().map(|target| target.file));
            paths.insert(state_file(self.declaration, &self.environment, service)?);
        }
        Ok(paths)
    }
}

/// Plans the promotion of one release unit.
///
/// # Errors
/// When any part of it cannot be done: then none is.
pub fn plan(
    request: &Request<'_>,
    contents: &Contents,
    history: &impl History,
) -> Result<Promotion, Refused> {
    let environment = &request.environment;
    let mut files = Files::new(contents);
    let mut moves = Vec::new();
    let mut notes = Vec::new();
    let mut is_there = true;
    for service in &request.unit {
        let candidate = candidate(request, service)?;
        let declaration = request.declaration;
        let repository = &candidate.image.repository;
        let running = running(environment, declaration, service, repository, contents)?
            .ok_or_else(|| Refused::NoPlace {
                service: service.clone(),
                environment: environment.clone(),
            })?;
        if running.places.is_empty() {
            continue;
        }
        if !running.pins(candidate.image.digest) {
            notes.extend(age::check(request, &running, candidate, history)?);
            is_there = false;
        }
        is_there &= running.is_told();
        for (target, _) in &running.places {
            let image = image(target, candidate);
            files.change(&target.file, |bytes| {
                edit(bytes, &target.place, &image).map_err(|refusal| Refused::Edit {
                    path: target.file.clone(),
                    place: Box::new(target.place.clone()),
                    refusal: Box::new(refusal),
                })
            })?;
        }
        moves.push((running, candidate));
    }
    check_one_source(&moves)?;
    // The state of a whole unit is of one commit. What is pinned already keeps the story of how it came there.
    if !is_there {
        for (running, candidate) in &moves {
            let path = state_file(request.declaration, environment, &running.service)?;
            match State::of(candidate).write() {
                Ok(bytes) => files.put(&path, bytes),
                Err(problem) => return Err(Refused::State { path, problem }),
            }
        }
    }
    notes.extend(leftovers(&moves, &files));
    Ok(Promotion {
        kind: Kind::Promotion,
        environment: environment.clone(),
        unit: request.unit.first().cloned().ok_or(Refused::Empty)?,
        moves: moves
            .into_iter()
            .map(|(running, candidate)| Move {
                before: running.digests().into_iter().next(),
                service: running.service,
                state: running.state,
                after: candidate.clone(),
            })
            .collect(),
        files: files.into_changes(),
        notes,
    })
}

fn candidate<'a>(request: &'a Request<'_>, service: &Name) -> Result<&'a Candidate, Refused> {
    let mut of_service = request
        .candidates
        .iter()
        .filter(|candidate| candidate.service == service.as_str());
    of_service.next().ok_or_else(|| Refused::NotReleased {
        service: service.clone(),
        unit: request.unit.clone(),
    })
}

/// Services that are released together come from one commit.
fn check_one_source(moves: &[(Running, &Candidate)]) -> Result<(), Refused> {
    let commits: BTreeSet<&str> = moves
        .iter()
        .map(|(_, candidate)| candidate.source.commit.as_str())
        .collect();
    match commits.len() {
        0 | 1 => Ok(()),
        _ => Err(Refused::Mixed {
            unit: moves.iter().map(|(it, _)| it.service.clone()).collect(),
        }),
    }
}

/// Where an old digest stays in the files that were edited: perhaps a place that nobody declared.
fn leftovers(moves: &[(Running, &Candidate)], files: &Files<'_>) -> Vec<String> {
    let mut notes = BTreeSet::new();
    for (running, candidate) in moves {
        let mut old = running.digests();
        old.remove(&candidate.image.digest);
        for (target, _) in &running.places {
            for digest in &old {
                if let Some(line) = files.line_with(&target.file, &digest.to_string()) {
                    notes.insert(format!(
                        "{} still has an old digest at line {line}, which no place of {} declares.",
                        target.file, running.service
                    ));
                }
            }
        }
    }
    notes.into_iter().collect()
}

/// The image as a place names it.
fn image(target: &Target, candidate: &Candidate) -> Image {
    let mut image = candidate.image.clone();
    if let Some(repository) = &target.repository {
        image.repository = repository.clone();
    }
    image
}

#[cfg(test)]
mod tests;
