//! Whom we are to which registry, as users of Docker have it.
//!
//! Asked in this order; the first that knows the registry decides:
//! 1. what the caller gives for exactly this registry;
//! 2. `DOCKER_AUTH_CONFIG`: the text of a `config.json`;
//! 3. `REGISTRY_AUTH_FILE`;
//! 4. `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`;
//! 5. podman's `$XDG_RUNTIME_DIR/containers/auth.json` and `$XDG_CONFIG_HOME/containers/auth.json` (`~/.config`);
//! 6. for `ghcr.io`: `GITHUB_TOKEN`, with `GITHUB_ACTOR` as the user.
//!
//! In each file `credHelpers`, `auths` and `credsStore` count, as `docker_credential` reads them. A credential is for the one host
//! and port it was found under.

mod source;

use std::env;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use source::Source;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for sending it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What proves to a registry who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// User and password, or what counts as one: an access token.
    Password {
        /// The user.
        username: String,
        /// The password.
        password: Secret,
    },
    /// What is changed for a token at the registry's token server (OAuth 2: a refresh token).
    IdentityToken(Secret),
}

/// Where credentials are found.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    sources: Arc<Vec<Source>>,
}

/// What was found for one registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) credential: Option<Credential>,
    /// Where it is from, unless it was given; or why there is none, if somebody should know.
    pub(crate) note: Option<String>,
}

impl Credentials {
    /// None at all: everything is asked for anonymously.
    pub fn none() -> Self {
        Self::default()
    }

    /// What the environment and its files know. Files are read when they are needed.
    pub fn from_env() -> Self {
        Self::from_lookup(|name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    pub(crate) fn from_lookup(variable: impl Fn(&str) -> Option<String>) -> Self {
        let path = |name: &str, rest: &str| variable(name).map(|dir| PathBuf::from(dir).join(rest));
        let files = [
            variable("REGISTRY_AUTH_FILE").map(PathBuf::from),
            path("DOCKER_CONFIG", "config.json").or_else(|| path("HOME", ".docker/config.json")),
            path("XDG_RUNTIME_DIR", "containers/auth.json"),
            path("XDG_CONFIG_HOME", "containers/auth.json")
                .or_else(|| path("HOME", ".config/containers/auth.json")),
        ];
        let text = variable("DOCKER_AUTH_CONFIG").map(|text| Source::Text(Secret(text)));
        let github = variable("GITHUB_TOKEN").map(|token| Source::Fixed {
            host: "ghcr.io".to_owned(),
            credential: Credential::Password {
                username: variable("GITHUB_ACTOR").unwrap_or_else(|| "github".to_owned()),
                password: Secret(token),
            },
            origin: Some("GITHUB_TOKEN"),
        });
        let files = files.into_iter().flatten().map(Source::File);
        Self {
            sources: Arc::new(text.into_iter().chain(files).chain(github).collect()),
        }
    }

    /// The same, but with `credential` for this host (and port) before all others.
    pub fn with(self, host: &str, credential: Credential) -> Self {
        let given = Source::Fixed {
            host: host.to_owned(),
            credential,
            origin: None,
        };
        let rest = self.sources.iter().cloned();
        Self {
            sources: Arc::new([given].into_iter().chain(rest).collect()),
        }
    }

    /// Looks for the credential of a host. Reads files and runs helpers: nothing for a thread that must not wait.
    pub(crate) fn find(&self, host: &str) -> Found {
        let mut notes = Vec::new();
        for source in self.sources.iter() {
            match source.find(host) {
                Ok(Some(credential)) => {
                    return Found {
                        credential: Some(credential),
                        note: source.name(),
                    };
                }
                Ok(None) => {}
                // A helper that fails must not keep anybody from what is public.
                Err(problem) => {
                    notes.extend(source.name().map(|name| format!("{name}: {problem}")))
                }
            }
        }
        Found {
            credential: None,
            note: (!notes.is_empty()).then(|| notes.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests;
