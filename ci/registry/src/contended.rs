//! Tags that several write to: what such a tag names is the sum of what everybody put there.
//!
//! A registry has no way to write a tag only if it still names what was read. So what was written is read again after a while, by
//! when another writer that had read before us has written, and what is gone then, ours or anybody's, is put back.

use std::sync::Arc;
use std::time::Duration;

use ci_http::Bytes;
use ci_oci::{Descriptor, Reference};

use crate::client::Client;
use crate::error::Error;
use crate::manifest::{self, Manifest};
use crate::publish;
use crate::session::{Access, Session};

/// Rounds of writing against others.
const MAX_ROUNDS: usize = 20;
/// How long another writer may take from reading the tag to writing it; twice that is what some registries take for a push.
const SETTLE: Duration = Duration::from_millis(750);

/// What a tag is to name.
#[derive(Debug, Clone)]
pub struct Change {
    /// The manifest or index.
    pub manifest: Manifest,
    /// What it points at that may not be there yet.
    pub blobs: Vec<(Descriptor, Bytes)>,
}

impl Client {
    /// Changes what `reference`'s tag names, against other writers. `change` is given what it names, and gives what it is to name
    /// instead, or nothing when nothing is missing; it is called until that stays so, and what it saw once it has to put back. Of this
    /// client's tasks only one at a time changes a tag so.
    ///
    /// # Errors
    /// Those of `change`; we may not; others keep writing over the tag.
    pub async fn change_tag<E: From<Error>>(
        &self,
        reference: &Reference,
        change: impl FnMut(Option<&Manifest>) -> Result<Option<Change>, E>,
    ) -> Result<(), E> {
        self::change(self, reference, &publish::tag(reference), change).await
    }
}

/// Changes what a tag of `reference`'s repository names; see [`Client::change_tag`].
pub(crate) async fn change<E: From<Error>>(
    client: &Client,
    reference: &Reference,
    tag: &str,
    mut change: impl FnMut(Option<&Manifest>) -> Result<Option<Change>, E>,
) -> Result<(), E> {
    let session = Session::new(client, client.target(reference)?, Access::Push);
    let clock = session.endpoint.http.clock();
    let name = format!("{}:{tag}", session.endpoint.name());
    let _turn = client.turn(name.clone()).await;
    let mut written = false;
    let mut settled = false;
    for _ in 0..MAX_ROUNDS {
        let there = match manifest::get(&session, tag, None, None).await {
            Ok(there) => Some(there),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error.into()),
        };
        match change(there.as_ref())? {
            None if settled || !written => return Ok(()),
            None => settled = true,
            Some(new) => {
                for (descriptor, bytes) in new.blobs {
                    let bytes = Arc::new(bytes);
                    client
                        .push_blob(reference, &descriptor, bytes, None)
                        .await?;
                }
                publish::put(&session, tag, &new.manifest).await?;
                (written, settled) = (true, false);
            }
        }
        clock.sleep(SETTLE.mul_f64(1.0 + clock.spread())).await;
    }
    Err(Error::Contended { tag: name }.into())
}
