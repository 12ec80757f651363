//! The bare repository that objects are fetched into: one for each address, kept between runs, worth nothing when it is lost.

use std::fs::File;
use std::path::{Path, PathBuf};

use ci_oci::Digest;

use super::command::Git;
use super::{Address, Credential, GitError, address};

/// Written last, and only when the repository is whole.
const MARK: &str = "pipeline";
/// Commits and folders without files, and nothing that was not asked for.
const FETCH: [&str; 5] = [
    "--quiet",
    "--filter=blob:none",
    "--no-tags",
    "--no-write-fetch-head",
    "--refmap=",
];

/// A repository in the cache, held for this process alone: git's own files for shallow clones have one writer.
#[derive(Debug)]
pub(super) struct Cache {
    pub(super) git: Git,
    /// Unlocked when it is closed.
    _lock: File,
}

impl Cache {
    /// Opens the cache of `address` below `folder` and fetches the newest commit of `branch`, without its files, and as much of
    /// its history as `depth` says; its id. Waits for others that use the cache.
    pub(super) async fn open(
        folder: &Path,
        address: &Address,
        branch: &str,
        depth: &str,
        credential: Option<&Credential>,
    ) -> Result<(Self, String), GitError> {
        let name = Digest::of(address.text()).hex();
        let dir = folder.join(format!("{}.git", &name[..32]));
        let failed = |error| GitError::Cache {
            path: dir.clone(),
            error,
        };
        let lock = lock(dir.with_extension("lock")).await.map_err(failed)?;
        let cache = Self {
            git: Git::new(&dir, address, credential),
            _lock: lock,
        };
        let was_there = prepare(&dir).map_err(failed)?;
        if !was_there {
            cache.init(&dir).await?;
        }
        let base = match cache.fetch(branch, depth).await {
            // A cache that a crash left broken is made anew, once.
            Err(error) if was_there && is_broken(&error) => {
                std::fs::remove_file(dir.join(MARK)).map_err(failed)?;
                prepare(&dir).map_err(failed)?;
                cache.init(&dir).await?;
                cache.fetch(branch, depth).await?
            }
            fetched => fetched?,
        };
        Ok((cache, base))
    }

    async fn init(&self, dir: &Path) -> Result<(), GitError> {
        self.git.run("init", &["--quiet", "--bare"], b"").await?;
        std::fs::write(dir.join(MARK), self.git.address().text()).map_err(|error| GitError::Cache {
            path: dir.to_owned(),
            error,
        })
    }

    /// Fetches as much of the history of these commits as `depth` says.
    pub(super) async fn deepen(&self, commits: &[&str], depth: &str) -> Result<(), GitError> {
        let mut arguments = FETCH.to_vec();
        arguments.extend([depth, "origin"]);
        arguments.extend(commits);
        self.git.run("fetch", &arguments, b"").await.map(|_| ())
    }

    /// Fetches the newest commit of a branch, and as much of its history as `depth` says; its id.
    pub(super) async fn fetch(&self, branch: &str, depth: &str) -> Result<String, GitError> {
        let into = format!("+refs/heads/{branch}:refs/pipeline/{branch}");
        let mut arguments = FETCH.to_vec();
        arguments.extend([depth, "origin", &into]);
        let answer = self.git.answer("fetch", &arguments, b"").await?;
        if answer.success {
            let name = format!("refs/pipeline/{branch}^{{commit}}");
            let id = self
                .git
                .run("rev-parse", &["--verify", "--quiet", &name], b"")
                .await?;
            return object_id(&id).ok_or_else(|| self.git.unreadable("rev-parse"));
        }
        match answer.complaint.contains("couldn't find remote ref") {
            true => Err(GitError::NoBranch {
                address: self.git.address().to_string(),
                branch: branch.to_owned(),
            }),
            false => Err(self.git.failed("fetch", answer.complaint)),
        }
    }
}

/// Makes sure that there is a folder, and says whether it holds a whole repository. Of one that was not finished nothing stays, and
/// of one whose last user was killed no lock: this process is the only user now.
fn prepare(dir: &Path) -> std::io::Result<bool> {
    if !dir.join(MARK).exists() {
        match std::fs::remove_dir_all(dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::fs::create_dir_all(dir)?;
        return Ok(false);
    }
    let mut folders = vec![dir.join("refs")];
    let mut files = vec![
        "shallow.lock",
        "config.lock",
        "packed-refs.lock",
        "HEAD.lock",
    ]
    .into_iter()
    .map(|name| dir.join(name))
    .collect::<Vec<_>>();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => folders.push(entry.path()),
                false => files.push(entry.path()),
            }
        }
    }
    for file in files
        .iter()
        .filter(|it| it.extension().is_some_and(|it| it == "lock"))
    {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(true)
}

/// Whether git complains of the cache, not of the server.
fn is_broken(error: &GitError) -> bool {
    const SIGNS: [&str; 6] = [
        "corrupt",
        "bad object",
        "not a git repository",
        "unable to read",
        "bad ref",
        "did not receive expected object",
    ];
    matches!(error, GitError::Failed { message, .. } if SIGNS.iter().any(|sign| message.contains(sign)))
}

/// An exclusive lock on a file, which is made.
async fn lock(path: PathBuf) -> std::io::Result<File> {
    let take = move || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        file.lock()?;
        Ok(file)
    };
    tokio::task::spawn_blocking(take)
        .await
        .map_err(std::io::Error::other)?
}

/// A full object id on a line of its own.
pub(super) fn object_id(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line).ok()?.trim_end_matches('\n');
    crate::release::is_commit(text).then(|| text.to_owned())
}

/// The branch, if it is one.
pub(super) fn checked_branch(branch: &str) -> Result<&str, GitError> {
    match address::is_branch(branch) {
        true => Ok(branch),
        false => Err(GitError::Branch(branch.to_owned())),
    }
}
