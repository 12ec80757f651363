//! How registries are reached, and as whom: what the catalog declares, what the environment adds, and what their errors mean.
//!
//! This is the one place for it. The engine pulls with it, and so does everything that asks or pushes to registries itself.

use std::collections::BTreeMap;
use std::path::Path;

use ci_catalog::{Catalog, MIRRORS_VARIABLE, PLAIN_HTTP_VARIABLE, Registries, Registry};
use ci_registry::{Config, Credentials, Error, RegistryConfig};

use crate::error::{Exit, UserError};

/// The configuration for registry clients. `variable` gives the environment's variables.
///
/// Proxies and `SSL_CERT_FILE` are the HTTP client's business.
///
/// # Errors
/// When a variable has not its form.
pub(crate) fn config(
    catalog: &Catalog,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Config, UserError> {
    of(catalog.registries(), catalog.root(), variable)
}

/// The same for what works without a project: its catalog counts where `directory` is in one.
///
/// # Errors
/// When there is a catalog and it is broken, or a variable has not its form.
pub(crate) fn anywhere(
    directory: &Path,
    variable: impl Fn(&str) -> Option<String>,
) -> eyre::Result<Config> {
    match ci_catalog::find_root(directory) {
        Some(root) => Ok(config(&Catalog::load(&root)?, variable)?),
        None => Ok(of(&Registries::default(), directory, variable)?),
    }
}

fn of(
    declared: &Registries,
    root: &Path,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Config, UserError> {
    let (mirrors, plain_http) = (variable(MIRRORS_VARIABLE), variable(PLAIN_HTTP_VARIABLE));
    let declared = declared
        .clone()
        .with_environment(mirrors.as_deref(), plain_http.as_deref())
        .map_err(wrong)?;
    let mut registries = BTreeMap::new();
    for (host, registry) in declared.iter() {
        registries.insert(host.to_owned(), one(root, registry)?);
    }
    Ok(Config {
        registries,
        credentials: Credentials::from_env(),
        ..Config::default()
    })
}

fn one(root: &Path, registry: &Registry) -> Result<RegistryConfig, UserError> {
    let mirrors = registry.mirrors.iter();
    Ok(RegistryConfig {
        mirrors: mirrors
            .map(|mirror| mirror.to_string().parse().map_err(wrong))
            .collect::<Result<_, _>>()?,
        plain_http: registry.plain_http,
        ca: registry.ca.as_ref().map(|path| path.under(root)),
        login_server: registry.login_server.clone(),
    })
}

fn wrong(error: impl std::fmt::Display) -> UserError {
    UserError::new(Exit::Usage, error.to_string())
}

/// What an error of a registry means to the run: what is not there was asked for in vain, and what is declared may be wrong. All else,
/// credentials included, is neither the work's fault nor that of the files.
pub(crate) fn failure(error: Error) -> UserError {
    let exit = match &error {
        Error::TagTaken { .. } => Exit::Failed,
        error if error.is_mistake() => Exit::Usage,
        _ => Exit::Infrastructure,
    };
    let failure = UserError::new(exit, error.to_string());
    match error.help() {
        Some(help) => failure.hint(help),
        None => failure,
    }
}

#[cfg(test)]
mod tests;
