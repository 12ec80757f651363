//! Git's objects over REST: reading files at a commit, and making a commit.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ci_http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::forge::GitHub;
use crate::foreign::printable;
use crate::pull::Commit;
use crate::{Contents, Entry, FileChange, PullRequestError};

#[derive(Deserialize)]
struct GitCommit {
    sha: String,
    message: String,
    tree: Object,
    parents: Vec<Object>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Object {
    pub(super) sha: String,
}

#[derive(Deserialize)]
struct Tree {
    tree: Vec<TreeEntry>,
    truncated: bool,
}

#[derive(Deserialize)]
struct TreeEntry {
    path: String,
    mode: String,
    #[serde(rename = "type")]
    kind: String,
    sha: String,
}

#[derive(Deserialize)]
struct Blob {
    content: String,
    encoding: String,
}

impl GitHub {
    /// A commit.
    pub(super) async fn object(&self, id: &str) -> Result<Commit, PullRequestError> {
        let url = self.api.of_repository(&["git", "commits", id]);
        let found: GitCommit = self.api.get(&url, &[]).await?.json()?;
        Ok(Commit {
            id: found.sha,
            tree: found.tree.sha,
            message: found.message,
            parents: found.parents.into_iter().map(|it| it.sha).collect(),
        })
    }

    /// What stands at `paths` in a commit. Folders are read one by one, each once.
    pub(super) async fn files(
        &self,
        commit: &Commit,
        paths: &BTreeSet<String>,
    ) -> Result<Contents, PullRequestError> {
        let mut trees: HashMap<String, Tree> = HashMap::new();
        let mut contents = Contents::default();
        for path in paths {
            contents.insert(path, self.entry(commit, path, &mut trees).await?);
        }
        Ok(contents)
    }

    async fn entry(
        &self,
        commit: &Commit,
        path: &str,
        trees: &mut HashMap<String, Tree>,
    ) -> Result<Entry, PullRequestError> {
        let mut folder = String::new();
        let mut sha = commit.tree.clone();
        let mut names = path.split('/').peekable();
        while let Some(name) = names.next() {
            if !trees.contains_key(&sha) {
                let tree = self.tree(&sha).await?;
                trees.insert(sha.clone(), tree);
            }
            let Some(tree) = trees.get(&sha) else {
                break;
            };
            let found = tree.tree.iter().find(|entry| entry.path == name);
            match found {
                Some(entry) if names.peek().is_some() && entry.kind == "tree" => {
                    sha.clone_from(&entry.sha);
                    folder += &format!("{name}/");
                }
                // Through a link leads no path of git's.
                Some(entry) if names.peek().is_none() => return self.file(entry).await,
                _ => {
                    let nearby = tree.tree.iter().take(12);
                    return Ok(Entry::Missing {
                        nearby: nearby
                            .map(|it| printable(&format!("{folder}{}", it.path)))
                            .collect(),
                    });
                }
            }
        }
        Ok(Entry::Folder)
    }

    async fn tree(&self, sha: &str) -> Result<Tree, PullRequestError> {
        let url = self.api.of_repository(&["git", "trees", sha]);
        let tree: Tree = self.api.get(&url, &[]).await?.json()?;
        match tree.truncated {
            true => Err(PullRequestError::Unreadable {
                call: format!("GET {}", url.path()),
                message: "a folder has more entries than GitHub lists".to_owned(),
            }),
            false => Ok(tree),
        }
    }

    async fn file(&self, entry: &TreeEntry) -> Result<Entry, PullRequestError> {
        if entry.mode == "120000" {
            return Ok(Entry::Link);
        }
        if entry.kind != "blob" {
            return Ok(Entry::Folder);
        }
        let url = self.api.of_repository(&["git", "blobs", &entry.sha]);
        let blob: Blob = self.api.get(&url, &[]).await?.json()?;
        let bytes = match blob.encoding.as_str() {
            "base64" => STANDARD.decode(blob.content.replace('\n', "")).ok(),
            _ => Some(blob.content.into_bytes()),
        };
        Ok(Entry::File {
            bytes: bytes.ok_or_else(|| PullRequestError::Unreadable {
                call: format!("GET {}", url.path()),
                message: "it is not base64".to_owned(),
            })?,
            executable: entry.mode == "100755",
        })
    }

    /// Makes a commit like `base` with the files of `changes`, on these parents. Author and committer are left to GitHub, which
    /// signs commits of Apps only then.
    pub(super) async fn make_commit(
        &self,
        base: &Commit,
        changes: &BTreeMap<String, FileChange>,
        parents: &[&str],
        message: &str,
    ) -> Result<String, PullRequestError> {
        let mut entries = Vec::new();
        for (path, change) in changes {
            let body = json!({ "content": STANDARD.encode(&change.after), "encoding": "base64" });
            let blob = self.make("blobs", &body).await?;
            let mode = match change.executable {
                true => "100755",
                false => "100644",
            };
            entries.push(json!({ "path": path, "mode": mode, "type": "blob", "sha": blob.sha }));
        }
        let body = json!({ "base_tree": base.tree, "tree": entries });
        let tree = self.make("trees", &body).await?;
        let body = json!({ "message": message, "tree": tree.sha, "parents": parents });
        Ok(self.make("commits", &body).await?.sha)
    }

    async fn make(&self, kind: &str, body: &serde_json::Value) -> Result<Object, PullRequestError> {
        let url = self.api.of_repository(&["git", kind]);
        let answer = self.api.send(Method::POST, &url, body).await?;
        answer.expect(&[StatusCode::CREATED])?.json()
    }
}
