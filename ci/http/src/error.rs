//! Why no response came, told so that one can do something about it.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use crate::body::SourceError;
use crate::redirect::Refused;
use crate::shown::shown;

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A file of certificates that was named and is of no use.
    #[error("certificates {}: {problem}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A proxy whose address is none.
    #[error("the proxy for {scheme} addresses is no address: check {}_PROXY", scheme.to_uppercase())]
    Proxy {
        /// What it is the proxy for.
        scheme: &'static str,
        /// Why.
        source: reqwest::Error,
    },
    /// TLS.
    #[error("TLS: {0}")]
    Tls(rustls::Error),
    /// The client library.
    #[error("HTTP client")]
    Client(#[source] reqwest::Error),
}

/// Why an exchange failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The host's name is unknown. The flag says whether that may pass.
    UnknownHost(bool),
    /// Nobody accepts the connection.
    Connect,
    /// The proxy does not let us through.
    Proxy,
    /// The server's certificate is not trusted, or not for this host.
    Certificate,
    /// The server does not speak TLS.
    PlainHttp,
    /// TLS failed otherwise.
    Tls,
    /// The connection ended before the response did.
    Interrupted,
    /// Nothing came and nothing went for too long.
    Stalled,
    /// A redirect that is not followed (R3).
    Redirect,
    /// The response is larger than anybody expects.
    TooLarge,
    /// The request's body could not be read.
    Source,
    /// What was said is not HTTP, or an address is none.
    Protocol,
}

/// No response, or only a part of one. Neither its text nor its sources show what may be secret in an address.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    url: String,
    problem: String,
    source: Option<reqwest::Error>,
}

impl Error {
    pub(crate) fn of(url: Option<&Url>, error: reqwest::Error) -> Self {
        // Redirects: what failed is the address that was redirected to.
        let url = error.url().or(url).map_or_else(String::new, shown);
        let error = error.without_url();
        let (kind, problem) = classify(&error);
        Self {
            kind,
            url,
            problem,
            source: Some(error),
        }
    }

    pub(crate) fn stalled(url: &Url, idle: Duration) -> Self {
        let problem = format!("nothing moved for {} s", idle.as_secs());
        Self::plain(Kind::Stalled, url, problem)
    }

    pub(crate) fn too_large(url: &Url, limit: u64) -> Self {
        let problem = format!("the response has more than {limit} bytes");
        Self::plain(Kind::TooLarge, url, problem)
    }

    fn plain(kind: Kind, url: &Url, problem: String) -> Self {
        Self {
            kind,
            url: shown(url),
            problem,
            source: None,
        }
    }

    /// What happened.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it may work when it is tried again.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            Kind::Connect
                | Kind::Proxy
                | Kind::Interrupted
                | Kind::Stalled
                | Kind::UnknownHost(true)
        )
    }

    /// Whether there was not even a connection.
    pub fn is_unreachable(&self) -> bool {
        use Kind::{Certificate, Connect, PlainHttp, Proxy, Tls, UnknownHost};
        matches!(
            self.kind,
            UnknownHost(_) | Connect | Proxy | Certificate | PlainHttp | Tls
        )
    }

    /// What can be done about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Certificate => Some(
                "trust a CA of your own: among the system's certificates, in the file SSL_CERT_FILE names, or as a registry's `ca` in pipeline.toml",
            ),
            Kind::PlainHttp => Some(
                "a registry without TLS has to be declared: `plain-http = true` in pipeline.toml, or PIPELINE_PLAIN_HTTP",
            ),
            Kind::Proxy => Some("check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"),
            Kind::UnknownHost(_) => Some("is there a proxy to go through? Then set HTTPS_PROXY"),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.url, self.problem)?;
        self.hint().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // Its text is in `problem` already; a chain of the same in other words helps nobody.
        self.source.as_ref().and_then(|error| error.source())
    }
}

/// What happened, from the most telling of an error's causes.
fn classify(error: &reqwest::Error) -> (Kind, String) {
    let root = causes(error)
        .last()
        .map_or_else(String::new, ToString::to_string);
    for cause in causes(error) {
        if let Some(refused) = cause.downcast_ref::<Refused>() {
            return (Kind::Redirect, refused.to_string());
        }
        if let Some(source) = cause.downcast_ref::<SourceError>() {
            return (
                Kind::Source,
                format!("what is to be sent cannot be read: {source}"),
            );
        }
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return tls(error);
        }
    }
    let lookup = causes(error).any(|cause| cause.to_string().contains("lookup address"));
    let tunnel = causes(error).any(|cause| cause.to_string().contains("tunnel"));
    if tunnel {
        (
            Kind::Proxy,
            format!(
                "the proxy does not let us through: {}",
                root.trim_start_matches("tunnel error: ")
            ),
        )
    } else if lookup {
        // The resolver's answer comes as text only: "Temporary failure in name resolution", "Try again".
        let passing = root.contains("emporary") || root.contains("ry again");
        (
            Kind::UnknownHost(passing),
            "the host's name is unknown".to_owned(),
        )
    } else if error.is_timeout() && error.is_connect() {
        let problem = "nobody answers; is there a proxy to go through (HTTPS_PROXY)?";
        (Kind::Connect, problem.to_owned())
    } else if error.is_connect() {
        // "Connection refused (os error 111)": the number is for nobody.
        let end = root.find(" (os error").unwrap_or(root.len());
        (Kind::Connect, root[..end].to_lowercase())
    } else if interrupted(error) {
        (Kind::Interrupted, "the connection broke".to_owned())
    } else {
        (Kind::Protocol, root)
    }
}

/// An error and what caused it, one after the other.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let first: &(dyn StdError + 'static) = error;
    std::iter::successors(Some(first), |error| {
        // An error of input and output gives its cause's cause as its own.
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match inner {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => (*error).source(),
        }
    })
}

fn tls(error: &rustls::Error) -> (Kind, String) {
    use rustls::{CertificateError, Error};
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => (
            Kind::Certificate,
            "its certificate is signed by nobody we trust".to_owned(),
        ),
        Error::InvalidCertificate(error) => (
            Kind::Certificate,
            format!("its certificate is not good: {error}"),
        ),
        Error::InvalidMessage(_) => (Kind::PlainHttp, "it does not speak TLS".to_owned()),
        error => (Kind::Tls, format!("TLS: {error}")),
    }
}

/// Whether the connection broke, as opposed to somebody saying what is not HTTP.
fn interrupted(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| {
        cause.downcast_ref::<io::Error>().is_some()
            || [
                "connection closed",
                "unexpected EOF",
                "end of file",
                "IncompleteMessage",
            ]
            .iter()
            .any(|sign| cause.to_string().contains(sign))
    })
}
