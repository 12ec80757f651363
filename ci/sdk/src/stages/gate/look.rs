//! What is asked about each image, once however often it is run: whether it is pinned, there, and signed.

use std::collections::BTreeMap;

use ci_deployments::gate::Unpinned;
use ci_oci::Reference;
use ci_registry::Client;
use futures::StreamExt;
use futures::stream;

use super::sources::Located;
use super::{Checked, Place, Request, Setting};
use crate::error::{Exit, UserError};
use crate::registries;

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
    Bad(UserError),
}

/// Checks every image that was found. Those that are written alike are one.
pub(super) async fn at(
    setting: &Setting,
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
    let client = Client::new(setting.registries.clone()).map_err(registries::failure)?;
    let client = &client;
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
                Err(problem) => Verdict::Bad(unpinned(problem)),
                Ok(reference) => match check(client, request, &reference).await {
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

fn unpinned(problem: Unpinned) -> UserError {
    let error = UserError::new(Exit::Failed, problem.to_string());
    match problem {
        Unpinned::NoDigest => error.hint("pin it: NAME@sha256:…; `promote` does that for services, and a third party's digest is what `docker buildx imagetools inspect NAME:TAG` shows"),
        Unpinned::Computed => error.hint("of a Compose file, name the .env file that sets the variables, too"),
        Unpinned::Built => error.hint("build it with this program, and pin what was tested"),
        Unpinned::NotAnImage => error,
    }
}

/// Whether a pinned image is there, and who signed it.
async fn check(
    client: &Client,
    request: &Request,
    reference: &Reference,
) -> Result<Option<String>, UserError> {
    let found = client.digest(reference).await;
    found.map_err(|error| match error.is_not_found() {
        true => UserError::new(Exit::Failed, format!("it is not there: {error}")),
        false => registries::failure(error),
    })?;
    match request.signatures && !is_unsigned(&request.unsigned, reference) {
        true => Err(UserError::new(
            Exit::Machine,
            "its signature cannot be checked by this program",
        )
        .hint("`--no-signatures` checks only whether images are pinned and there")),
        false => Ok(None),
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
