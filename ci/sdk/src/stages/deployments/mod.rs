//! The deployments of an environment, as `[environments.NAME.deploy]` declares them: where they are, who we are there, and what is
//! read and written. Whether that is a branch or a forge is known here and nowhere above.
//!
//! What is planned and how files are edited is [`ci_deployments`]' concern; what is promoted, and whether it may be, that of the stages.

mod failure;
mod open;

use std::collections::{BTreeMap, BTreeSet};

use ci_catalog::{Name, Service};
use ci_deployments::git::{self, PushWriter};
use ci_deployments::policy::PastState;
use ci_deployments::review::Review;
use ci_deployments::{Contents, Declaration, Promotion, Refused, Running};
use ci_deployments::{PullOutcome, PullRequestRef, gitea, github};

pub(crate) use self::failure::{refused, undeclared};
pub(crate) use self::open::{environment, server, source_repository};

/// The deployments of one environment.
#[derive(Debug)]
pub(crate) struct Deployments<'a> {
    pub(crate) environment: &'a Name,
    pub(crate) declaration: &'a Declaration,
    remote: Remote,
}

/// How they are reached.
#[derive(Debug)]
enum Remote {
    Git(Box<PushWriter>),
    GitHub(Box<github::PullRequestWriter>),
    Gitea(Box<gitea::PullRequestWriter>),
}

impl Remote {
    /// What reads the repository: git, or GitHub's interface.
    fn reader(&self) -> Result<&PushWriter, &github::PullRequestWriter> {
        match self {
            Self::Git(writer) => Ok(writer),
            Self::Gitea(writer) => Ok(writer.git()),
            Self::GitHub(writer) => Err(writer),
        }
    }
}

/// What came of a promotion or a rollback.
#[derive(Debug)]
pub(crate) enum Written {
    /// The environment has it already.
    Done {
        promotion: Promotion,
        /// Pull requests that were open for it.
        closed: Vec<PullRequestRef>,
    },
    /// It is on the branch, as this commit.
    Committed {
        promotion: Promotion,
        commit: String,
    },
    /// A pull request is open for it.
    Open {
        promotion: Promotion,
        pull: PullRequestRef,
        is_new: bool,
        /// What could not be done for it.
        warnings: Vec<String>,
        /// Pull requests that it replaces.
        closed: Vec<PullRequestRef>,
    },
    /// People closed the pull request for just this.
    Declined {
        promotion: Promotion,
        pull: PullRequestRef,
    },
}

impl Deployments<'_> {
    /// The files at `paths`, at the newest commit of the branch. What is not there is no error.
    pub(crate) async fn read(&self, paths: &BTreeSet<String>) -> eyre::Result<Contents> {
        let read = match self.remote.reader() {
            Ok(git) => git.read(paths).await.map_err(failure::git)?.1,
            Err(github) => github.read(paths).await.map_err(failure::pull_request)?,
        };
        Ok(read)
    }

    /// The files that say what is pinned of these services: the declared places, and the state map.
    pub(crate) fn paths<'s>(
        &self,
        services: impl IntoIterator<Item = &'s Name>,
    ) -> eyre::Result<BTreeSet<String>> {
        let mut paths = BTreeSet::new();
        for service in services {
            let targets = ci_deployments::targets(self.declaration, self.environment, service)
                .map_err(|error| undeclared(self.environment, &error))?;
            paths.extend(targets.into_iter().flatten().map(|target| target.file));
            paths.insert(self.state_file(service)?);
        }
        Ok(paths)
    }

    /// The file of the state map that is about a service.
    pub(crate) fn state_file(&self, service: &Name) -> eyre::Result<String> {
        Ok(
            ci_deployments::state_file(self.declaration, self.environment, service)
                .map_err(|error| undeclared(self.environment, &error))?,
        )
    }

    /// What these files say is pinned of a service; nothing: no place is declared for it.
    pub(crate) fn running(
        &self,
        service: &Service,
        contents: &Contents,
    ) -> eyre::Result<Option<Running>> {
        let repository = service.repository.parse()?;
        let running = ci_deployments::running(
            self.environment,
            self.declaration,
            &service.name,
            &repository,
            contents,
        );
        Ok(running.map_err(refused)?)
    }

    /// What was pinned of a service, newest first; at most about `most` states, if it costs to read more.
    pub(crate) async fn history(&self, service: &Name, most: u8) -> eyre::Result<Vec<PastState>> {
        let path = self.state_file(service)?;
        let history = match self.remote.reader() {
            Ok(git) => git.history(&path).await.map_err(failure::git)?,
            Err(github) => {
                let history = github.history(&path, most).await;
                history.map_err(failure::pull_request)?
            }
        };
        Ok(history)
    }

    /// When what is pinned of these services was last changed: the commit of the branch, and its time in seconds since 1970. What was
    /// not changed for long is left out.
    pub(crate) async fn last_changes(
        &self,
        services: &[&Name],
    ) -> eyre::Result<BTreeMap<Name, (String, i64)>> {
        let mut changes = BTreeMap::new();
        match self.remote.reader() {
            Ok(git) => {
                let mut files = BTreeMap::new();
                for service in services {
                    files.insert(self.state_file(service)?, (*service).clone());
                }
                let paths = files.keys().cloned().collect();
                let found = git.last_changes(&paths).await.map_err(failure::git)?;
                for (path, change) in found {
                    changes.extend(files.remove(&path).map(|service| (service, change)));
                }
            }
            Err(_) => {
                for service in services {
                    let newest = self.history(service, 1).await?.into_iter().next();
                    let change = newest.map(|past| (past.commit, past.seconds));
                    changes.extend(change.map(|change| ((*service).clone(), change)));
                }
            }
        }
        Ok(changes)
    }

    /// Plans on the files at `paths` and writes what is planned; planned again where the branch moves meanwhile. `review` is asked for
    /// what only people who review read.
    pub(crate) async fn write(
        &self,
        paths: &BTreeSet<String>,
        plan: impl Fn(&Contents) -> Result<Promotion, Refused>,
        review: impl AsyncFn(&Promotion) -> Review,
    ) -> eyre::Result<Written> {
        match &self.remote {
            Remote::Git(writer) => {
                let outcome = writer.write(paths, plan).await.map_err(failure::git)?;
                Ok(outcome.into())
            }
            Remote::GitHub(writer) => {
                let outcome = writer.write(paths, plan, review).await;
                Written::of(outcome.map_err(failure::pull_request)?)
            }
            Remote::Gitea(writer) => {
                let outcome = writer.write(paths, plan, review).await;
                Written::of(outcome.map_err(failure::pull_request)?)
            }
        }
    }

    /// The same, where a promotion that people declined is proposed again if `reopen` says so.
    pub(crate) fn reopening(mut self, reopen: bool) -> Self {
        match &mut self.remote {
            Remote::GitHub(writer) => writer.reopen = reopen,
            Remote::Gitea(writer) => writer.reopen = reopen,
            Remote::Git(_) => {}
        }
        self
    }

    /// Whether people review what is written before it counts.
    pub(crate) fn is_reviewed(&self) -> bool {
        !matches!(self.remote, Remote::Git(_))
    }
}

impl From<git::Outcome> for Written {
    fn from(outcome: git::Outcome) -> Self {
        match outcome {
            git::Outcome::Done(promotion) => Self::Done {
                promotion,
                closed: Vec::new(),
            },
            git::Outcome::Written { promotion, commit } => Self::Committed { promotion, commit },
        }
    }
}

impl Written {
    fn of(outcome: PullOutcome) -> eyre::Result<Self> {
        Ok(match outcome {
            PullOutcome::Done { promotion, closed } => Self::Done { promotion, closed },
            PullOutcome::Open {
                promotion,
                pull,
                is_new,
                warnings,
                closed,
            } => Self::Open {
                promotion,
                pull,
                is_new,
                warnings,
                closed,
            },
            PullOutcome::Declined { promotion, pull } => Self::Declined { promotion, pull },
            other => eyre::bail!("an outcome that is not known here: {other:?}"),
        })
    }
}
