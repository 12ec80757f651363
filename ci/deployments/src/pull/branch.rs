//! The branch of a release unit: made, brought forward, or left as it is.

use std::collections::BTreeSet;

use super::{Branches, Commit, PullRequestError};
use crate::git::is_branch;
use crate::{Contents, Kind, Promotion, Refused, review};

/// What became of the branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Brought {
    /// It promotes what it should, at this commit.
    There(String),
    /// It moved meanwhile: everything is to be looked at again.
    Overtaken,
}

/// What a promotion is planned on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Base<'a> {
    pub(super) commit: &'a Commit,
    pub(super) paths: &'a BTreeSet<String>,
    /// What stands at `paths`.
    pub(super) contents: &'a Contents,
}

/// The branch of a promotion.
pub(super) fn name(promotion: &Promotion) -> Result<String, PullRequestError> {
    let name = format!("{}{}", prefix(promotion), promotion.unit);
    match is_branch(&name) {
        true => Ok(name),
        false => Err(PullRequestError::Branch(name)),
    }
}

/// What the branches of an environment's promotions begin with.
pub(super) fn prefix(promotion: &Promotion) -> String {
    let way = match promotion.kind {
        Kind::Promotion => "promote",
        Kind::Rollback => "rollback",
    };
    format!("{way}/{}/", promotion.environment)
}

/// Brings the branch to where it promotes `promotion`, which was planned on `base`.
pub(super) async fn bring(
    branches: &impl Branches,
    branch: &str,
    base: Base<'_>,
    promotion: &Promotion,
    plan: &impl Fn(&Contents) -> Result<Promotion, Refused>,
) -> Result<Brought, PullRequestError> {
    let message = review::message(promotion);
    let on = base.commit;
    let Some(head) = branches.head(branch).await? else {
        let commit = branches
            .commit(on, &promotion.files, &[&on.id], &message)
            .await?;
        let is_made = branches.create(branch, &commit).await?;
        return Ok(brought(is_made, commit));
    };
    let stands_on_base = head.parents.contains(&on.id);
    let parted = match stands_on_base {
        true => Some(on.clone()),
        false => branches.merge_base(&head, on).await?,
    };
    let is_merged = parted.as_ref().is_some_and(|it| it.id == head.id);
    // A merge is how people bring a branch up to date.
    let is_ours = head.message.contains("\nPromotion-Environment: ") || head.parents.len() > 1;
    if !is_ours && !is_merged {
        return Err(PullRequestError::Foreign {
            branch: branch.to_owned(),
        });
    }
    let there = plan(&branches.contents(&head, base.paths).await?);
    match there {
        Err(refused @ Refused::Stale { .. }) if !is_merged => {
            return Err(PullRequestError::Newer {
                branch: branch.to_owned(),
                refused: Box::new(refused),
            });
        }
        Ok(there) if there.is_done() && !is_merged => {
            let merges_well = match &parted {
                Some(parted) if parted.id == on.id => true,
                // What touches other files is merged without being asked, and reviews that were given stay.
                Some(parted) => {
                    let before = branches.contents(parted, base.paths).await?;
                    before.is_same(base.contents)
                }
                None => false,
            };
            if merges_well {
                return Ok(Brought::There(head.id));
            }
        }
        _ => {}
    }
    // On top of what is there, so that the server can see that nothing is overwritten; of what the base is now.
    let mut parents = vec![head.id.as_str()];
    if !stands_on_base {
        parents.push(&on.id);
    }
    let commit = branches
        .commit(on, &promotion.files, &parents, &message)
        .await?;
    let is_moved = branches.forward(branch, &head.id, &commit).await?;
    Ok(brought(is_moved, commit))
}

fn brought(is_taken: bool, commit: String) -> Brought {
    match is_taken {
        true => Brought::There(commit),
        false => Brought::Overtaken,
    }
}
