//! Title and commit message. They hold nothing that others wrote: names are the catalog's, digests and commits are checked.

use std::fmt::Write as _;

use ci_catalog::Name;

use crate::plan::{list, short};
use crate::{Kind, Promotion};

/// The title of a pull request, and the first line of the commit.
pub fn title(promotion: &Promotion) -> String {
    let services: Vec<Name> = promotion
        .moves
        .iter()
        .map(|it| it.service.clone())
        .collect();
    let shown = match services.len() {
        1..=4 => list(&services),
        count => format!("{} and {} more", promotion.unit, count.saturating_sub(1)),
    };
    match promotion.kind {
        Kind::Promotion => format!("Promote {shown} to {}", promotion.environment),
        Kind::Rollback => format!("Roll back {shown} in {}", promotion.environment),
    }
}

/// The commit message, with trailers that `git interpret-trailers` reads.
pub fn message(promotion: &Promotion) -> String {
    let mut text = format!("{}\n\n", title(promotion));
    for change in &promotion.moves {
        let service = &change.service;
        let after = change.after.image.digest;
        // Writing to a string does not fail.
        let _ = match change.before {
            Some(before) if before == after => writeln!(text, "{service} stays at {after}"),
            Some(before) => writeln!(text, "{service} {before}\n  -> {after}"),
            None => writeln!(text, "{service} -> {after}"),
        };
        let _ = writeln!(
            text,
            "  built from commit {}",
            short(&change.after.source.commit)
        );
    }
    let _ = writeln!(text, "\nPromotion-Environment: {}", promotion.environment);
    for change in &promotion.moves {
        let image = change
            .after
            .image
            .repository
            .clone()
            .without_tag_and_digest();
        let image = image.with_digest(change.after.image.digest);
        let _ = writeln!(text, "Promotion-Image: {}={image}", change.service);
    }
    if let Some(change) = promotion.moves.first() {
        let _ = writeln!(text, "Promotion-Commit: {}", change.after.source.commit);
    }
    text
}
