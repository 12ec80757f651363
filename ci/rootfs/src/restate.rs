//! Directories that a layer implies: something lies in them, but no entry of the layer's archive describes them.
//!
//! Applied one after the other, as most programs do it, such layers leave directories that exist as they are. Merged by the kernel,
//! the directory that was made for the layer hides the mode and owner of the one below. A small layer right above brings them back.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use ci_oci::Owners;

use crate::LayerDir;
use crate::copy::attributes;
use crate::error::{Context, Result};
use crate::merged::{Kind, Merged};
use crate::upper::Upper;

/// Writes, into the layer directory `upper`, the directories among `implied` (sorted) that `layer` makes look different from what
/// is `below` it. `None` if there are none.
///
/// # Errors
/// When the system refuses.
pub(crate) fn restate(
    below: &[LayerDir],
    layer: &LayerDir,
    implied: &[Vec<u8>],
    upper: &Path,
) -> Result<Option<Owners>> {
    let merged = Merged::open(&[below, std::slice::from_ref(layer)].concat())?;
    let below = Merged::open(below)?;
    let mut upper = Upper::open(&merged, upper)?;
    let mut is_needed = false;
    for path in implied {
        let path = Path::new(OsStr::from_bytes(path));
        let Some(original) = below
            .lstat(path)?
            .filter(|found| found.kind == Kind::Directory)
        else {
            continue;
        };
        let from = below.open_read(path)?;
        let shown = merged.lstat(path)?;
        let is_shown = shown.is_some_and(|shown| {
            (shown.mode, shown.uid, shown.gid) == (original.mode, original.uid, original.gid)
        });
        let attributes = attributes::names(from.as_fd()).context("read the attributes of", path)?;
        if is_shown && attributes.is_empty() {
            continue;
        }
        is_needed = true;
        let to = upper.directory(path, (0, 0))?;
        attributes::copy(from.as_fd(), to.as_fd()).context("copy the attributes of", path)?;
        let parent = upper.directory(path.parent().unwrap_or(Path::new("")), (0, 0))?;
        let owner = (original.uid, original.gid);
        upper.dress(parent.as_fd(), path, original.mode, owner)?;
    }
    Ok(is_needed.then(|| upper.into_owners()))
}
