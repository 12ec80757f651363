//! Who signs without a key: an OIDC token, of GitHub's service in its Actions, of the environment, or of a person in a browser.

mod browser;
mod github;

use std::fmt;
use std::sync::Arc;

use ci_http::Http;
use ci_registry::Secret;
use sigstore_sign::oidc::IdentityToken;

pub use browser::Person;

use crate::error::{Error, Service};
use crate::services::Services;

/// For whom tokens are: what Fulcio expects.
const AUDIENCE: &str = "sigstore";

/// Where the token comes from that says who signs.
#[derive(Clone)]
#[non_exhaustive]
pub enum Identity {
    /// GitHub's token service, for a job of its Actions.
    GitHub {
        /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
        url: String,
        /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
        token: Secret,
    },
    /// A token that is at hand.
    Token(Secret),
    /// A person, who signs in with a browser.
    Person(Arc<dyn Person>),
}

impl Identity {
    /// What the environment offers: `SIGSTORE_ID_TOKEN`, else GitHub's token service. Variables are read with `variable`.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name| variable(name).filter(|value: &String| !value.trim().is_empty());
        if let Some(token) = set("SIGSTORE_ID_TOKEN") {
            return Some(Self::Token(Secret::new(token.trim())));
        }
        Some(Self::GitHub {
            url: set("ACTIONS_ID_TOKEN_REQUEST_URL")?,
            token: Secret::new(set("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?),
        })
    }

    /// A token, fresh where it can be.
    pub(crate) async fn token(&self, services: &Services) -> Result<IdentityToken, Error> {
        let http: &Http = &services.http;
        let token = match self {
            Self::GitHub { url, token } => {
                parse(github::request(http, url, token).await?.reveal())?
            }
            Self::Token(token) => parse(token.reveal())?,
            Self::Person(person) => {
                let issuer = services.oidc.as_deref();
                let issuer = issuer.ok_or(Error::NoService(Service::Oidc))?;
                browser::sign_in(http, issuer, &**person).await?
            }
        };
        match token.is_expired() {
            true => Err(Error::Identity("the token has expired".to_owned())),
            false => Ok(token),
        }
    }
}

fn parse(token: &str) -> Result<IdentityToken, Error> {
    // What the crate says could show a part of the token.
    IdentityToken::from_jwt(token)
        .map_err(|_| Error::Identity("the token is no OIDC identity token (a JWT)".to_owned()))
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GitHub { .. } => "GitHub(***)",
            Self::Token(_) => "Token(***)",
            Self::Person(_) => "Person",
        })
    }
}

#[cfg(test)]
mod tests;
