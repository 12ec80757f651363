//! RPM's own database, `Packages.db` of SUSE: pages of slots, which point at blobs (RPM, lib/backend/ndb).

use std::borrow::Cow;

use super::{MAX_HEADER, MAX_HEADERS, Why, le32};

/// Slots per page of 4 KiB; the header takes the place of two.
const SLOTS: usize = 256;
const SLOT: usize = 16;
/// Blobs begin at multiples of this, with a header of this size.
const BLOCK: usize = 16;
const MAX_PAGES: usize = 2048;

const DAMAGED: Why = "it is no database of RPM's own format";

pub(super) fn headers(content: &[u8], take: &mut dyn FnMut(Cow<'_, [u8]>)) -> Result<(), Why> {
    let word = |at: usize| le32(content, at).and_then(|it| usize::try_from(it).ok());
    let is_ours = content.starts_with(b"RpmP") && le32(content, 4) == Some(0);
    let pages = word(12)
        .filter(|it| is_ours && *it <= MAX_PAGES)
        .ok_or(DAMAGED)?;
    let mut count = 0;
    // Blobs share no bytes, so that their sizes are bounded by that of the file.
    let mut left = content.len();
    for slot in 2..pages * SLOTS {
        let at = slot * SLOT;
        if content.get(at..at + 4) != Some(b"Slot") {
            return Err(DAMAGED);
        }
        let package = word(at + 4).ok_or(DAMAGED)?;
        if package == 0 {
            continue;
        }
        count += 1;
        if count > MAX_HEADERS {
            return Err("it has too many packages");
        }
        let blob = word(at + 8).ok_or(DAMAGED)? * BLOCK;
        let is_its =
            content.get(blob..blob + 4) == Some(b"BlbS") && word(blob + 4) == Some(package);
        let size = word(blob + 12)
            .filter(|it| is_its && *it <= MAX_HEADER)
            .ok_or(DAMAGED)?;
        left = left.checked_sub(size).ok_or(DAMAGED)?;
        let start = blob + BLOCK;
        take(content.get(start..start + size).ok_or(DAMAGED)?.into());
    }
    Ok(())
}
