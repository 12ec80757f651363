//! The GitHub Actions job that this program runs in, as its environment tells.

use crate::stages::deployments::server;

/// A job of a workflow run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    /// `https://github.com`, or that of an Enterprise server.
    pub(crate) server: String,
    /// `OWNER/NAME`.
    pub(crate) repository: String,
    pub(crate) repository_id: String,
    pub(crate) owner_id: String,
    /// `OWNER/NAME/.github/workflows/FILE@REF`.
    pub(crate) workflow: String,
    /// What triggered the run is about: `refs/heads/main`.
    pub(crate) reference: String,
    pub(crate) commit: String,
    pub(crate) event: String,
    pub(crate) run: String,
    pub(crate) attempt: String,
    /// `github-hosted` or `self-hosted`.
    pub(crate) runner: String,
}

impl Job {
    /// The job that `variable` describes, if it is one.
    pub(crate) fn of(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        if variable("GITHUB_ACTIONS")? != "true" {
            return None;
        }
        let or_empty = |name: &str| variable(name).unwrap_or_default();
        Some(Self {
            server: server(&variable),
            repository: variable("GITHUB_REPOSITORY")?,
            repository_id: or_empty("GITHUB_REPOSITORY_ID"),
            owner_id: or_empty("GITHUB_REPOSITORY_OWNER_ID"),
            workflow: variable("GITHUB_WORKFLOW_REF")?,
            reference: variable("GITHUB_REF")?,
            commit: variable("GITHUB_SHA")?,
            event: or_empty("GITHUB_EVENT_NAME"),
            run: variable("GITHUB_RUN_ID")?,
            attempt: variable("GITHUB_RUN_ATTEMPT").unwrap_or_else(|| "1".to_owned()),
            runner: or_empty("RUNNER_ENVIRONMENT"),
        })
    }

    /// Address of the repository.
    pub(crate) fn address(&self) -> String {
        format!("{}/{}", self.server, self.repository)
    }

    /// Path of the workflow in the repository.
    pub(crate) fn workflow_path(&self) -> &str {
        let path = self.workflow.split_once('@');
        let path = path.map_or(self.workflow.as_str(), |(path, _)| path);
        path.strip_prefix(&self.repository)
            .map_or(path, |path| path.trim_start_matches('/'))
    }
}
