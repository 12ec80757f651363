//! Asking registries what references mean now: a few at a time, each in a step of its own, without an engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use ci_engine::Progress;
use ci_engine::progress::Outcome;
use ci_oci::{Digest, Reference};
use ci_registry::Client;
use futures::StreamExt;
use futures::stream;

use crate::error::UserError;
use crate::project::Project;
use crate::registries;

/// How many registries are asked at once.
const AT_ONCE: usize = 8;

/// What each reference means now, or why that is not known.
pub(crate) type Answers = BTreeMap<Reference, Result<Digest, UserError>>;

/// Asks the registries of all references. The steps are shown under `group`.
///
/// # Errors
/// When no client can be made of what is declared.
pub(crate) async fn ask(
    project: &Project,
    progress: &Progress,
    group: &str,
    references: impl IntoIterator<Item = Reference>,
) -> Result<Answers, UserError> {
    let references: Vec<Reference> = references.into_iter().collect();
    if references.is_empty() {
        return Ok(Answers::new());
    }
    let client = Client::new(project.registries().clone()).map_err(registries::failure)?;
    let (client, group) = (&client, &Arc::<str>::from(group));
    let asking = stream::iter(references).map(|reference| async move {
        let step = progress.start(group, format!("ask for {}", reference.familiar()), None);
        let answer = client.digest(&reference).await;
        // Why there is none is told at the end, once; to a plan it is not even a failure.
        step.finish(match &answer {
            Ok(_) => Outcome::Done,
            Err(_) => Outcome::Canceled,
        });
        let answer = answer.map(|descriptor| descriptor.digest);
        (reference, answer.map_err(registries::failure))
    });
    Ok(asking.buffer_unordered(AT_ONCE).collect().await)
}
