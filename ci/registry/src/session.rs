//! Requests to one repository at one place, with the rights they need.

use ci_http::header::{AUTHORIZATION, HeaderValue};
use ci_http::{Method, RequestBuilder, Response, StatusCode, Upload, Url};
use serde::Deserialize;

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::error::{Denied, Error};

/// Bytes of an error's text that are read.
const MAX_MESSAGE: u64 = 64 << 10;
/// Characters of it that are shown.
const MAX_SHOWN: usize = 300;

/// Challenges that are answered for one request: the first, and one that says that a remembered token is good no more.
const MAX_ANSWERS: usize = 2;

/// What may be done with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Pull,
    Push,
}

impl Access {
    fn actions(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
        }
    }
}

/// What is sent along with a request.
struct Grant {
    header: Option<HeaderValue>,
    /// How many challenges it took.
    answered: usize,
}

/// Requests to one repository at one place.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) endpoint: Endpoint,
    access: Access,
    scopes: Vec<String>,
}

impl Session {
    pub(crate) fn new(client: &Client, endpoint: Endpoint, access: Access) -> Self {
        let scopes = vec![scope(&endpoint.repository, access)];
        Self {
            client: client.clone(),
            endpoint,
            access,
            scopes,
        }
    }

    /// Requests to a registry as such.
    pub(crate) fn of_registry(client: &Client, endpoint: Endpoint) -> Self {
        Self {
            client: client.clone(),
            endpoint,
            access: Access::Pull,
            scopes: Vec::new(),
        }
    }

    /// The same with the right to read another repository of this registry, too.
    pub(crate) fn and_pull(&self, repository: &str) -> Self {
        let mut with = self.clone();
        with.scopes.push(scope(repository, Access::Pull));
        with
    }

    /// Our scopes, and what the registry asks for beside them, unless it is more than we need: nobody makes us ask for the right to
    /// delete (R2).
    pub(crate) fn scopes_with(&self, asked: Option<&str>) -> Vec<String> {
        let modest = |scope: &&str| {
            let actions = scope.rsplit(':').next().unwrap_or_default();
            let needed = self.access.actions();
            scope.starts_with("repository:")
                && actions
                    .split(',')
                    .all(|action| needed.split(',').any(|need| need == action))
        };
        let asked = asked.unwrap_or_default().split(' ').filter(modest);
        let mut scopes = self.scopes.clone();
        scopes.extend(asked.map(str::to_owned));
        scopes.sort();
        scopes.dedup();
        scopes
    }

    /// Sends a request, again if it may help, and with the rights the registry asks for. `with` adds what it needs.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        with: impl Fn(RequestBuilder) -> RequestBuilder + Send + Sync,
    ) -> Result<Response, Error> {
        let mut grant = self.grant(url).await?;
        loop {
            let request = || with(self.request(&method, url, &grant));
            let response = self.endpoint.http.send_retrying(request).await?;
            if !self.regrant(&response, &mut grant).await? {
                return Ok(response);
            }
        }
    }

    /// Sends a request with a long body, once, and with the rights the registry asks for.
    pub(crate) async fn send_body(
        &self,
        method: Method,
        url: &Url,
        with: impl Fn(RequestBuilder) -> RequestBuilder + Send + Sync,
        body: impl Fn() -> Upload + Send + Sync,
    ) -> Result<Response, Error> {
        let mut grant = self.grant(url).await?;
        loop {
            let request = with(self.request(&method, url, &grant));
            let response = self.endpoint.http.send_body(request, body()).await?;
            if !self.regrant(&response, &mut grant).await? {
                return Ok(response);
            }
        }
    }

    fn request(&self, method: &Method, url: &Url, grant: &Grant) -> RequestBuilder {
        let request = self.endpoint.http.request(method.clone(), url.clone());
        match &grant.header {
            Some(header) => request.header(AUTHORIZATION, header),
            None => request,
        }
    }

    /// What to send along to an address: nothing if it is not the registry's own (R1).
    async fn grant(&self, url: &Url) -> Result<Grant, Error> {
        let header = match self.endpoint.owns(url) {
            true => self.client.auth().first(self).await?,
            false => None,
        };
        Ok(Grant {
            header,
            answered: 0,
        })
    }

    /// Whether the response asks for something that we have and have not sent.
    async fn regrant(&self, response: &Response, grant: &mut Grant) -> Result<bool, Error> {
        // Who was redirected to asks for nothing that is meant for the registry.
        if response.status() != StatusCode::UNAUTHORIZED
            || !self.endpoint.owns(response.url())
            || grant.answered == MAX_ANSWERS
        {
            return Ok(false);
        }
        let auth = self.client.auth();
        let Some(better) = auth.next(self, response, grant.header.as_ref()).await? else {
            return Ok(false);
        };
        *grant = Grant {
            header: Some(better),
            answered: grant.answered + 1,
        };
        Ok(true)
    }

    /// That we have no right to this. `message` is what the registry says.
    pub(crate) async fn denied(&self, message: String) -> Error {
        let identity = self.client.auth().identity(self).await;
        if self.scopes.is_empty() {
            return Error::Login {
                host: self.endpoint.host.clone(),
                identity,
                message,
            };
        }
        Error::Denied(Box::new(Denied {
            place: self.endpoint.name(),
            scope: self.scopes.join(" "),
            identity,
            message,
        }))
    }

    /// What a response that is of no use means. `what` is what was asked for.
    pub(crate) async fn failed(&self, what: &str, response: Response) -> Error {
        let status = response.status();
        // Where it was redirected to has its own rights, which are not ours to have.
        let elsewhere = !self.endpoint.owns(response.url());
        let host = match response.url().host_str() {
            Some(host) if elsewhere => host.to_owned(),
            _ => self.endpoint.host.clone(),
        };
        let after = response.retry_after(self.endpoint.http.clock());
        let message = message(response).await;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if !elsewhere => {
                self.denied(message).await
            }
            StatusCode::NOT_FOUND => Error::NotFound {
                what: what.to_owned(),
                place: self.endpoint.name(),
                message,
            },
            StatusCode::TOO_MANY_REQUESTS => Error::RateLimited {
                host,
                after,
                message,
            },
            status => Error::Status {
                host,
                request: what.to_owned(),
                status,
                message,
            },
        }
    }
}

/// A scope as token servers write it.
pub(crate) fn scope(repository: &str, access: Access) -> String {
    format!("repository:{repository}:{}", access.actions())
}

/// What registries and token servers say to errors (OCI distribution specification, "Error Codes"; RFC 6749, section 5.2).
#[derive(Deserialize, Default)]
#[serde(default)]
struct Refusal {
    errors: Vec<Reason>,
    details: String,
    error_description: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reason {
    code: String,
    message: String,
}

/// What a response says to an error, fit for a terminal.
pub(crate) async fn message(response: Response) -> String {
    let Ok(body) = response.bytes(MAX_MESSAGE).await else {
        return String::new();
    };
    let text = match serde_json::from_slice::<Refusal>(&body) {
        Ok(refusal) => {
            let reasons = refusal.errors.into_iter();
            let reasons = reasons.map(|reason| format!("{} {}", reason.code, reason.message));
            reasons
                .chain([refusal.details, refusal.error_description])
                .map(|reason| reason.trim().to_owned())
                .filter(|reason| !reason.is_empty())
                .collect::<Vec<_>>()
                .join("; ")
        }
        // A line of text can be read; the page of some proxy cannot.
        Err(_) if body.trim_ascii_start().starts_with(b"<") => String::new(),
        Err(_) => String::from_utf8_lossy(&body).trim().to_owned(),
    };
    let shown = text.chars().filter(|c| !c.is_control());
    shown.take(MAX_SHOWN).collect()
}
