//! Tokens from token servers (Docker's "Token Authentication Specification" and "OAuth2 Token Authentication").
//!
//! A registry says where its token server is, so the address is a stranger's word (R2): it is asked over TLS or where plain HTTP is
//! declared, and it is given credentials only if it is of the registry's own domain, or declared.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use ci_http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use ci_http::{Http, Method, RequestBuilder, StatusCode, Url, once};
use serde::Deserialize;

use crate::auth::{basic, sensitive};
use crate::challenge::Bearer;
use crate::credentials::Credential;
use crate::error::Error;
use crate::session::{Session, message};

/// Bytes of a token server's answer.
const MAX_ANSWER: u64 = 1 << 20;
/// How long a token is good when nobody says (the specification's value).
const DEFAULT_LIFE: u64 = 60;
/// A token that ends so soon may end on the way.
const MARGIN: Duration = Duration::from_secs(10);
/// How we call ourselves to token servers that ask.
const CLIENT_ID: &str = "pipeline";

/// A token and its end.
pub(crate) struct Token {
    pub(crate) header: HeaderValue,
    until: SystemTime,
}

impl Token {
    pub(crate) fn is_valid(&self, now: SystemTime) -> bool {
        now < self.until
    }
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

/// Asks for a token for these scopes.
pub(crate) async fn request(
    session: &Session,
    bearer: &Bearer,
    scopes: &[String],
    credential: Option<Credential>,
) -> Result<Token, Error> {
    let realm = realm(session, bearer)?;
    let credential = credential.filter(|_| withheld(session, bearer).is_none());
    let endpoint = &session.endpoint;
    let http = match session.client.registry(&authority(&realm)) {
        Some(_) => session.client.http_for(&authority(&realm)),
        None => &endpoint.http,
    };
    let asked = http.clock().now();
    let response = match &credential {
        Some(Credential::IdentityToken(token)) => {
            let form = form(bearer, scopes, token.reveal());
            http.send_retrying(|| post(http, &realm, &form)).await?
        }
        Some(Credential::Password { username, password }) => {
            let header = basic(endpoint, username, password.reveal())?;
            let url = query(&realm, bearer, scopes, Some(username));
            let request = || http.request(Method::GET, url.clone());
            http.send_retrying(|| request().header(AUTHORIZATION, header.clone()))
                .await?
        }
        None => {
            let url = query(&realm, bearer, scopes, None);
            http.send_retrying(|| http.request(Method::GET, url.clone()))
                .await?
        }
    };
    match response.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(session.denied(message(response).await).await);
        }
        _ => return Err(session.failed("a token", response).await),
    }
    let body = response.bytes(MAX_ANSWER).await?;
    let wrong = |problem: String| Error::protocol(&endpoint.host, problem);
    // The error's own text could show a part of a token.
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|_| wrong(format!("{} gives no token", ci_http::shown(&realm))))?;
    let token = answer
        .token
        .filter(|token| !token.is_empty())
        .or(answer.access_token)
        .ok_or_else(|| wrong(format!("{} gives no token", ci_http::shown(&realm))))?;
    let life = Duration::from_secs(answer.expires_in.unwrap_or(DEFAULT_LIFE).min(86_400));
    let life = life.saturating_sub(MARGIN).max(life / 2);
    Ok(Token {
        header: sensitive(endpoint, format!("Bearer {token}"))?,
        until: asked + life,
    })
}

/// The token server which the credentials there may be are kept from, if so.
pub(crate) fn withheld(session: &Session, bearer: &Bearer) -> Option<String> {
    let realm = realm(session, bearer).ok()?;
    let endpoint = &session.endpoint;
    let declared = session
        .client
        .registry(&endpoint.host)
        .and_then(|declared| declared.login_server.as_deref());
    let server = authority(&realm);
    let (registry, host) = (endpoint.root().host_str()?, realm.host_str()?);
    (declared != Some(&server) && !same_domain(registry, host)).then_some(server)
}

/// Whether a token server is of the registry's domain: the same host, a host below it, or a neighbour of it
/// (`registry-1.docker.io` and `auth.docker.io`, `registry.gitlab.com` and `gitlab.com`).
fn same_domain(registry: &str, server: &str) -> bool {
    let below = |domain: &str| {
        server == domain
            || server
                .strip_suffix(domain)
                .is_some_and(|rest| rest.ends_with('.'))
    };
    let address = registry.starts_with('[') || registry.parse::<IpAddr>().is_ok();
    if registry == server || address {
        return registry == server;
    }
    below(registry) || parent(registry).is_some_and(below)
}

/// The domain a host is in, unless that may be a public one (`com`, `co.uk`), in which strangers are neighbours.
fn parent(host: &str) -> Option<&str> {
    let (_, domain) = host.split_once('.')?;
    let (second, top) = domain.rsplit_once('.')?;
    let public = !second.contains('.') && second.len() <= 3 && top.len() == 2;
    (!public).then_some(domain)
}

/// The token server's address, if it may be asked at all.
fn realm(session: &Session, bearer: &Bearer) -> Result<Url, Error> {
    let refuse = |problem: &str| Error::Realm {
        host: session.endpoint.host.clone(),
        realm: bearer.realm.chars().take(200).collect(),
        problem: problem.to_owned(),
    };
    let realm = Url::parse(&bearer.realm).map_err(|_| refuse("it is no address"))?;
    if !realm.username().is_empty() || realm.password().is_some() {
        return Err(refuse("it names a user"));
    }
    let declared = |host: &str| {
        session
            .client
            .registry(host)
            .is_some_and(|declared| declared.plain_http)
    };
    match realm.scheme() {
        "https" => Ok(realm),
        "http" if declared(&authority(&realm)) => Ok(realm),
        "http" => Err(refuse(&format!(
            "it is plain HTTP; where that is meant, declare `plain-http = true` for {:?}",
            authority(&realm)
        ))),
        _ => Err(refuse("it is neither https nor http")),
    }
}

/// Host and perhaps port, as registries are declared.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn query(realm: &Url, bearer: &Bearer, scopes: &[String], account: Option<&str>) -> Url {
    let mut url = realm.clone();
    {
        let mut pairs = url.query_pairs_mut();
        let service = bearer.service.as_deref().map(|value| ("service", value));
        let scopes = scopes.iter().map(|value| ("scope", value.as_str()));
        let account = account.map(|value| ("account", value));
        pairs.extend_pairs(service.into_iter().chain(scopes).chain(account));
    }
    url
}

fn form(bearer: &Bearer, scopes: &[String], token: &str) -> String {
    let scope = scopes.join(" ");
    let service = bearer.service.as_deref().unwrap_or_default();
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT_ID),
        ("service", service),
        ("scope", &scope),
        ("refresh_token", token),
    ];
    // The encoding of forms is that of queries.
    let mut url = Url::parse("form:").ok();
    if let Some(url) = &mut url {
        url.query_pairs_mut().extend_pairs(fields);
    }
    url.and_then(|url| url.query().map(str::to_owned))
        .unwrap_or_default()
}

fn post(http: &Http, realm: &Url, form: &str) -> RequestBuilder {
    http.request(Method::POST, realm.clone())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(once(form.to_owned()))
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
