//! Where an environment's deployments are, and who we are there.
//!
//! | writer | repository | credentials |
//! |---|---|---|
//! | `push` | any git remote | `PIPELINE_DEPLOY_TOKEN` over HTTPS, else what the user's git is configured with |
//! | `pull-request` | GitHub | `PIPELINE_DEPLOY_TOKEN`, else an App's `PIPELINE_DEPLOY_APP_ID` and `PIPELINE_DEPLOY_APP_KEY`, else the job's `GITHUB_TOKEN` |
//! | `pull-request` | Gitea, Forgejo | `PIPELINE_DEPLOY_TOKEN`, else the job's `GITHUB_TOKEN` |

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use ci_catalog::{Catalog, Environment, Name};
use ci_deployments::git::{Address, Credential, Identity, PushWriter};
use ci_deployments::gitea;
use ci_deployments::github::{Auth, PullRequestWriter, Repository, SourceRepository};
use ci_deployments::{Declaration, Forge, WriterKind};
use ci_http::{Clock, Http, Options, Retry, SystemClock, Url};

use super::{Deployments, Remote};
use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::stages::git;

const TOKEN: &str = "PIPELINE_DEPLOY_TOKEN";
const USER: &str = "PIPELINE_DEPLOY_USER";
const APP_ID: &str = "PIPELINE_DEPLOY_APP_ID";
const APP_KEY: &str = "PIPELINE_DEPLOY_APP_KEY";

/// Folder of the checkout's state folder for what is fetched of deployments repositories.
const CACHE: &str = "deployments";
/// As whom commits are made where nobody says.
const NOBODY: (&str, &str) = ("pipeline", "pipeline@localhost");
/// Many promotions at once are nothing special: each of a branch's turns takes about a second.
const PATIENT: Retry = Retry {
    attempts: 60,
    first: Duration::from_millis(250),
    longest: Duration::from_secs(5),
    patience: Duration::from_secs(60),
};

/// An environment of the catalog and its deployments.
///
/// # Errors
/// When there is no such environment, or nothing is declared to be deployed there.
pub(crate) fn environment<'a>(
    catalog: &'a Catalog,
    name: &str,
) -> eyre::Result<(&'a Environment, &'a Declaration)> {
    let environment = catalog.environment(name).ok_or_else(|| {
        let names = catalog.environments().map(|it| it.name.as_str());
        crate::stages::plan::unknown_environment(name, &names.collect::<Vec<_>>())
    })?;
    let declaration = environment.deploy.as_ref().ok_or_else(|| {
        UserError::new(
            Exit::Usage,
            format!("pipeline.toml does not say where the deployments of {name} are"),
        )
        .hint(format!(
            "declare them in `[environments.{name}.deploy]`: `repository`, and `places` that name images"
        ))
    })?;
    Ok((environment, declaration))
}

impl<'a> Deployments<'a> {
    /// The deployments of an environment. Nothing is reached yet.
    ///
    /// # Errors
    /// When they are not declared, or the declaration or the credentials are of no use.
    pub(crate) fn open(project: &'a Project, name: &str) -> eyre::Result<Self> {
        let (environment, declaration) = environment(project.catalog(), name)?;
        let remote = match declaration.writer {
            WriterKind::Push => Remote::Git(Box::new(push(project, declaration, variable)?)),
            WriterKind::PullRequest => pull_requests(project, &environment.name, declaration)?,
        };
        Ok(Self {
            environment: &environment.name,
            declaration,
            remote,
        })
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|it| !it.is_empty())
}

fn pull_requests(
    project: &Project,
    environment: &Name,
    declaration: &Declaration,
) -> eyre::Result<Remote> {
    let address = &declaration.repository;
    let policy = declaration.pull_request.clone();
    let usage = |message: String| wrong(environment, UserError::new(Exit::Usage, message));
    match forge(environment, declaration)? {
        Forge::GitHub => {
            let github =
                Github::of(address, variable).map_err(|error| wrong(environment, error))?;
            Ok(Remote::GitHub(Box::new(PullRequestWriter {
                http: http()?,
                repository: github.repository,
                auth: github.auth,
                branch: declaration.branch.clone(),
                policy,
                retry: PATIENT,
                reopen: false,
            })))
        }
        Forge::Gitea => {
            let repository =
                gitea::Repository::parse(address).map_err(|error| usage(error.to_string()))?;
            let token = token(address, variable).ok_or_else(|| {
                let error = UserError::new(
                    Exit::Usage,
                    format!("there are no credentials for {address}"),
                );
                let hint =
                    format!("set {TOKEN} to a token that may write the repository, and issues");
                wrong(environment, error.hint(hint))
            })?;
            let git = push(project, declaration, variable)?;
            let writer = gitea::PullRequestWriter::new(http()?, repository, &token, git, policy);
            Ok(Remote::Gitea(Box::new(writer)))
        }
    }
}

fn forge(environment: &Name, declaration: &Declaration) -> eyre::Result<Forge> {
    ci_deployments::forge(declaration).ok_or_else(|| {
        let address = &declaration.repository;
        let message = format!("nothing says how pull requests are opened on {address}");
        let hint = format!(
            "add `forge = \"github\"` or `forge = \"gitea\"` to `[environments.{environment}.deploy]`, or push to the branch: `writer = \"push\"`"
        );
        wrong(environment, UserError::new(Exit::Usage, message).hint(hint))
    })
}

/// The token for deployments, else that of the job, for its own server: no other gets to see it.
fn token(address: &str, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let is_of_job = origin(address) == origin(&server(&variable));
    let of_job = || variable("GITHUB_TOKEN").filter(|_| is_of_job);
    variable(TOKEN).or_else(of_job)
}

/// The client for forges.
pub(crate) fn http() -> Result<Http, UserError> {
    Http::new(&Options::default()).map_err(|error| UserError::new(Exit::Usage, error.to_string()))
}

fn push(
    project: &Project,
    declaration: &Declaration,
    variable: impl Fn(&str) -> Option<String>,
) -> eyre::Result<PushWriter> {
    let address: Address = declaration.repository.parse().map_err(|error| {
        UserError::new(Exit::Usage, format!("{}: {error}", declaration.repository))
    })?;
    let credential = variable(TOKEN).map(|secret| Credential {
        // Forges take any name, or this one.
        user: variable(USER).unwrap_or_else(|| "x-access-token".into()),
        secret,
    });
    Ok(PushWriter {
        address,
        branch: declaration.branch.clone(),
        credential,
        identity: identity(project, variable)?,
        cache: project.state_dir().join(CACHE),
        retry: PATIENT,
        clock: Arc::new(SystemClock),
    })
}

/// Who commits: whom the environment names, else whom git is configured with. When: now, since policies count from it.
fn identity(
    project: &Project,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Identity, UserError> {
    let configured = |key: &str| {
        let answer = git::run(project.root(), &["config", "--get", key]).ok()?;
        Some(answer.trim().to_owned()).filter(|it| !it.is_empty())
    };
    let part = |name: &str, key: &str| variable(name).or_else(|| configured(key));
    let name = part("GIT_COMMITTER_NAME", "user.name");
    let email = part("GIT_COMMITTER_EMAIL", "user.email");
    let (name, email) = name
        .zip(email)
        .unwrap_or_else(|| (NOBODY.0.into(), NOBODY.1.into()));
    let now = SystemClock
        .now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = i64::try_from(now.as_secs()).unwrap_or_default();
    Identity::new(&name, &email, seconds).map_err(|error| {
        UserError::new(Exit::Usage, error.to_string())
            .hint("GIT_COMMITTER_NAME and GIT_COMMITTER_EMAIL say who it is by, else git's `user.name` and `user.email`")
    })
}

/// A repository on GitHub, and who we are there.
#[derive(Debug)]
pub(crate) struct Github {
    pub(crate) repository: Repository,
    pub(crate) auth: Auth,
}

impl Github {
    /// The repository at an address. Where its server is the one that this job runs on, the interface is where the job is told it is.
    pub(crate) fn of(
        address: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, UserError> {
        let usage = |message: String| UserError::new(Exit::Usage, message);
        let mut repository =
            Repository::parse(address).map_err(|error| usage(error.to_string()))?;
        let is_of_job = origin(address) == origin(&server(&variable));
        if is_of_job
            && let Some(rest) = variable("GITHUB_API_URL")
            && let Some(graphql) = variable("GITHUB_GRAPHQL_URL")
        {
            if !is_private(&rest) || !is_private(&graphql) {
                let message =
                    "GITHUB_API_URL and GITHUB_GRAPHQL_URL have to be https://: a token goes there";
                return Err(usage(message.into()));
            }
            let Repository { owner, name, .. } = &repository;
            repository = Repository::with_interface(owner, name, &rest, &graphql)
                .map_err(|error| usage(error.to_string()))?;
        }
        let auth = match (variable(TOKEN), variable(APP_ID), variable(APP_KEY)) {
            (Some(token), ..) => Auth::Token(token),
            (None, Some(id), Some(key)) => Auth::App { id, key: pem(key)? },
            (None, Some(_), None) | (None, None, Some(_)) => {
                return Err(usage(format!("{APP_ID} and {APP_KEY} go together")));
            }
            // That of a job is for its own server, and no other gets to see it.
            (None, None, None) => match variable("GITHUB_TOKEN").filter(|_| is_of_job) {
                Some(token) => Auth::Token(token),
                None => {
                    let error = usage(format!("there are no credentials for {address}"));
                    return Err(error.hint(format!(
                        "set {TOKEN}, or {APP_ID} and {APP_KEY} of a GitHub App; both need to write contents and pull requests"
                    )));
                }
            },
        };
        Ok(Self { repository, auth })
    }
}

/// The source repository at an address, if it is on GitHub and we have a token for it: that of the job, for its own server, else the
/// one for deployments, where these are on the same server. Others see no token: who the address is from may be anybody.
pub(crate) fn source_repository(
    address: &str,
    declaration: &Declaration,
) -> Option<SourceRepository> {
    let is_ours = origin(address) == origin(&declaration.repository);
    let of_job = |name: &str| match name {
        APP_ID | APP_KEY | TOKEN => None,
        name => variable(name),
    };
    // What an App gets is for deployments.
    let of_deployments = |name: &str| match name {
        APP_ID | APP_KEY => None,
        TOKEN if !is_ours => None,
        name => variable(name),
    };
    let github = Github::of(address, of_job).or_else(|_| Github::of(address, of_deployments));
    let Github { repository, auth } = github.ok()?;
    match auth {
        Auth::Token(token) => Some(SourceRepository::new(&http().ok()?, &repository, &token)),
        Auth::App { .. } => None,
    }
}

/// The GitHub server of this job, else github.com.
pub(crate) fn server(variable: &impl Fn(&str) -> Option<String>) -> String {
    variable("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".into())
}

fn origin(address: &str) -> Option<(String, u16)> {
    let url: Url = address.parse().ok()?;
    let host = url.host_str()?.trim_start_matches("www.").to_owned();
    Some((host, url.port_or_known_default()?))
}

/// Whether nobody can listen on the way.
fn is_private(address: &str) -> bool {
    let Ok(url) = address.parse::<Url>() else {
        return false;
    };
    let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme() == "https" || is_here
}

/// A key, or the file it is in.
fn pem(key: String) -> Result<String, UserError> {
    if key.contains("-----BEGIN") {
        return Ok(key);
    }
    std::fs::read_to_string(&key).map_err(|error| {
        UserError::new(
            Exit::Usage,
            format!("{APP_KEY} is neither a key in PEM nor a file with one"),
        )
        .because(error)
    })
}

fn wrong(environment: &Name, error: UserError) -> eyre::Report {
    eyre::Report::from(error).wrap_err(format!("cannot reach the deployments of {environment}"))
}

#[cfg(test)]
mod tests;
