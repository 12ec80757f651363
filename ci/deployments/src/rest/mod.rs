//! Interfaces of forges over HTTP: JSON both ways, waiting where the server says so. GitHub's is the pattern that Gitea's follows, so
//! what both have in common is here: how they are asked, and what a pull request looks like.

mod answer;
mod pulls;
mod repository;

use std::time::{Duration, UNIX_EPOCH};

use ci_http::{Http, Method, Response, Url, header};
use serde_json::Value;

pub(crate) use self::answer::Answer;
pub(crate) use self::pulls::Listed;
pub(crate) use self::repository::{Names, address};
use crate::PullRequestError;

/// How long is waited where there were too many requests and nobody says how long.
const MINUTE: Duration = Duration::from_secs(60);

/// What a forge wants to be asked like.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// Its name.
    pub(crate) name: &'static str,
    /// What answers are to be like.
    pub(crate) accept: &'static str,
    /// The header that says which version of the interface is spoken.
    pub(crate) version: Option<(&'static str, &'static str)>,
    /// The parameter for how many are listed at once, and the most that may be asked for.
    pub(crate) page: (&'static str, &'static str),
    /// Accounts of workflows: what their tokens open starts no checks.
    pub(crate) workflows: &'static [&'static str],
}

/// A forge's interface, for one repository.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) http: Http,
    pub(crate) dialect: &'static Dialect,
    rest: Url,
    pub(crate) names: Names,
    token: String,
}

impl Api {
    pub(crate) fn new(
        http: &Http,
        dialect: &'static Dialect,
        rest: &Url,
        (owner, name): (&str, &str),
        token: &str,
    ) -> Self {
        Self {
            http: http.clone(),
            dialect,
            rest: rest.clone(),
            names: Names {
                owner: owner.to_owned(),
                name: name.to_owned(),
            },
            token: token.to_owned(),
        }
    }

    /// An address below the interface's, of parts that are encoded.
    pub(crate) fn path(&self, parts: &[&str]) -> Url {
        let mut url = self.rest.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(parts);
        }
        url
    }

    /// An address below the repository's.
    pub(crate) fn of_repository(&self, parts: &[&str]) -> Url {
        let mut all = vec!["repos", &self.names.owner, &self.names.name];
        all.extend(parts);
        self.path(&all)
    }

    /// Asks for what is at an address.
    pub(crate) async fn get(
        &self,
        url: &Url,
        query: &[(&str, &str)],
    ) -> Result<Answer, PullRequestError> {
        self.call(Method::GET, url, query, None).await
    }

    /// Sends something to an address.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        body: &Value,
    ) -> Result<Answer, PullRequestError> {
        self.call(method, url, &[], Some(body)).await
    }

    /// Sends a request, again where the forge says that it may work later. All that is sent may be sent twice: what exists already is
    /// told apart by whoever asked.
    pub(crate) async fn call(
        &self,
        method: Method,
        url: &Url,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, PullRequestError> {
        let call = format!("{method} {}", url.path());
        let mut attempts = self.http.attempts();
        loop {
            let mut url = url.clone();
            if !query.is_empty() {
                url.query_pairs_mut().extend_pairs(query);
            }
            let mut request = self
                .http
                .request(method.clone(), url)
                .header(header::ACCEPT, self.dialect.accept)
                .bearer_auth(&self.token);
            if let Some((name, version)) = self.dialect.version {
                request = request.header(name, version);
            }
            if let Some(body) = body {
                request = request
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(body.to_string());
            }
            let (asked, failure) = match self.http.send(request).await {
                Ok(response) => match self.limit(&response) {
                    Some(asked) => (asked, self.limited(asked)),
                    None if response.may_pass() => {
                        let asked = response.retry_after(self.http.clock());
                        (asked, Answer::read(&call, response).await?.failure())
                    }
                    None => {
                        let answer = Answer::read(&call, response).await?;
                        if !answer.is_limit() {
                            return Ok(answer);
                        }
                        (Some(MINUTE), self.limited(Some(MINUTE)))
                    }
                },
                Err(error) if error.is_transient() => (None, error.into()),
                Err(error) => return Err(error.into()),
            };
            if !attempts.again(asked).await {
                return Err(failure);
            }
        }
    }

    fn limited(&self, wait: Option<Duration>) -> PullRequestError {
        PullRequestError::RateLimited {
            forge: self.dialect.name,
            wait,
        }
    }

    /// How long the forge asks to wait, if this answer means that there were too many requests. GitHub's documentation, "Rate limits
    /// for the REST API": the wait is in `retry-after`, else until `x-ratelimit-reset` where nothing remains, else at least a minute.
    fn limit(&self, response: &Response) -> Option<Option<Duration>> {
        let is_refusal = matches!(response.status().as_u16(), 403 | 429);
        let number = |name: &'static str| -> Option<u64> {
            response.headers().get(name)?.to_str().ok()?.parse().ok()
        };
        let asked = response.retry_after(self.http.clock());
        let none_remains = number("x-ratelimit-remaining") == Some(0);
        if !is_refusal || asked.is_none() && !none_remains && response.status() != 429 {
            return None;
        }
        let now = self.http.clock().now().duration_since(UNIX_EPOCH);
        let until_reset = || {
            let reset = number("x-ratelimit-reset").filter(|_| none_remains)?;
            Some(Duration::from_secs(
                reset.saturating_sub(now.ok()?.as_secs()),
            ))
        };
        Some(asked.or_else(until_reset).or(Some(MINUTE)))
    }
}
