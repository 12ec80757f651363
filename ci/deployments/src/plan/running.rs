//! What an environment pins, by its files and by the state map: what `status` shows and what another environment can get.

use std::collections::BTreeSet;

use ci_catalog::Name;
use ci_oci::Digest;

use super::Refused;
use super::files::bytes;
use crate::declaration::{state_file, targets};
use crate::edit::read;
use crate::{Candidate, Contents, Current, Declaration, Entry, State, Target};

/// What an environment pins of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The service.
    pub service: Name,
    /// The declared places, and what each holds; nothing: the place is to be made.
    pub places: Vec<(Target, Option<Current>)>,
    /// What the state map says.
    pub state: Option<State>,
}

impl Running {
    /// The digests that its places hold.
    pub fn digests(&self) -> BTreeSet<Digest> {
        let held = |(_, current): &(_, Option<Current>)| current.as_ref()?.digest;
        self.places.iter().filter_map(held).collect()
    }

    /// Whether its places hold this digest and no other.
    pub fn pins(&self, digest: Digest) -> bool {
        self.digests() == BTreeSet::from([digest])
    }

    /// Whether the state map is about what its places hold.
    pub fn is_told(&self) -> bool {
        self.state
            .as_ref()
            .is_some_and(|state| self.pins(state.digest))
    }

    /// What is pinned, for another environment to get.
    ///
    /// # Errors
    /// When the places disagree, or hold what no promotion put there: then nobody knows what it is.
    pub fn candidate(&self, environment: &Name) -> Result<Candidate, Refused> {
        let unknown = |reason| Refused::NotRunning {
            service: self.service.clone(),
            environment: environment.clone(),
            reason,
        };
        match self.digests().len() {
            0 => return Err(unknown("no place pins a digest")),
            1 => {}
            _ => return Err(unknown("its places pin different digests")),
        }
        match &self.state {
            Some(state) if self.is_told() => Ok(state.candidate()),
            Some(_) => Err(unknown(
                "what is pinned was changed by hand, so its commit is not known",
            )),
            None => Err(unknown(
                "it was not promoted there, so its commit is not known",
            )),
        }
    }
}

/// What `environment` pins of `service`; nothing: no place is declared for it.
///
/// `repository` is where the service's image is pushed.
///
/// # Errors
/// When a file or a place cannot be read.
pub fn running(
    environment: &Name,
    declaration: &Declaration,
    service: &Name,
    repository: &ci_oci::Reference,
    contents: &Contents,
) -> Result<Option<Running>, Refused> {
    let Some(targets) = targets(declaration, environment, service)? else {
        return Ok(None);
    };
    let state = state(declaration, environment, service, contents)?;
    let place = |target: Target| {
        let bytes = bytes(contents, &target.file)?;
        let repository = target.repository.as_ref().unwrap_or(repository);
        let current = read(bytes, &target.place, repository).map_err(|refusal| Refused::Edit {
            path: target.file.clone(),
            place: Box::new(target.place.clone()),
            refusal: Box::new(refusal),
        })?;
        Ok((target, current))
    };
    Ok(Some(Running {
        service: service.clone(),
        places: targets
            .into_iter()
            .map(place)
            .collect::<Result<_, Refused>>()?,
        state,
    }))
}

/// The state map's word on a service.
fn state(
    declaration: &Declaration,
    environment: &Name,
    service: &Name,
    contents: &Contents,
) -> Result<Option<State>, Refused> {
    let path = state_file(declaration, environment, service)?;
    match contents.get(&path) {
        Entry::File { bytes, .. } => match State::parse(bytes) {
            Ok(state) => Ok(Some(state)),
            Err(problem) => Err(Refused::State { path, problem }),
        },
        Entry::Missing { .. } => Ok(None),
        Entry::Link => Err(Refused::Link { path }),
        Entry::Folder => Err(Refused::NotAFile { path }),
    }
}
