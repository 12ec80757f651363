//! Answers to challenges: which header makes a registry give what was refused, remembered for the next request.
//!
//! Nothing is sent before a registry asks for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ci_http::Response;
use ci_http::header::{HeaderValue, WWW_AUTHENTICATE};
use tokio::sync::OnceCell;

use crate::challenge::{self, Bearer, Challenge};
use crate::credentials::{Credential, Credentials, Found};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::session::Session;
use crate::token::{self, Token};

/// A token, if there is one, and the right to ask for it.
type Slot = Arc<tokio::sync::Mutex<Option<Token>>>;

/// What is known about who asks for what, by host.
pub(crate) struct Auth {
    credentials: Credentials,
    found: Mutex<HashMap<String, Arc<OnceCell<Found>>>>,
    challenges: Mutex<HashMap<String, Challenge>>,
    /// By host and scopes.
    tokens: Mutex<HashMap<(String, String), Slot>>,
}

impl Auth {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            found: Mutex::default(),
            challenges: Mutex::default(),
            tokens: Mutex::default(),
        }
    }

    /// What to send along at first, by what the registry asked for before.
    pub(crate) async fn first(&self, session: &Session) -> Result<Option<HeaderValue>, Error> {
        let known = lock(&self.challenges).get(&session.endpoint.host).cloned();
        match known {
            None => Ok(None),
            Some(challenge) => self.answer(session, &challenge, None).await,
        }
    }

    /// What to send after a response of 401, or `None` when there is nothing better than `refused`, which was sent before.
    pub(crate) async fn next(
        &self,
        session: &Session,
        response: &Response,
        refused: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, Error> {
        let headers = response.headers().get_all(WWW_AUTHENTICATE);
        let challenges = challenge::parse(headers.iter().filter_map(|value| value.to_str().ok()));
        // A token says less about us than a password.
        let bearer = |challenge: &&Challenge| matches!(challenge, Challenge::Bearer(_));
        let Some(challenge) = challenges.iter().find(bearer).or(challenges.first()) else {
            return Ok(None);
        };
        lock(&self.challenges).insert(session.endpoint.host.clone(), challenge.clone());
        let answer = self.answer(session, challenge, refused).await?;
        Ok(answer.filter(|answer| Some(answer) != refused))
    }

    /// Whether the registry, or its token server, is told who we are.
    pub(crate) async fn presents(&self, session: &Session) -> bool {
        let host = &session.endpoint.host;
        if self.found(host).await.credential.is_none() {
            return false;
        }
        match lock(&self.challenges).get(host) {
            Some(Challenge::Bearer(bearer)) => token::withheld(session, bearer).is_none(),
            _ => true,
        }
    }

    /// Who we are to a registry, for people.
    pub(crate) async fn identity(&self, session: &Session) -> String {
        let host = &session.endpoint.host;
        let Found { credential, note } = self.found(host).await;
        let who = match credential {
            Some(Credential::Password { username, .. }) => format!("user {username:?}"),
            Some(Credential::IdentityToken(_)) => "an identity token".to_owned(),
            None => {
                let why = note.map_or_else(String::new, |note| format!(" ({note})"));
                return format!("credentials: none for {host}{why}");
            }
        };
        let from = note.map_or_else(String::new, |note| format!(" from {note}"));
        let challenge = lock(&self.challenges).get(host).cloned();
        let withheld = match challenge {
            Some(Challenge::Bearer(bearer)) => token::withheld(session, &bearer),
            _ => None,
        };
        let withheld = withheld.map_or_else(String::new, |server| {
            format!(
                ", not given to the token server {server}, which is in another domain; if it is {host}'s, declare `login-server = \"{server}\"` for that in pipeline.toml"
            )
        });
        format!("credentials: {who}{from}{withheld}")
    }

    async fn answer(
        &self,
        session: &Session,
        challenge: &Challenge,
        refused: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, Error> {
        match challenge {
            Challenge::Basic => match self.found(&session.endpoint.host).await.credential {
                Some(Credential::Password { username, password }) => {
                    basic(&session.endpoint, &username, password.reveal()).map(Some)
                }
                _ => Ok(None),
            },
            Challenge::Bearer(bearer) => self.token(session, bearer, refused).await.map(Some),
        }
    }

    /// A token for the session's scopes: the one at hand, or a new one, which is asked for once for all who wait.
    async fn token(
        &self,
        session: &Session,
        bearer: &Bearer,
        refused: Option<&HeaderValue>,
    ) -> Result<HeaderValue, Error> {
        let scopes = session.scopes_with(bearer.scope.as_deref());
        let key = (session.endpoint.host.clone(), scopes.join(" "));
        let slot = Arc::clone(lock(&self.tokens).entry(key).or_default());
        let mut held = slot.lock().await;
        let now = session.endpoint.http.clock().now();
        if let Some(token) = held.as_ref()
            && token.is_valid(now)
            && refused != Some(&token.header)
        {
            return Ok(token.header.clone());
        }
        *held = None;
        let found = self.found(&session.endpoint.host).await;
        let token = token::request(session, bearer, &scopes, found.credential).await?;
        Ok(held.insert(token).header.clone())
    }

    /// The credential of a host, looked for once.
    async fn found(&self, host: &str) -> Found {
        let cell = Arc::clone(lock(&self.found).entry(host.to_owned()).or_default());
        let find = || async {
            let (credentials, host) = (self.credentials.clone(), host.to_owned());
            let found = tokio::task::spawn_blocking(move || credentials.find(&host)).await;
            found.unwrap_or_default()
        };
        cell.get_or_init(find).await.clone()
    }
}

/// `Authorization` by user and password (RFC 7617).
pub(crate) fn basic(
    endpoint: &Endpoint,
    username: &str,
    password: &str,
) -> Result<HeaderValue, Error> {
    if username.contains(':') {
        let problem = format!("a user cannot have a colon in the name: {username:?}");
        return Err(Error::protocol(&endpoint.host, problem));
    }
    let text = STANDARD.encode(format!("{username}:{password}"));
    sensitive(endpoint, format!("Basic {text}"))
}

/// A header's value that no log shows.
pub(crate) fn sensitive(endpoint: &Endpoint, text: String) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| Error::protocol(&endpoint.host, "a token that no header can hold"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
