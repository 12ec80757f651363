//! What is declared about registries: mirrors, plain HTTP, certificates.
//!
//! Reading it from a file or the environment is the callers' business.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use ci_http::Options;
use ci_oci::Reference;

use crate::credentials::Credentials;

/// What a client is made of.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// What is declared about registries, by host and perhaps port as in references: `docker.io`, `127.0.0.1:5000`.
    pub registries: BTreeMap<String, RegistryConfig>,
    /// Whom we are to whom.
    pub credentials: Credentials,
    /// The HTTP client's options, to which the registries' certificates are added.
    pub http: Options,
}

/// What is declared about one registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistryConfig {
    /// Where its content may be had, too. They are asked in this order, and the registry itself at last. Nothing is pushed to them.
    pub mirrors: Vec<Mirror>,
    /// It is reached by plain HTTP. Credentials for it travel unprotected then.
    pub plain_http: bool,
    /// A PEM file with certificates to trust beside the system's, for this registry and where it redirects to.
    pub ca: Option<PathBuf>,
    /// Host, and port unless it is 443, of the token server that is given this registry's credentials although it is in another
    /// domain.
    pub login_server: Option<String>,
}

/// A mirror: host, perhaps port, perhaps a path under which it has the other registry's repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    host: String,
    prefix: Option<String>,
}

/// A text that names no mirror.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no mirror: expected a host with a dot or a port, and perhaps a path: `mirror.example.com/dockerhub`"
)]
pub struct MirrorError(String);

impl Mirror {
    /// Host and perhaps port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository in the mirror.
    pub(crate) fn repository(&self, original: &str) -> String {
        self.prefix
            .iter()
            .fold(original.to_owned(), |name, prefix| {
                format!("{prefix}/{name}")
            })
    }
}

impl FromStr for Mirror {
    type Err = MirrorError;

    fn from_str(text: &str) -> Result<Self, MirrorError> {
        let error = || MirrorError(text.to_owned());
        // What can be a mirror is what an image can be named below.
        let image = format!("{}/image", text.trim_end_matches('/'));
        let image: Reference = image.parse().map_err(|_| error())?;
        let host = image.registry().to_owned();
        let given = text.split('/').next().unwrap_or(text);
        if !given.eq_ignore_ascii_case(&host) || image.tag().is_some() {
            return Err(error());
        }
        let prefix = image.repository().strip_suffix("/image");
        Ok(Self {
            host,
            prefix: prefix.map(str::to_owned),
        })
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.prefix
            .iter()
            .try_for_each(|prefix| write!(f, "/{prefix}"))
    }
}

#[cfg(test)]
mod tests;
