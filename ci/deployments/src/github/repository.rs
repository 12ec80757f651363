//! Which repository, and where its interface is.

use ci_http::Url;

use crate::rest::{Names, address};

/// A repository on GitHub or a GitHub Enterprise server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Account or organisation.
    pub owner: String,
    /// Name.
    pub name: String,
    /// Of the REST interface, without a final slash.
    pub(super) rest: Url,
    pub(super) graphql: Url,
}

/// Why an address is no repository on GitHub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the address of a repository on GitHub: https://HOST/OWNER/NAME")]
pub struct InvalidRepository(String);

impl Repository {
    /// The repository at `https://HOST/OWNER/NAME`; the interface is that of github.com, of `*.ghe.com`, or an Enterprise server's.
    ///
    /// # Errors
    /// When the address is of another form.
    pub fn parse(address: &str) -> Result<Self, InvalidRepository> {
        let invalid = || InvalidRepository(address.chars().take(200).collect());
        let url: Url = address.parse().map_err(|_| invalid())?;
        let host = url.host_str().ok_or_else(invalid)?;
        if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
            return Err(invalid());
        }
        let path = url.path().trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let (owner, name) = path.split_once('/').ok_or_else(invalid)?;
        let port = url
            .port()
            .map_or_else(String::new, |port| format!(":{port}"));
        let (rest, graphql) = match host {
            "github.com" | "www.github.com" => (
                "https://api.github.com".to_owned(),
                "https://api.github.com/graphql".to_owned(),
            ),
            tenant if tenant.ends_with(".ghe.com") => (
                format!("https://api.{tenant}{port}"),
                format!("https://api.{tenant}{port}/graphql"),
            ),
            server => (
                format!("https://{server}{port}/api/v3"),
                format!("https://{server}{port}/api/graphql"),
            ),
        };
        Self::at(owner, name, &rest, &graphql).ok_or_else(invalid)
    }

    /// A repository whose interface is at another address, as a proxy may have it.
    ///
    /// # Errors
    /// When a name or an address is none.
    pub fn with_interface(
        owner: &str,
        name: &str,
        rest: &str,
        graphql: &str,
    ) -> Result<Self, InvalidRepository> {
        Self::at(owner, name, rest, graphql).ok_or_else(|| InvalidRepository(rest.to_owned()))
    }

    fn at(owner: &str, name: &str, rest: &str, graphql: &str) -> Option<Self> {
        let Names { owner, name } = Names::new(owner, name)?;
        Some(Self {
            owner,
            name,
            rest: address(rest)?,
            graphql: address(graphql)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interface_follows_from_the_address() {
        for (address, rest, graphql) in [
            (
                "https://github.com/acme/deployments.git",
                "https://api.github.com/",
                "https://api.github.com/graphql",
            ),
            (
                "https://acme.ghe.com/acme/deployments",
                "https://api.acme.ghe.com/",
                "https://api.acme.ghe.com/graphql",
            ),
            (
                "https://git.example.com:8443/acme/deployments/",
                "https://git.example.com:8443/api/v3",
                "https://git.example.com:8443/api/graphql",
            ),
        ] {
            let repository = Repository::parse(address).unwrap();
            assert_eq!(
                (repository.owner.as_str(), repository.name.as_str()),
                ("acme", "deployments")
            );
            assert_eq!(repository.rest.as_str(), rest);
            assert_eq!(repository.graphql.as_str(), graphql);
        }
    }

    #[test]
    fn what_is_no_repository_is_refused() {
        for address in [
            "http://github.com/acme/deployments",
            "https://token@github.com/acme/deployments",
            "https://github.com/acme",
            "https://github.com/acme/deployments/tree/main",
            "https://github.com/acme/..",
            "https://github.com/acme/a%2fb",
            "git@github.com:acme/deployments.git",
        ] {
            assert!(Repository::parse(address).is_err(), "{address}");
        }
    }
}
