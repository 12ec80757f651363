//! How registries are reached: the values of `[registries]` and of the environment beside it.
//!
//! The environment is read by the caller, so that everything here stays a function of its arguments.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::RelativePath;
use crate::reference;

/// The environment variable with mirrors: `REGISTRY=MIRROR`, separated by commas.
pub const MIRRORS_VARIABLE: &str = "PIPELINE_REGISTRY_MIRRORS";
/// The environment variable with registries that are spoken to without TLS, separated by commas.
pub const PLAIN_HTTP_VARIABLE: &str = "PIPELINE_PLAIN_HTTP";

/// The settings of registries, by `HOST[:PORT]` in lower case. Mirrors are registries with settings of their own.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Registries(pub(crate) BTreeMap<String, Registry>);

/// One `[registries.HOST]` table.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Registry {
    /// Where to look for what is pulled from it, in this order, before the registry itself.
    pub mirrors: Vec<Mirror>,
    /// Whether it is spoken to without TLS.
    pub plain_http: bool,
    /// A file of certificate authorities, in PEM, that are trusted besides the system's; exists.
    pub ca: Option<RelativePath>,
    /// The server in another domain, `HOST[:PORT]` in lower case, that its tokens are from.
    pub login_server: Option<String>,
}

/// `HOST[:PORT][/PREFIX]`: a registry that serves the repositories of another one, perhaps below a prefix.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Mirror {
    registry: String,
    prefix: Option<String>,
}

/// Why a text is not a [`Mirror`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidMirror(&'static str);

/// Why the value of an environment variable cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{variable}: `{entry}`: {reason}")]
pub struct InvalidVariable {
    /// Its name.
    pub variable: &'static str,
    /// The part of the value that is wrong.
    pub entry: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Registries {
    /// The settings of a registry, `HOST[:PORT]` in lower case, if it has any.
    #[must_use]
    pub fn get(&self, registry: &str) -> Option<&Registry> {
        self.0.get(registry)
    }

    /// All registries with settings, ordered by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Registry)> {
        self.0
            .iter()
            .map(|(name, registry)| (name.as_str(), registry))
    }

    /// These settings and those of the environment: `mirrors` is the value of [`MIRRORS_VARIABLE`], whose mirrors stand in
    /// place of the file's for the registries it names (`docker.io=` takes them away); `plain_http` that of
    /// [`PLAIN_HTTP_VARIABLE`], which adds to the file.
    ///
    /// # Errors
    /// When an entry of one of them does not have its form (the first such entry).
    pub fn with_environment(
        mut self,
        mirrors: Option<&str>,
        plain_http: Option<&str>,
    ) -> Result<Self, InvalidVariable> {
        let mut named: BTreeMap<String, Vec<Mirror>> = BTreeMap::new();
        for entry in entries(mirrors) {
            let invalid = |reason| InvalidVariable {
                variable: MIRRORS_VARIABLE,
                entry: entry.to_owned(),
                reason,
            };
            let (registry, mirror) = entry.split_once('=').ok_or_else(|| {
                invalid("write REGISTRY=MIRROR, as in `docker.io=mirror.example.com/dockerhub`")
            })?;
            let registry = registry_name(registry.trim()).map_err(invalid)?;
            let list = named.entry(registry).or_default();
            if !mirror.trim().is_empty() {
                let mirror: Result<Mirror, InvalidMirror> = mirror.trim().parse();
                list.push(mirror.map_err(|error| invalid(error.0))?);
            }
        }
        for (registry, mirrors) in named {
            self.0.entry(registry).or_default().mirrors = mirrors;
        }
        for entry in entries(plain_http) {
            let registry = registry_name(entry).map_err(|reason| InvalidVariable {
                variable: PLAIN_HTTP_VARIABLE,
                entry: entry.to_owned(),
                reason,
            })?;
            self.0.entry(registry).or_default().plain_http = true;
        }
        Ok(self)
    }
}

fn entries(value: Option<&str>) -> impl Iterator<Item = &str> {
    let entries = value.unwrap_or_default().split(',').map(str::trim);
    entries.filter(|entry| !entry.is_empty())
}

/// The canonical name of a registry, or why it is none.
pub(crate) fn registry_name(text: &str) -> Result<String, &'static str> {
    if text.contains("://") {
        return Err("a registry has no scheme");
    }
    if text.contains('/') {
        return Err("settings are those of a whole registry: leave out the path");
    }
    match reference::host(text).ok_or("it is not a host with perhaps a port")? {
        // Docker Hub has these hosts, but its images have one name.
        host if matches!(host.as_str(), "index.docker.io" | "registry-1.docker.io") => {
            Err("Docker Hub's name is `docker.io`")
        }
        host => Ok(host),
    }
}

impl Mirror {
    /// Host and perhaps port, in lower case.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// What goes before the repository, without slashes around it.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }
}

impl FromStr for Mirror {
    type Err = InvalidMirror;

    fn from_str(text: &str) -> Result<Self, InvalidMirror> {
        if text.contains("://") {
            return Err(InvalidMirror("a mirror has no scheme"));
        }
        let (host, prefix) = match text.split_once('/') {
            Some((host, prefix)) => (host, Some(prefix.trim_end_matches('/'))),
            None => (text, None),
        };
        let registry = reference::host(host).ok_or(InvalidMirror(
            "it does not begin with a host and perhaps a port",
        ))?;
        let prefix = prefix.filter(|prefix| !prefix.is_empty());
        if prefix.is_some_and(|prefix| !reference::is_path(prefix)) {
            return Err(InvalidMirror(
                "its path may hold only lower-case letters, digits and single separators between them",
            ));
        }
        Ok(Self {
            registry,
            prefix: prefix.map(str::to_owned),
        })
    }
}

/// As it is written in `mirrors`.
impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.registry)?;
        self.prefix
            .iter()
            .try_for_each(|prefix| write!(f, "/{prefix}"))
    }
}
