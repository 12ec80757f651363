//! Reading many files at once: a bare cache without its files asks the server for each one that it lacks, one connection for every
//! file, unless it is told of all of them before.

use std::collections::{BTreeMap, BTreeSet};

use super::GitError;
use super::cache::object_id;
use super::command::Git;

/// So few that are asked for one by one are not worth a look at what is there.
const FEW: usize = 4;
/// How many are read by one call, whose answer is bounded.
const AT_ONCE: usize = 256;

/// The bytes of blobs by their ids.
pub(super) async fn read(
    git: &Git,
    ids: &BTreeSet<&str>,
) -> Result<BTreeMap<String, Vec<u8>>, GitError> {
    if ids.len() > FEW {
        prefetch(git, ids).await?;
    }
    let ids: Vec<&str> = ids.iter().copied().collect();
    let mut blobs = BTreeMap::new();
    for ids in ids.chunks(AT_ONCE) {
        let answer = git.run("cat-file", &["--batch"], &lines(ids)).await?;
        let mut rest = answer.as_slice();
        for _ in ids {
            let (id, bytes, behind) = blob(rest).ok_or_else(|| git.unreadable("cat-file"))?;
            blobs.insert(id, bytes.to_vec());
            rest = behind;
        }
    }
    Ok(blobs)
}

/// Fetches those that are not there in one go.
async fn prefetch(git: &Git, ids: &BTreeSet<&str>) -> Result<(), GitError> {
    let arguments = [
        "--batch-all-objects",
        "--unordered",
        "--batch-check=%(objectname)",
    ];
    let there = git.run("cat-file", &arguments, b"").await?;
    let there: BTreeSet<&str> = there
        .split(|byte| *byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    let missing: Vec<&str> = ids.difference(&there).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    // As git does it itself for a single one: a server that knew of the commit would take its files to be there.
    let arguments = [
        "--quiet",
        "--no-tags",
        "--no-write-fetch-head",
        "--filter=blob:none",
        "--stdin",
        "origin",
    ];
    let git = git.with("fetch.negotiationAlgorithm", "noop");
    git.run("fetch", &arguments, &lines(&missing)).await?;
    Ok(())
}

fn lines(ids: &[&str]) -> Vec<u8> {
    let lines: String = ids.iter().map(|id| format!("{id}\n")).collect();
    lines.into_bytes()
}

/// `ID blob SIZE\nBYTES\n`: the id, the bytes, and what follows.
fn blob(answer: &[u8]) -> Option<(String, &[u8], &[u8])> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let (id, kind) = head.split_once(' ')?;
    let size: usize = kind.strip_prefix("blob ")?.parse().ok()?;
    let rest = answer.get(end + 1..)?;
    let bytes = rest.get(..size)?;
    let behind = rest.get(size..)?.strip_prefix(b"\n")?;
    Some((object_id(id.as_bytes())?, bytes, behind))
}
