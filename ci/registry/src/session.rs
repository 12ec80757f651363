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
            let request = || with(self.request(&method, url, grant.as_ref()));
            let response = self.endpoint.http.send_retrying(request).await?;
            match self.regrant(&response, grant.as_ref()).await? {
                Some(better) => grant = Some(better),
                None => return Ok(response),
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
            let request = with(self.request(&method, url, grant.as_ref()));
            let response = self.endpoint.http.send_body(request, body()).await?;
            match self.regrant(&response, grant.as_ref()).await? {
                Some(better) => grant = Some(better),
                None => return Ok(response),
            }
        }
    }

    fn request(&self, method: &Method, url: &Url, grant: Option<&HeaderValue>) -> RequestBuilder {
        let request = self.endpoint.http.request(method.clone(), url.clone());
        match grant {
            Some(grant) => request.header(AUTHORIZATION, grant),
            None => request,
        }
    }

    /// What to send along to an address: nothing if it is not the registry's own (R1).
    async fn grant(&self, url: &Url) -> Result<Option<HeaderValue>, Error> {
        match self.endpoint.owns(url) {
            true => self.client.auth().first(self).await,
            false => Ok(None),
        }
    }

    /// What to send along instead, if the response asks for something and we have it.
    async fn regrant(
        &self,
        response: &Response,
        refused: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, Error> {
        // Who was redirected to asks for nothing that is meant for the registry.
        if response.status() != StatusCode::UNAUTHORIZED || !self.endpoint.owns(response.url()) {
            return Ok(None);
        }
        self.client.auth().next(self, response, refused).await
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
        let (host, status) = (self.endpoint.host.clone(), response.status());
        let after = response.retry_after(self.endpoint.http.clock());
        let message = message(response).await;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => self.denied(message).await,
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

#[derive(Deserialize)]
struct Errors {
    errors: Vec<OneError>,
}

#[derive(Deserialize)]
struct OneError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// What a registry says to an error (OCI distribution specification, "Error Codes"), fit for a terminal.
pub(crate) async fn message(response: Response) -> String {
    let Ok(body) = response.bytes(MAX_MESSAGE).await else {
        return String::new();
    };
    let text = match serde_json::from_slice::<Errors>(&body) {
        Ok(errors) => {
            let each = errors.errors.iter().map(|error| {
                let parts = [error.code.as_str(), error.message.as_str()];
                parts.map(str::trim).join(" ").trim().to_owned()
            });
            each.collect::<Vec<_>>().join("; ")
        }
        // A page of a proxy is too long to be read, and a line of text is not.
        Err(_) => {
            let text = String::from_utf8_lossy(&body);
            let page = text.trim_start().starts_with('<');
            if page {
                String::new()
            } else {
                text.trim().to_owned()
            }
        }
    };
    let shown = |c: &char| !c.is_control();
    text.chars().filter(shown).take(MAX_SHOWN).collect()
}
