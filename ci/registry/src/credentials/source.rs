//! One place where credentials are found.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};

use super::{Credential, Secret};

/// Under which names Docker Hub's credential is kept, by Docker and by podman.
const DOCKER_HUB: [&str; 3] = [
    "https://index.docker.io/v1/",
    "docker.io",
    "index.docker.io",
];

/// How often a helper is asked that could not be spoken to. One that does not read what it is asked, as scripts for a single registry,
/// may have answered and gone before it was told, which counts as a failure of speech.
const HELPER_ATTEMPTS: usize = 5;

/// One place where credentials are found.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// Given for exactly this host and port.
    Fixed {
        host: String,
        credential: Credential,
        /// Where from; nothing to tell of what a caller gives.
        origin: Option<&'static str>,
    },
    /// The text of a `config.json`.
    Text(Secret),
    /// A `config.json` or `auth.json`.
    File(PathBuf),
}

impl Source {
    /// How it is called, for people.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Self::Fixed { origin, .. } => origin.map(str::to_owned),
            Self::Text(_) => Some("DOCKER_AUTH_CONFIG".to_owned()),
            Self::File(path) => Some(path.display().to_string()),
        }
    }

    /// The credential of a host; or why it cannot be had although it should.
    pub(super) fn find(&self, host: &str) -> Result<Option<Credential>, String> {
        match self {
            Self::Fixed {
                host: given,
                credential,
                ..
            } => Ok((given == host).then(|| credential.clone())),
            Self::Text(text) => lookup(host, || Ok(text.reveal().as_bytes())),
            Self::File(path) => match File::open(path) {
                Ok(_) => lookup(host, || File::open(path).map(BufReader::new)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error.to_string()),
            },
        }
    }
}

fn lookup<R: Read>(
    host: &str,
    open: impl Fn() -> io::Result<R>,
) -> Result<Option<Credential>, String> {
    let names = match host {
        "docker.io" => DOCKER_HUB.to_vec(),
        host => vec![host],
    };
    for name in names {
        match ask(name, &open)? {
            Ok(DockerCredential::IdentityToken(token)) => {
                return Ok(Some(Credential::IdentityToken(Secret(token))));
            }
            Ok(DockerCredential::UsernamePassword(username, password)) => {
                return Ok(Some(Credential::Password {
                    username,
                    password: Secret(password),
                }));
            }
            Err(CredentialRetrievalError::NoCredentialConfigured) => {}
            // What every helper says when it has none (docker-credential-helpers).
            Err(CredentialRetrievalError::HelperFailure { stdout, .. })
                if stdout.contains("credentials not found") => {}
            // Its output may be anything, secrets included.
            Err(CredentialRetrievalError::HelperFailure { helper, .. }) => {
                return Err(format!("{helper} failed"));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(None)
}

/// The outer error is one of reading.
fn ask<R: Read>(
    name: &str,
    open: impl Fn() -> io::Result<R>,
) -> Result<Result<DockerCredential, CredentialRetrievalError>, String> {
    let mut attempts = HELPER_ATTEMPTS;
    loop {
        let reader = open().map_err(|error| error.to_string())?;
        let answer = get_credential_from_reader(reader, name);
        attempts -= 1;
        let may_pass = matches!(
            answer,
            Err(CredentialRetrievalError::HelperCommunicationError)
        );
        if !may_pass || attempts == 0 {
            return Ok(answer);
        }
    }
}
