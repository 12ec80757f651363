//! Answers of any status, and what the forge says where they are refusals.

use ci_http::{Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::PullRequestError;
use crate::foreign::printable;

/// Most bytes of an answer: a tree or a list of pull requests.
const MAX_ANSWER: u64 = 32 << 20;

/// An answer of any status.
pub(crate) struct Answer {
    call: String,
    pub(crate) status: StatusCode,
    /// Whether it is part of a list that goes on (RFC 8288).
    pub(super) has_next: bool,
    needed: Option<String>,
    body: Value,
}

impl Answer {
    pub(super) async fn read(call: &str, response: Response) -> Result<Self, PullRequestError> {
        let status = response.status();
        let text = |name: &str| response.headers().get(name)?.to_str().ok();
        let has_next = text("link").is_some_and(|it| it.contains("rel=\"next\""));
        let needed = text("x-accepted-github-permissions").map(printable);
        let bytes = response.bytes(MAX_ANSWER).await?;
        let body = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        };
        Ok(Self {
            call: call.to_owned(),
            status,
            has_next,
            needed,
            body,
        })
    }

    /// The body, of an answer that is a success.
    pub(crate) fn json<T: DeserializeOwned>(self) -> Result<T, PullRequestError> {
        let answer = match self.status.is_success() {
            true => self,
            false => return Err(self.failure()),
        };
        serde_json::from_value(answer.body).map_err(|error| PullRequestError::Unreadable {
            call: answer.call,
            message: printable(&error.to_string()),
        })
    }

    /// The same, if it has one of these statuses.
    pub(crate) fn expect(self, statuses: &[StatusCode]) -> Result<Self, PullRequestError> {
        match statuses.contains(&self.status) {
            true => Ok(self),
            false => Err(self.failure()),
        }
    }

    /// Of an answer to a GraphQL request: what was asked for, else what is wrong with it.
    pub(crate) fn graphql(mut self) -> Result<Value, PullRequestError> {
        match self.body.get("errors").and_then(|it| it.get(0)) {
            Some(error) => {
                let message = error.get("message").and_then(Value::as_str);
                Err(PullRequestError::Answer {
                    status: self.status.as_u16(),
                    message: printable(message.unwrap_or("an error without a message")),
                    call: self.call,
                })
            }
            None => Ok(self.body["data"].take()),
        }
    }

    /// Whether it is a refusal (422) whose messages have this in them.
    pub(crate) fn is_unprocessable(&self, message: &str) -> bool {
        self.status == StatusCode::UNPROCESSABLE_ENTITY && self.message().contains(message)
    }

    /// Whether there were too many requests in a short time, which GitHub may tell in words alone.
    pub(super) fn is_limit(&self) -> bool {
        self.status == StatusCode::FORBIDDEN && self.message().contains("secondary rate limit")
    }

    /// What the forge says, on one line.
    pub(crate) fn message(&self) -> String {
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

    /// What is told where it could not be done, and is not worth failing for; nothing: it was done.
    pub(crate) fn refusal(self, what: &str) -> Result<Option<String>, PullRequestError> {
        match self.status.as_u16() {
            200..=299 => Ok(None),
            400 | 403 | 404 | 405 | 409 | 422 => Ok(Some(format!("{what}: {}", self.message()))),
            _ => Err(self.failure()),
        }
    }

    pub(crate) fn failure(self) -> PullRequestError {
        let message = self.message();
        match self.status.as_u16() {
            401 | 403 => PullRequestError::Denied {
                call: self.call,
                message,
                needed: self.needed,
            },
            status => PullRequestError::Answer {
                call: self.call,
                status,
                message,
            },
        }
    }
}
