//! Reading and making git's objects, without an index and without a work tree.

use std::collections::{BTreeMap, BTreeSet};

use super::cache::object_id;
use super::command::Git;
use super::{GitError, Identity, blobs};
use crate::{Contents, Entry, FileChange};

/// An entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TreeEntry {
    mode: String,
    kind: String,
    id: String,
    name: Vec<u8>,
}

const MODE_LINK: &str = "120000";
const MODE_EXECUTABLE: &str = "100755";
const MODE_FILE: &str = "100644";
const MODE_TREE: &str = "040000";

/// What stands at `paths` in `commit`.
pub(super) async fn contents(
    git: &Git,
    commit: &str,
    paths: &BTreeSet<String>,
) -> Result<Contents, GitError> {
    let mut arguments = vec!["-z", "--full-tree", commit, "--"];
    arguments.extend(paths.iter().map(String::as_str));
    let listed = entries(git, &arguments).await?;
    let is_file = |entry: &&TreeEntry| entry.kind == "blob" && entry.mode != MODE_LINK;
    let ids = listed.iter().filter(is_file).map(|it| it.id.as_str());
    let blobs = blobs::read(git, &ids.collect()).await?;
    let listed: BTreeMap<&[u8], &TreeEntry> =
        listed.iter().map(|it| (it.name.as_slice(), it)).collect();
    let mut near = BTreeMap::new();
    let mut contents = Contents::default();
    for path in paths {
        let entry = match listed.get(path.as_bytes()) {
            None => Entry::Missing {
                nearby: nearby(git, commit, path, &mut near).await?,
            },
            Some(entry) if entry.mode == MODE_LINK => Entry::Link,
            Some(entry) if entry.kind != "blob" => Entry::Folder,
            Some(entry) => Entry::File {
                bytes: match blobs.get(&entry.id) {
                    Some(bytes) => bytes.clone(),
                    None => return Err(git.unreadable("cat-file")),
                },
                executable: entry.mode == MODE_EXECUTABLE,
            },
        };
        contents.insert(path, entry);
    }
    Ok(contents)
}

/// What the nearest folder that exists holds; a dozen of it.
///
/// `known` is what folders hold that were looked at before.
async fn nearby(
    git: &Git,
    commit: &str,
    path: &str,
    known: &mut BTreeMap<String, Vec<String>>,
) -> Result<Vec<String>, GitError> {
    let parent = |path: &str| {
        path.rsplit_once('/')
            .map_or("", |(folder, _)| folder)
            .to_owned()
    };
    let first = parent(path);
    if let Some(names) = known.get(&first) {
        return Ok(names.clone());
    }
    let mut folder = first.clone();
    loop {
        let inside = format!("{folder}/");
        let mut arguments = vec!["-z", "--full-tree", commit];
        if !folder.is_empty() {
            arguments.extend(["--", &inside]);
        }
        let listed = entries(git, &arguments).await?;
        if !listed.is_empty() || folder.is_empty() {
            let names = listed.into_iter().take(12);
            let name =
                |entry: TreeEntry| crate::foreign::printable(&String::from_utf8_lossy(&entry.name));
            let names: Vec<String> = names.map(name).collect();
            known.insert(first, names.clone());
            return Ok(names);
        }
        folder = parent(&folder);
    }
}

async fn entries(git: &Git, arguments: &[&str]) -> Result<Vec<TreeEntry>, GitError> {
    let listing = git.run("ls-tree", arguments, b"").await?;
    let lines = listing
        .split(|byte| *byte == 0)
        .filter(|line| !line.is_empty());
    lines
        .map(|line| entry(line).ok_or_else(|| git.unreadable("ls-tree")))
        .collect()
}

/// `MODE KIND ID\tNAME`
fn entry(line: &[u8]) -> Option<TreeEntry> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let head = std::str::from_utf8(&line[..tab]).ok()?;
    let mut parts = head.split(' ');
    Some(TreeEntry {
        mode: parts.next()?.to_owned(),
        kind: parts.next()?.to_owned(),
        id: object_id(parts.next()?.as_bytes())?,
        name: line[tab + 1..].to_vec(),
    })
}

/// A tree like that of `commit`, with the files of `changes` as they shall be.
pub(super) async fn tree(
    git: &Git,
    commit: &str,
    changes: &BTreeMap<String, FileChange>,
) -> Result<String, GitError> {
    let mut blobs = BTreeMap::new();
    for (path, change) in changes {
        let id = git
            .run(
                "hash-object",
                &["-t", "blob", "-w", "--no-filters", "--stdin"],
                &change.after,
            )
            .await?;
        let id = object_id(&id).ok_or_else(|| git.unreadable("hash-object"))?;
        let mode = match change.executable {
            true => MODE_EXECUTABLE,
            false => MODE_FILE,
        };
        blobs.insert(path.as_str(), (mode, id));
    }
    // From the deepest folder up, each tree is made once with all that changes in it.
    let mut folders: BTreeMap<&str, Vec<TreeEntry>> = BTreeMap::new();
    for (path, (mode, id)) in blobs {
        add(&mut folders, path, mode, "blob", id);
    }
    loop {
        let depth = |path: &str| match path.is_empty() {
            true => 0,
            false => 1 + path.matches('/').count(),
        };
        let Some(deepest) = folders.keys().copied().max_by_key(|path| depth(path)) else {
            return Err(git.unreadable("mktree"));
        };
        let changed = folders.remove(deepest).unwrap_or_default();
        let id = folder(git, commit, deepest, changed).await?;
        if deepest.is_empty() {
            return Ok(id);
        }
        add(&mut folders, deepest, MODE_TREE, "tree", id);
    }
}

fn add<'a>(
    folders: &mut BTreeMap<&'a str, Vec<TreeEntry>>,
    path: &'a str,
    mode: &str,
    kind: &str,
    id: String,
) {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    folders.entry(folder).or_default().push(TreeEntry {
        mode: mode.to_owned(),
        kind: kind.to_owned(),
        id,
        name: name.into(),
    });
}

/// The tree of one folder, with these entries instead of those of the same names.
async fn folder(
    git: &Git,
    commit: &str,
    path: &str,
    changed: Vec<TreeEntry>,
) -> Result<String, GitError> {
    let tree = format!("{commit}:{path}");
    let exists = match path.is_empty() {
        true => true,
        false => {
            let at = ["-z", "--full-tree", commit, "--", path];
            entries(git, &at)
                .await?
                .iter()
                .any(|entry| entry.kind == "tree")
        }
    };
    let mut listed = match exists {
        true => entries(git, &["-z", "--full-tree", &tree]).await?,
        false => Vec::new(),
    };
    listed.retain(|entry| changed.iter().all(|new| new.name != entry.name));
    listed.extend(changed);
    let mut input = Vec::new();
    for entry in listed {
        input.extend(format!("{} {} {}\t", entry.mode, entry.kind, entry.id).bytes());
        input.extend(entry.name);
        input.push(0);
    }
    // Files that do not change were never fetched.
    let id = git.run("mktree", &["-z", "--missing"], &input).await?;
    object_id(&id).ok_or_else(|| git.unreadable("mktree"))
}

/// A commit. Its bytes are written here, so that no configuration has a say in them.
pub(super) async fn commit(
    git: &Git,
    tree: &str,
    parents: &[&str],
    identity: &Identity,
    message: &str,
) -> Result<String, GitError> {
    let by = identity.line();
    let parents: String = parents.iter().map(|it| format!("parent {it}\n")).collect();
    let text = format!("tree {tree}\n{parents}author {by}\ncommitter {by}\n\n{message}");
    let arguments = ["-t", "commit", "-w", "--stdin"];
    let id = git.run("hash-object", &arguments, text.as_bytes()).await?;
    object_id(&id).ok_or_else(|| git.unreadable("hash-object"))
}
