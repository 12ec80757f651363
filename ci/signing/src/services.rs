//! Where a Sigstore's services are, and what is trusted of them: found through TUF for the public one, read from files for others.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ci_http::Http;
use sigstore_sign::trust_root::{
    ServiceConfiguration, ServiceEndpoint, ServiceSelector, SigningConfig, TrustedRoot, TufConfig,
    fetch_trust_material,
};

use crate::error::{Error, Service};
use crate::verify::Trust;

/// How long the public Sigstore's repository may take for all of its documents.
const PATIENCE: Duration = Duration::from_secs(60);
/// No document that a file holds is larger, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// The services of one Sigstore instance, and its trust root.
#[derive(Debug, Clone)]
pub struct Services {
    pub(crate) http: Http,
    pub(crate) root: Arc<TrustedRoot>,
    pub(crate) trust: Arc<Trust>,
    pub(crate) fulcio: Option<String>,
    pub(crate) rekor: Logs,
    pub(crate) timestamp: Option<String>,
    pub(crate) oidc: Option<String>,
}

/// The transparency logs that an instance writes to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Logs {
    /// Its entries carry a signed time, which is what legacy signatures hold.
    pub(crate) v1: Option<String>,
    /// Its entries carry no time.
    pub(crate) v2: Option<String>,
}

impl Services {
    /// The public Sigstore, as its TUF repository says it is today; the start of trust is built in. `cache` is the directory that
    /// keeps what was fetched and verified; without one nothing is kept.
    ///
    /// # Errors
    /// The repository cannot be reached or does not verify.
    pub async fn public(http: &Http, cache: Option<&Path>) -> Result<Self, Error> {
        crate::crypto::install();
        let tuf = TufConfig::production().with_http_client(http.client().clone());
        let tuf = match cache {
            Some(directory) => tuf.with_cache_dir(directory.to_owned()),
            None => tuf.without_cache(),
        };
        let what = "the public Sigstore's trust root";
        match tokio::time::timeout(PATIENCE, fetch_trust_material(tuf)).await {
            Ok(Ok((trust, config))) => Self::new(http, trust, &config),
            Ok(Err(error)) => Err(broken(what, error)),
            Err(_) => Err(Error::Trust {
                what: what.to_owned(),
                problem: format!("no answer within {} s", PATIENCE.as_secs()),
            }),
        }
    }

    /// A private instance: its `trusted_root.json` and its `signing_config.json`.
    ///
    /// # Errors
    /// A file cannot be read or is something else.
    pub fn from_files(http: &Http, trust: &Path, config: &Path) -> Result<Self, Error> {
        let name = |path: &Path| path.display().to_string();
        let names = (name(trust), name(config));
        Self::parse(http, (&names.0, &read(trust)?), (&names.1, &read(config)?))
    }

    /// A private instance, by the text of these two documents.
    ///
    /// # Errors
    /// One is something else, or asks for what is not done here.
    pub fn from_json(http: &Http, trust: &str, config: &str) -> Result<Self, Error> {
        let (root, signing) = ("the trust root", "the signing config");
        Self::parse(http, (root, trust), (signing, config))
    }

    /// Each document with its name.
    fn parse(http: &Http, trust: (&str, &str), config: (&str, &str)) -> Result<Self, Error> {
        let root = TrustedRoot::from_json(trust.1).map_err(|error| broken(trust.0, error))?;
        let config = SigningConfig::from_json(config.1).map_err(|error| broken(config.0, error))?;
        Self::new(http, root, &config)
    }

    fn new(http: &Http, trust: TrustedRoot, config: &SigningConfig) -> Result<Self, Error> {
        let rekor = config.eligible_rekor_urls(None);
        one_is_enough(Service::Rekor, &config.rekor_tlog_config, &rekor)?;
        let timestamp = config.eligible_tsa_urls();
        one_is_enough(Service::Timestamp, &config.tsa_config, &timestamp)?;
        let log = |version| Some(config.rekor_url(Some(version))?.url.clone());
        Ok(Self {
            http: http.clone(),
            trust: Arc::new(Trust::new(&trust)?),
            root: Arc::new(trust),
            fulcio: config.fulcio_url().map(|one| one.url.clone()),
            rekor: Logs {
                v1: log(1),
                v2: log(2),
            },
            timestamp: config.tsa_url().map(|one| one.url.clone()),
            oidc: config.oidc_url().map(|one| one.url.clone()),
        })
    }

    /// What is trusted.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    pub(crate) fn root(&self) -> &TrustedRoot {
        &self.root
    }
}

/// One entry and one timestamp are made; an instance that wants more is not served with less. All services of one operator count as
/// one (protobuf-specs, `ServiceSelector`).
fn one_is_enough(
    service: Service,
    asked: &ServiceConfiguration,
    eligible: &[&ServiceEndpoint],
) -> Result<(), Error> {
    let operators = || {
        let named = eligible.iter().filter_map(|one| one.operator.as_deref());
        let unnamed = eligible.iter().filter(|one| one.operator.is_none());
        named.collect::<BTreeSet<_>>().len() + unnamed.count()
    };
    let wanted = match asked.selector {
        ServiceSelector::Any => 1,
        ServiceSelector::Exact => asked.count.map_or(1, |count| count as usize),
        // Not said, too: of one nothing has to be guessed.
        _ => operators(),
    };
    match wanted {
        0 | 1 => Ok(()),
        more => Err(Error::Trust {
            what: "the signing config".to_owned(),
            problem: format!("it asks for {more} of the {service}, and one is used"),
        }),
    }
}

fn read(path: &Path) -> Result<String, Error> {
    let file = |source| Error::File {
        path: path.to_owned(),
        source,
    };
    if std::fs::metadata(path).map_err(file)?.len() > MAX_FILE {
        return Err(file(std::io::Error::other("it is too large")));
    }
    std::fs::read_to_string(path).map_err(file)
}

fn broken(what: &str, error: sigstore_sign::trust_root::Error) -> Error {
    Error::Trust {
        what: what.to_owned(),
        problem: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
