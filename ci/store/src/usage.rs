//! How much space what takes.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Bytes a tree takes on the disk; what cannot be read counts nothing.
pub(crate) fn tree_size(root: &Path) -> u64 {
    let mut total = 0;
    let mut queue = vec![root.to_owned()];
    while let Some(dir) = queue.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else {
            continue;
        };
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            total += metadata.blocks() * 512;
            if metadata.is_dir() {
                queue.push(entry.path());
            }
        }
    }
    total
}
