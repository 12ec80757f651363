//! Git repositories elsewhere: `ADD` of one, and `Query.git`.
//!
//! A name is resolved once in a session (`refs`), the commit is fetched into a bare mirror that the store keeps for each remote
//! (`mirror`), and its files become a layer (`tree`), recorded by repository and commit. Submodules are more of the same, each by the rules
//! for any repository (`submodules`): nothing of git's own handling of them is used. Only the host's `git` talks to anybody, told
//! everything by us (`command`).

mod address;
mod command;
mod complaint;
mod mirror;
mod refs;
mod submodules;
mod tree;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ci_oci::Digest;
use ci_store::Refs;

use crate::Group;
use crate::error::{Error, Result};
use crate::layers::key_of;
use crate::lazy::Lazy;
use crate::progress::Source;
use crate::secret::Secret;
use crate::session::Session;

pub(crate) use address::{Address, Scheme, shown};
use command::Git;
use complaint::Failure;
use refs::Listed;
pub(crate) use refs::{Name, Resolved};
pub(crate) use tree::{Depth, Want};

/// A repository, and how to be let in.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    pub(crate) address: Address,
    pub(crate) access: Access,
}

/// What a repository is shown to be let in.
#[derive(Clone, Default)]
pub(crate) struct Access {
    /// Values of the header `Authorization`, by the scheme and host they are for.
    headers: BTreeMap<String, Arc<[u8]>>,
    /// Socket of an SSH agent.
    pub(crate) agent: Option<PathBuf>,
    /// Lines as in `known_hosts`; the user's if absent.
    pub(crate) known_hosts: Option<String>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access")
            .field("headers", &self.headers.keys())
            .field("agent", &self.agent)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Shows this value of `Authorization` to the host of an address, and to nobody else.
    pub(crate) fn authorize(&mut self, address: &Address, header: Arc<[u8]>) {
        if let Some(origin) = address.origin() {
            self.headers.insert(origin, header);
        }
    }

    /// Tells in this process, and only there, what is asked for by this from what is asked for by another.
    fn apart(&self, key: Digest) -> Digest {
        Digest::of(format!(
            "{key} {:?} {:?} {:?}",
            self.headers, self.agent, self.known_hosts
        ))
    }

    /// The value of `Authorization` for an address.
    fn header(&self, address: &Address) -> Option<Arc<[u8]>> {
        self.headers.get(&address.origin()?).cloned()
    }

    /// What a build's secrets let in to: `GIT_AUTH_HEADER` and `GIT_AUTH_TOKEN`, and the same for one host, `GIT_AUTH_TOKEN.HOST`, which
    /// comes first. Without encryption only what names the host is shown to it.
    pub(crate) async fn of_secrets(
        address: &Address,
        secrets: &BTreeMap<String, Arc<Secret>>,
    ) -> Result<Self> {
        let mut access = Self::default();
        let host = address.host();
        let mut names = vec![
            format!("GIT_AUTH_HEADER.{host}"),
            format!("GIT_AUTH_TOKEN.{host}"),
        ];
        if address.scheme() == Scheme::Https {
            names.extend(["GIT_AUTH_HEADER", "GIT_AUTH_TOKEN"].map(str::to_owned));
        }
        for name in names {
            if let Some(secret) = secrets.get(&name) {
                let value = secret.value().await?;
                let header = if name.starts_with("GIT_AUTH_HEADER") {
                    value
                } else {
                    basic("x-access-token", &value)
                };
                access.authorize(address, one_line(&header));
                break;
            }
        }
        Ok(access)
    }
}

/// The header of a user and a password.
pub(crate) fn basic(user: &str, password: &[u8]) -> Arc<[u8]> {
    let plain = [user.as_bytes(), b":", password.trim_ascii()].concat();
    Arc::from(format!("Basic {}", STANDARD.encode(plain)).into_bytes())
}

/// Without what would begin another header.
pub(crate) fn one_line(header: &[u8]) -> Arc<[u8]> {
    let line = header
        .trim_ascii()
        .split(|byte| matches!(byte, b'\n' | b'\r' | 0));
    Arc::from(line.into_iter().next().unwrap_or_default())
}

/// A repository of the API.
#[derive(Debug)]
pub(crate) struct Repository {
    /// Names the object.
    pub(crate) id: String,
    /// As it was given, without what is secret in it.
    pub(crate) url: String,
    /// Its credentials are fetched when it is first needed.
    pub(crate) remote: Lazy<Arc<Remote>>,
    /// Whether `.git` is kept unless a call says otherwise.
    pub(crate) keep_git_dir: bool,
}

/// A name in a repository of the API.
#[derive(Debug)]
pub(crate) struct Reference {
    /// Names the object.
    pub(crate) id: String,
    pub(crate) repository: Arc<Repository>,
    pub(crate) name: Lazy<Name>,
}

/// Who is told of a fetch.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    /// Whose step it is.
    pub(crate) group: Group,
    /// The line that asks for it.
    pub(crate) source: Option<Source>,
}

impl Session {
    /// The commit that a name stands for, asked of the remote once in a session. Where the remote cannot be reached, what it was the
    /// last time is taken, with a warning.
    pub(crate) async fn git_resolve(
        self: &Arc<Self>,
        remote: &Remote,
        name: &Name,
        asker: &Asker,
    ) -> Result<Resolved> {
        name.check()?;
        if let Name::Commit(id) = name {
            return Ok(Resolved::commit(id.clone()));
        }
        let key = key_of("git-name", &(remote.address.text(), name))?;
        let (remote, name, asker) = (remote.clone(), name.clone(), asker.clone());
        let resolved =
            self.resolutions
                .entry(remote.access.apart(key), move |session: Arc<Self>| {
                    let (remote, name, asker) = (remote.clone(), name.clone(), asker.clone());
                    async move { session.ask(&remote, &name, key, &asker).await }
                });
        resolved.get(self).await
    }

    async fn ask(
        self: &Arc<Self>,
        remote: &Remote,
        name: &Name,
        key: Digest,
        asker: &Asker,
    ) -> Result<Resolved> {
        let listed = match self.git_list(remote, &name.patterns()).await? {
            Ok(listed) => listed,
            Err(failure) if failure.is_unreachable() => {
                let known: Option<Resolved> = self.store.result("git-name", &key);
                let Some(known) = known else {
                    return Err(failure.into());
                };
                let message = format!(
                    "{}; {name} is taken to be commit {}, as it was the last time",
                    Error::from(failure),
                    known.commit
                );
                let source = asker.source.clone();
                self.options
                    .progress
                    .warn(&asker.group, "Offline", message, source);
                return Ok(known);
            }
            Err(failure) => return Err(failure.into()),
        };
        let resolved = name.find(&listed).ok_or_else(|| {
            Error::new(format!(
                "git repository {}: it has no {name}",
                remote.address
            ))
        })?;
        self.store
            .put_result("git-name", &key, &resolved, Refs::default())?;
        Ok(resolved)
    }

    /// The references of a remote that match patterns; all of them, if there are no patterns.
    pub(crate) async fn git_references(
        &self,
        remote: &Remote,
        patterns: &[String],
    ) -> Result<Vec<String>> {
        let listed = self.git_list(remote, patterns).await??;
        let names = listed.objects.into_keys();
        Ok(names.filter(|name| !name.ends_with("^{}")).collect())
    }

    async fn git_list(
        &self,
        remote: &Remote,
        patterns: &[String],
    ) -> Result<std::result::Result<Listed, Failure>> {
        // Git wants a repository to read no other's configuration by accident.
        let scratch = tempfile::TempDir::new()?;
        mirror::make_empty(scratch.path())?;
        let git = Git::with_remote(scratch.path(), remote)?;
        let mut arguments = vec!["ls-remote", "--symref", "--", "origin"];
        arguments.extend(patterns.iter().map(String::as_str));
        Ok(git
            .run(&arguments, None)
            .await
            .map(|answer| Listed::parse(&answer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text, false).unwrap()
    }

    async fn header(text: &str, secrets: &[(&str, &str)]) -> Option<String> {
        let secrets = secrets.iter().map(|(name, value)| {
            let secret = Secret::plain(String::new(), (*name).to_owned(), value);
            ((*name).to_owned(), Arc::new(secret))
        });
        let access = Access::of_secrets(&address(text), &secrets.collect())
            .await
            .unwrap();
        let header = access.header(&address(text))?;
        Some(String::from_utf8(header.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_token_is_shown_as_buildkit_shows_it() {
        let token = [("GIT_AUTH_TOKEN", "abc\n")];
        let shown = header("https://example.com/a", &token).await.unwrap();
        assert_eq!(
            shown,
            format!("Basic {}", STANDARD.encode("x-access-token:abc"))
        );
    }

    /// R3 of the registries, for git: nothing secret without encryption, unless the host is named.
    #[tokio::test]
    async fn without_encryption_only_a_token_for_that_host_is_shown() {
        let general = ("GIT_AUTH_TOKEN", "general");
        let own = ("GIT_AUTH_HEADER.example.com", "Bearer own");
        assert_eq!(header("http://example.com/a", &[general]).await, None);
        assert_eq!(
            header("http://example.com/a", &[general, own])
                .await
                .unwrap(),
            "Bearer own"
        );
        assert_eq!(
            header("https://example.com/a", &[general, own])
                .await
                .unwrap(),
            "Bearer own"
        );
        assert_eq!(header("https://other.com/a", &[own]).await, None);
    }

    #[test]
    fn a_header_is_one_line() {
        assert_eq!(&*one_line(b"Bearer x\r\nHost: y"), b"Bearer x");
    }
}
