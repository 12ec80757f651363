//! What is asked about each image, once however often it is run: whether it is pinned, there, and signed.

use std::collections::BTreeMap;

use ci_deployments::gate::Unpinned;
use ci_engine::Progress;
use ci_engine::progress::Outcome;
use ci_oci::Reference;
use ci_registry::Client;
use eyre::WrapErr;
use futures::{StreamExt, stream};

use super::sources::Located;
use super::{Checked, Place, Request, Setting};
use crate::error::{Exit, UserError};
use crate::registries;
use crate::stages::verify::{Demand, Verification};

/// What the steps are shown under.
const GROUP: &str = "gate";
/// How many images are asked about at once.
const AT_ONCE: usize = 8;

/// What came of an image.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// All that was asked for is true of it.
    Good {
        /// Who signed it, where that was asked for.
        signer: Option<String>,
    },
    /// The command line says that it is not to be checked.
    Excepted,
    /// What is wrong.
    Bad(eyre::Report),
}

/// Checks every image that was found. Those that are written alike are one.
pub(super) async fn at(
    setting: &Setting,
    progress: &Progress,
    request: &Request,
    found: Vec<Located>,
) -> eyre::Result<Vec<Checked>> {
    let mut images: BTreeMap<String, (Result<Reference, Unpinned>, Vec<Place>)> = BTreeMap::new();
    for Located { source, found } in found {
        let by = [Some(found.owner), found.container];
        let by: Vec<String> = by
            .into_iter()
            .flatten()
            .filter(|it| !it.is_empty())
            .collect();
        let place = Place {
            source,
            line: found.line,
            by: by.join(" "),
        };
        let image = images.entry(found.text);
        image
            .or_insert_with(|| (found.image, Vec::new()))
            .1
            .push(place);
    }
    let checks = Checks {
        registry: Client::new(setting.registries.clone()).map_err(registries::failure)?,
        verification: match &request.signatures {
            Some(demand) => Some(verification(setting, progress, demand).await?),
            None => None,
        },
        progress,
        unsigned: &request.unsigned,
    };
    let checks = &checks;
    let checking = images
        .into_iter()
        .map(|(image, (reference, places))| async move {
            let is_excepted = |place: &Place| {
                let by = place.by.as_str();
                let is =
                    |it: &String| *it == image || by == it || by.starts_with(&format!("{it} "));
                request.except.iter().any(is)
            };
            let verdict = match reference {
                _ if places.iter().all(is_excepted) => Verdict::Excepted,
                Err(problem) => Verdict::Bad(unpinned(problem).into()),
                Ok(reference) => match checks.image(&reference).await {
                    Ok(signer) => Verdict::Good { signer },
                    Err(error) => Verdict::Bad(error),
                },
            };
            Checked {
                image,
                places,
                verdict,
            }
        });
    Ok(stream::iter(checking).buffered(AT_ONCE).collect().await)
}

async fn verification(
    setting: &Setting,
    progress: &Progress,
    demand: &Demand,
) -> eyre::Result<Verification> {
    let opened = Verification::open(demand, &setting.registries).await;
    let verification = opened.wrap_err("signatures cannot be checked")?;
    if let Some(warning) = verification.warning() {
        progress.warn(&GROUP.into(), "signatures", warning, None);
    }
    Ok(verification)
}

fn unpinned(problem: Unpinned) -> UserError {
    let error = UserError::new(Exit::Failed, problem.to_string());
    match problem {
        Unpinned::NoDigest => error.hint("pin it: NAME@sha256:…; `promote` does that for services, and a third party's digest is what `docker buildx imagetools inspect NAME:TAG` shows"),
        Unpinned::Computed => error.hint("of a Compose file, name the .env file that sets the variables, too"),
        Unpinned::Built => error.hint("build it with this program, and pin what was tested"),
        Unpinned::NotAnImage => error,
    }
}

/// What pinned images are checked with.
struct Checks<'a> {
    registry: Client,
    verification: Option<Verification>,
    progress: &'a Progress,
    unsigned: &'a [String],
}

impl Checks<'_> {
    /// Whether an image is there and signed; by whom, if that was asked.
    async fn image(&self, reference: &Reference) -> eyre::Result<Option<String>> {
        let step = self.progress.start(
            &GROUP.into(),
            format!("check {}", reference.familiar()),
            None,
        );
        let result = self.ask(reference).await;
        // What is wrong is told at the end, once.
        step.finish(match &result {
            Ok(_) => Outcome::Done,
            Err(_) => Outcome::Canceled,
        });
        result
    }

    async fn ask(&self, reference: &Reference) -> eyre::Result<Option<String>> {
        let found = self.registry.digest(reference).await;
        found.map_err(|error| match error.is_not_found() {
            true => UserError::new(Exit::Failed, format!("it is not there: {error}")),
            false => registries::failure(error),
        })?;
        let Some(verification) = &self.verification else {
            return Ok(None);
        };
        if is_unsigned(self.unsigned, reference) {
            return Ok(None);
        }
        let checked = verification.check(reference, &[]).await?;
        match checked.signature {
            Ok(signer) => Ok(Some(signer)),
            Err(reason) => Err(UserError::new(Exit::Failed, reason).into()),
        }
    }
}

/// Whether an image is of one of these repositories, or below one.
fn is_unsigned(repositories: &[String], reference: &Reference) -> bool {
    let (name, familiar) = (
        reference.name(),
        reference.clone().without_tag_and_digest().familiar(),
    );
    let is_in = |repository: &String| {
        let below = format!("{}/", repository.trim_end_matches('/'));
        name == *repository || familiar == *repository || name.starts_with(&below)
    };
    repositories.iter().any(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_named_with_all_below_them() {
        let reference: Reference = "postgres:17".parse().unwrap();
        let is = |repository: &str| is_unsigned(&[repository.to_owned()], &reference);
        assert!(
            is("docker.io")
                && is("docker.io/library/")
                && is("docker.io/library/postgres")
                && is("postgres")
        );
        assert!(!is("docker.io/library/post") && !is("docker.i") && !is("") && !is("library"));
    }
}
