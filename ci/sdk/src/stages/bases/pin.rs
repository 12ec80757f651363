//! With which content a base goes into a build: that of its written digest, that of `pipeline.lock`, or else what its registry has.
//! Whichever it is, the build is told the digest, so that what is recorded is what was used.

use ci_oci::{Digest, Reference};
use dagger_sdk::QueryContainerOptsBuilder;
use eyre::WrapErr;
use futures::future::try_join_all;

use super::Base;
use crate::context::Context;
use crate::error::{Exit, UserError};
use crate::stages::build::failure::Call;
use crate::stages::plan::Planned;

/// A base with its content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pinned {
    /// What the Dockerfile calls it.
    pub(crate) name: String,
    /// The image, without its digest.
    pub(crate) reference: Reference,
    pub(crate) digest: Digest,
}

impl Pinned {
    /// The image as the engine is told it.
    pub(crate) fn image(&self) -> String {
        let reference = self.reference.clone().with_digest(self.digest);
        reference.to_string()
    }
}

/// Decides on the content of all bases of a service. What is not known by a digest is asked for, and pulled at that.
///
/// # Errors
/// When an image cannot be pulled, or a Dagger engine would take another than is locked.
pub(crate) async fn pin(
    ctx: &Context,
    planned: &Planned<'_>,
    bases: Vec<Base>,
) -> eyre::Result<Vec<Pinned>> {
    let pinning = bases.into_iter().map(|base| async move {
        let digest = match base.written_digest() {
            Some(digest) => digest,
            None => digest(ctx, planned, &base).await?,
        };
        eyre::Ok(Pinned {
            name: base.name,
            reference: base.reference.without_digest(),
            digest,
        })
    });
    try_join_all(pinning).await
}

async fn digest(ctx: &Context, planned: &Planned<'_>, base: &Base) -> eyre::Result<Digest> {
    let lock = ctx.project().lock()?;
    let locked = lock.digest(&base.reference.to_string());
    match locked.map(str::parse).transpose()? {
        // A Dagger engine takes no named contexts, so it cannot be told: it is asked what it would take.
        Some(locked) if ctx.engine().is_embedded() => Ok(locked),
        locked => {
            let found = pulled(ctx, planned, base).await?;
            agree(&base.reference, locked, found)?;
            Ok(found)
        }
    }
}

/// What the engine pulls for a base.
async fn pulled(ctx: &Context, planned: &Planned<'_>, base: &Base) -> eyre::Result<Digest> {
    let options = QueryContainerOptsBuilder::default()
        .platform(base.platform.clone())
        .build()?;
    let query = ctx.query(planned.service.name.as_str());
    let image = query
        .container_opts(options)
        .from(base.reference.to_string());
    let answer = image.image_ref().await.told();
    let reference: Reference = answer.wrap_err_with(|| base.place.clone())?.parse()?;
    let digest = reference.digest();
    digest.ok_or_else(|| eyre::eyre!("the engine tells no digest of {reference}"))
}

/// Refuses what differs from what is locked.
fn agree(reference: &Reference, locked: Option<Digest>, found: Digest) -> Result<(), UserError> {
    match locked.filter(|locked| *locked != found) {
        None => Ok(()),
        Some(locked) => Err(UserError::new(
            Exit::Usage,
            format!(
                "{} is {found} in its registry, but {locked} in pipeline.lock, which a Dagger engine cannot be told",
                reference.familiar()
            ),
        )
        .hint(
            "write the digest into the Dockerfile, take the new one with the `lock` command, or build with `--engine embedded`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Failure;

    #[test]
    fn what_an_engine_would_take_has_to_be_what_is_locked() {
        let reference: Reference = "debian:12-slim".parse().unwrap();
        let [locked, found] = ["locked", "found"].map(Digest::of);
        assert!(agree(&reference, None, found).is_ok());
        assert!(agree(&reference, Some(found), found).is_ok());
        let failure = Failure::of(&agree(&reference, Some(locked), found).unwrap_err().into());
        assert_eq!(failure.exit(), Exit::Usage);
        let expected =
            format!("debian:12-slim is {found} in its registry, but {locked} in pipeline.lock");
        assert!(
            failure.message.starts_with(&expected),
            "{}",
            failure.message
        );
        assert!(failure.hints[0].contains("--engine embedded"));
    }

    #[test]
    fn the_engine_is_told_name_tag_and_digest() {
        let digest = Digest::of("x");
        let pinned = Pinned {
            name: "debian".into(),
            reference: "debian:12".parse().unwrap(),
            digest,
        };
        assert_eq!(
            pinned.image(),
            format!("docker.io/library/debian:12@{digest}")
        );
    }
}
