//! Requests and answers: JSON both ways, waiting where GitHub says so.

use std::time::Duration;

use ci_http::{Http, Method, Response, StatusCode, Url, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{GitHubError, Repository};
use crate::foreign::printable;

/// Most bytes of an answer: a tree or a list of pull requests.
const MAX_ANSWER: u64 = 32 << 20;
/// The version of the interface that is spoken.
const VERSION: &str = "2022-11-28";

/// GitHub's interface, for one repository.
#[derive(Clone)]
pub(super) struct Api {
    http: Http,
    pub(super) repository: Repository,
    token: String,
}

/// An answer of any status.
pub(super) struct Answer {
    call: String,
    pub(super) status: StatusCode,
    needed: Option<String>,
    body: Value,
}

impl Api {
    pub(super) fn new(http: &Http, repository: &Repository, token: &str) -> Self {
        Self {
            http: http.clone(),
            repository: repository.clone(),
            token: token.to_owned(),
        }
    }

    /// An address below the interface's, of parts that are encoded.
    pub(super) fn path(&self, parts: &[&str]) -> Url {
        let mut url = self.repository.rest.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(parts);
        }
        url
    }

    /// An address below the repository's.
    pub(super) fn of_repository(&self, parts: &[&str]) -> Url {
        let Repository { owner, name, .. } = &self.repository;
        let mut all = vec!["repos", owner, name];
        all.extend(parts);
        self.path(&all)
    }

    /// Sends a request, again where GitHub says that it may work later. All that is sent may be sent twice: what exists already is
    /// told apart by whoever asked.
    pub(super) async fn call(
        &self,
        method: Method,
        url: &Url,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, GitHubError> {
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
                .header(header::ACCEPT, "application/vnd.github+json")
                .header("x-github-api-version", VERSION)
                .bearer_auth(&self.token);
            if let Some(body) = body {
                request = request
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(body.to_string());
            }
            let (asked, failure) = match self.http.send(request).await {
                Ok(response) => match self.limit(&response) {
                    Some(asked) => (asked, GitHubError::RateLimited { wait: asked }),
                    None if response.may_pass() => {
                        let asked = response.retry_after(self.http.clock());
                        (asked, answer(&call, response).await?.failure())
                    }
                    None => return answer(&call, response).await,
                },
                Err(error) if error.is_transient() => (None, error.into()),
                Err(error) => return Err(error.into()),
            };
            if !attempts.again(asked).await {
                return Err(failure);
            }
        }
    }

    /// How long GitHub asks to wait, if this answer means that there were too many requests. Its documentation, "Rate limits for the
    /// REST API": the wait is in `retry-after`, else until `x-ratelimit-reset` where nothing remains, else at least a minute.
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
        let now = self
            .http
            .clock()
            .now()
            .duration_since(std::time::UNIX_EPOCH);
        let until_reset = || {
            let reset = number("x-ratelimit-reset").filter(|_| none_remains)?;
            Some(Duration::from_secs(
                reset.saturating_sub(now.ok()?.as_secs()),
            ))
        };
        Some(asked.or_else(until_reset).or(Some(Duration::from_secs(60))))
    }

    /// Asks the GraphQL interface, for what REST does not have.
    pub(super) async fn graphql(
        &self,
        query: &str,
        variables: Value,
    ) -> Result<Value, GitHubError> {
        let body = serde_json::json!({ "query": query, "variables": variables });
        let url = self.repository.graphql.clone();
        let answer = self.call(Method::POST, &url, &[], Some(&body)).await?;
        let mut answer = answer.expect(&[StatusCode::OK])?;
        match answer.body.get("errors").and_then(|it| it.get(0)) {
            Some(error) => {
                let message = error.get("message").and_then(Value::as_str);
                Err(GitHubError::Answer {
                    call: answer.call,
                    status: 200,
                    message: printable(message.unwrap_or("an error without a message")),
                })
            }
            None => Ok(answer.body["data"].take()),
        }
    }
}

async fn answer(call: &str, response: Response) -> Result<Answer, GitHubError> {
    let status = response.status();
    let needed = response.headers().get("x-accepted-github-permissions");
    let needed = needed.and_then(|it| it.to_str().ok()).map(printable);
    let bytes = response.bytes(MAX_ANSWER).await?;
    let body = match bytes.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    };
    Ok(Answer {
        call: call.to_owned(),
        status,
        needed,
        body,
    })
}

impl Answer {
    /// The body, of an answer that is a success.
    pub(super) fn json<T: DeserializeOwned>(self) -> Result<T, GitHubError> {
        let answer = match self.status.is_success() {
            true => self,
            false => return Err(self.failure()),
        };
        serde_json::from_value(answer.body).map_err(|error| GitHubError::Unreadable {
            call: answer.call,
            message: printable(&error.to_string()),
        })
    }

    /// The same, if it has one of these statuses.
    pub(super) fn expect(self, statuses: &[StatusCode]) -> Result<Self, GitHubError> {
        match statuses.contains(&self.status) {
            true => Ok(self),
            false => Err(self.failure()),
        }
    }

    /// Whether it is a refusal (422) whose messages have this in them.
    pub(super) fn is_unprocessable(&self, message: &str) -> bool {
        self.status == StatusCode::UNPROCESSABLE_ENTITY && self.message().contains(message)
    }

    /// What GitHub says, on one line.
    pub(super) fn message(&self) -> String {
        let text = |value: &Value| {
            value
                .get("message")
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let errors = self.body.get("errors").and_then(Value::as_array);
        let details = errors
            .into_iter()
            .flatten()
            .filter_map(|error| match error {
                Value::String(message) => Some(message.clone()),
                error => text(error).or_else(|| {
                    let field = error.get("field").and_then(Value::as_str)?;
                    let code = error.get("code").and_then(Value::as_str)?;
                    Some(format!("{field}: {code}"))
                }),
            });
        let all: Vec<String> = text(&self.body).into_iter().chain(details).collect();
        let all = printable(&all.join("; "));
        match all.is_empty() {
            true => "no message".to_owned(),
            false => all.chars().take(500).collect(),
        }
    }

    pub(super) fn failure(self) -> GitHubError {
        let message = self.message();
        match self.status.as_u16() {
            401 | 403 => GitHubError::Denied {
                call: self.call,
                message,
                needed: self.needed,
            },
            status => GitHubError::Answer {
                call: self.call,
                status,
                message,
            },
        }
    }
}
