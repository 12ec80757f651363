//! What goes wrong with deployments, as people meet it: whose turn it is, and what to do.

use ci_catalog::Name;
use ci_deployments::git::GitError;
use ci_deployments::{InvalidPlace, PullRequestError, Refused};

use crate::error::{Exit, UserError};

/// A plan that says no.
pub(crate) fn refused(refused: Refused) -> UserError {
    use Refused::{Drifted, Mixed, NotReleased, NotRunning, Overtaken, Stale};
    let exit = match &refused {
        Stale { .. } | Drifted { .. } | Overtaken { .. } | NotRunning { .. } | Mixed { .. } => {
            Exit::Failed
        }
        // What is declared does not fit what is there.
        _ => Exit::Usage,
    };
    let hint = match &refused {
        Stale { .. } => Some(
            "`--force` promotes it all the same; to go back to what an environment had, use `rollback`".to_owned(),
        ),
        Drifted { .. } => Some("`--force` replaces what was pinned by hand".to_owned()),
        NotRunning {
            service,
            environment,
            ..
        } => Some(format!(
            "what comes from {environment} has to be there first: `promote {service} --env {environment}`"
        )),
        NotReleased { service, .. } => Some(format!("`build {service}` and `push {service}` first")),
        Mixed { .. } => Some("build and push all of them from one commit".to_owned()),
        _ => None,
    };
    with(UserError::new(exit, refused.to_string()), hint)
}

/// A declared place that is none.
pub(crate) fn undeclared(environment: &Name, error: &InvalidPlace) -> UserError {
    UserError::new(
        Exit::Usage,
        format!("`[environments.{environment}.deploy]` of pipeline.toml: {error}"),
    )
}

pub(super) fn git(error: GitError) -> UserError {
    const LOGIN: [&str; 6] = [
        "Authentication failed",
        "could not read Username",
        "could not read Password",
        "Permission denied",
        "terminal prompts disabled",
        "403",
    ];
    let (exit, hint) = match &error {
        GitError::Refused(_) | GitError::Declaration(_) => {
            return match error {
                GitError::Refused(it) => refused(it),
                other => UserError::new(Exit::Usage, other.to_string()),
            };
        }
        GitError::Start(_) => (Exit::Machine, Some("install git")),
        GitError::Branch(_) | GitError::NoBranch { .. } => (
            Exit::Usage,
            Some("`branch` of `[environments.….deploy]` says which one is deployed"),
        ),
        GitError::Rejected { .. } => (
            Exit::Failed,
            Some("a protected branch takes pull requests: `writer = \"pull-request\"`"),
        ),
        GitError::Failed { message, .. } if LOGIN.iter().any(|it| message.contains(it)) => (
            Exit::Infrastructure,
            Some(
                "over HTTPS, PIPELINE_DEPLOY_TOKEN is shown, else what git's own credential helpers have; over SSH, what the agent has",
            ),
        ),
        _ => (Exit::Infrastructure, None),
    };
    with(
        UserError::new(exit, error.to_string()),
        hint.map(str::to_owned),
    )
}

pub(super) fn pull_request(error: PullRequestError) -> UserError {
    let (exit, hint) = match error {
        PullRequestError::Refused(it) => return refused(it),
        PullRequestError::Git(it) => return git(it),
        PullRequestError::Declaration(_)
        | PullRequestError::Branch(_)
        | PullRequestError::NoBranch { .. } => (Exit::Usage, None),
        PullRequestError::Key(_) => (
            Exit::Usage,
            Some("PIPELINE_DEPLOY_APP_KEY is the key that GitHub gave for the App, in PEM"),
        ),
        PullRequestError::Foreign { .. } => (Exit::Failed, None),
        PullRequestError::Newer { .. } => (
            Exit::Failed,
            Some("`--force` promotes the older one all the same"),
        ),
        // Forges say "not found" of what a token may not see.
        PullRequestError::Denied { .. } | PullRequestError::Answer { status: 404, .. } => (
            Exit::Infrastructure,
            Some(
                "the token needs to read and write contents and pull requests of the deployments repository; a job's own GITHUB_TOKEN reaches only the job's repository",
            ),
        ),
        _ => (Exit::Infrastructure, None),
    };
    with(
        UserError::new(exit, error.to_string()),
        hint.map(str::to_owned),
    )
}

fn with(error: UserError, hint: Option<String>) -> UserError {
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
