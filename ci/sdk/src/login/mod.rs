//! Credentials for registries, kept as Docker keeps them: in `config.json`, or with the helper that it names.
//!
//! Where credentials are looked for is `ci_registry`'s business; here they are stored and removed. No secret is ever shown, in an
//! error either.

mod config;
mod helper;
pub(crate) mod prompt;

use std::fs::Permissions;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ci_oci::Reference;
use ci_registry::Secret;

use self::config::Config;
pub(crate) use self::prompt::{hidden, line, piped};
use crate::error::{Exit, UserError};

/// Under which name Docker keeps Docker Hub's credentials.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// A registry, by the host and port that references have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registry(String);

impl Registry {
    /// Reads `ghcr.io`, `127.0.0.1:5000` or `https://registry.example.com/`.
    ///
    /// # Errors
    /// When it is something else, such as a repository.
    pub(crate) fn parse(text: &str) -> Result<Self, UserError> {
        let host = ["https://", "http://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))
            .unwrap_or(text);
        let host = host.strip_suffix('/').unwrap_or(host).to_ascii_lowercase();
        let host = match host.as_str() {
            "index.docker.io/v1" | "index.docker.io" | "registry-1.docker.io" => "docker.io",
            host => host,
        };
        let image: Option<Reference> = format!("{host}/library/image").parse().ok();
        match image.filter(|it| it.registry() == host && it.repository() == "library/image") {
            Some(_) => Ok(Self(host.to_owned())),
            None => Err(
                UserError::new(Exit::Usage, format!("`{text}` is no registry"))
                    .hint("a registry is a host, perhaps with a port: ghcr.io, 127.0.0.1:5000"),
            ),
        }
    }

    /// Host and perhaps port.
    pub(crate) fn host(&self) -> &str {
        &self.0
    }

    /// Its name in `config.json`.
    fn key(&self) -> &str {
        match self.host() {
            "docker.io" => DOCKER_HUB,
            host => host,
        }
    }
}

/// Where something was stored. Displays as part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In this file, where whoever can read it can read the password.
    File(PathBuf),
    /// With this program.
    Helper(String),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "in {}, not encrypted", path.display()),
            Self::Helper(program) => write!(f, "with {program}"),
        }
    }
}

/// Docker's store of credentials.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    config: Config,
}

impl Store {
    /// Reads `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`; where there is none, an empty one.
    ///
    /// # Errors
    /// When nobody says where it is, or it cannot be read, or is not what Docker writes.
    pub(crate) fn open(variable: impl Fn(&str) -> Option<String>) -> Result<Self, UserError> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let folder = set("DOCKER_CONFIG")
            .map(PathBuf::from)
            .or_else(|| set("HOME").map(|home| Path::new(&home).join(".docker")))
            .ok_or_else(|| {
                let message = "neither DOCKER_CONFIG nor HOME says where credentials are kept";
                UserError::new(Exit::Usage, message)
            })?;
        let path = folder.join("config.json");
        // A link stays one: what it leads to is replaced.
        let path = path.canonicalize().unwrap_or(path);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => {
                let message = format!("cannot read {}", path.display());
                return Err(UserError::new(Exit::Machine, message)
                    .hint("its owner has to be able to read it")
                    .because(error));
            }
        };
        let config = Config::parse(text).map_err(|problem| {
            let message = format!("{} is not what Docker writes: {problem}", path.display());
            UserError::new(Exit::Usage, message)
        })?;
        Ok(Self { path, config })
    }

    /// Stores who we are to a registry.
    ///
    /// # Errors
    /// When the helper fails or the file cannot be written.
    pub(crate) fn store(
        &self,
        registry: &Registry,
        user: &str,
        secret: &Secret,
    ) -> Result<Place, UserError> {
        let key = registry.key();
        if let Some(helper) = self.config.helper(key) {
            let program = helper::store(helper, key, user, secret)?;
            // What is in the file would be found before what the helper has.
            if self.config.has(key) {
                self.write(&self.config.with(key, None).map_err(unfaithful)?)?;
            }
            return Ok(Place::Helper(program));
        }
        let auth = STANDARD.encode(format!("{user}:{}", secret.reveal()));
        self.write(&self.config.with(key, Some(&auth)).map_err(unfaithful)?)?;
        Ok(Place::File(self.path.clone()))
    }

    /// Removes what there is for a registry; whether there was anything.
    ///
    /// # Errors
    /// When the helper fails or the file cannot be written.
    pub(crate) fn remove(&self, registry: &Registry) -> Result<bool, UserError> {
        let key = registry.key();
        let mut removed = match self.config.helper(key) {
            Some(helper) => helper::erase(helper, key)?,
            None => false,
        };
        if self.config.has(key) {
            self.write(&self.config.without(key).map_err(unfaithful)?)?;
            removed = true;
        }
        Ok(removed)
    }

    /// Replaces the file, for its owner's eyes alone. Whoever reads it sees the old content or the new.
    fn write(&self, text: &str) -> Result<(), UserError> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let write = || -> io::Result<()> {
            let mut builder = std::fs::DirBuilder::new();
            builder.recursive(true).mode(0o700).create(folder)?;
            let mut file = tempfile::Builder::new()
                .prefix(".config.json-")
                .permissions(Permissions::from_mode(0o600))
                .tempfile_in(folder)?;
            file.write_all(text.as_bytes())?;
            // Whatever the umask took away.
            file.as_file()
                .set_permissions(Permissions::from_mode(0o600))?;
            file.as_file().sync_data()?;
            file.persist(&self.path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|error| {
            let message = format!("cannot write {}", self.path.display());
            UserError::new(Exit::Infrastructure, message).because(error)
        })
    }
}

fn unfaithful(problem: String) -> UserError {
    UserError::new(Exit::Infrastructure, problem)
}

#[cfg(test)]
mod tests;
