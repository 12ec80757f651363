//! Which repository, and where its interface is.

use ci_http::Url;

use crate::git::Address;
use crate::rest::{Names, address};

/// A repository on a Gitea or Forgejo server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Account or organisation.
    pub owner: String,
    /// Name.
    pub name: String,
    pub(super) rest: Url,
}

/// Why an address is no repository on a Gitea server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not the address of a repository on a Gitea or Forgejo server: https://HOST/OWNER/NAME"
)]
pub struct InvalidRepository(String);

impl Repository {
    /// The repository at `https://HOST/OWNER/NAME`, or below a folder where the server is; `http://` is for servers on this machine.
    ///
    /// # Errors
    /// When the address is of another form.
    pub fn parse(address: &str) -> Result<Self, InvalidRepository> {
        Self::at(address).ok_or_else(|| InvalidRepository(address.chars().take(200).collect()))
    }

    fn at(text: &str) -> Option<Self> {
        let text = text.trim_end_matches('/');
        let text = text.strip_suffix(".git").unwrap_or(text);
        // Git's rules are the stricter ones: no secrets, and nothing plain across a network.
        text.parse::<Address>().ok()?;
        let url: Url = text.parse().ok()?;
        if url.query().is_some() || url.fragment().is_some() {
            return None;
        }
        let (server, name) = text.rsplit_once('/')?;
        let (server, owner) = server.rsplit_once('/')?;
        let Names { owner, name } = Names::new(owner, name)?;
        let rest = address(&format!("{server}/api/v1"))?;
        // `https://OWNER/NAME` is a server and a folder.
        rest.host_str().filter(|_| !server.ends_with(['/', ':']))?;
        Some(Self { owner, name, rest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interface_follows_from_the_address() {
        for (address, rest) in [
            (
                "https://git.example.com/acme/deployments.git",
                "https://git.example.com/api/v1",
            ),
            (
                "https://example.com:8443/git/acme/deployments/",
                "https://example.com:8443/git/api/v1",
            ),
            (
                "http://127.0.0.1:3000/acme/deployments",
                "http://127.0.0.1:3000/api/v1",
            ),
        ] {
            let repository = Repository::parse(address).unwrap();
            assert_eq!(repository.rest.as_str(), rest);
            let names = (&*repository.owner, &*repository.name);
            assert_eq!(names, ("acme", "deployments"));
        }
    }

    #[test]
    fn what_is_no_repository_is_refused() {
        for address in [
            "http://git.example.com/acme/deployments",
            "https://token@git.example.com/acme/deployments",
            "https://git.example.com/acme",
            "https://git.example.com/acme/..",
            "https://git.example.com/acme/a%2fb",
            "https://git.example.com/acme/deployments?x=1",
            "git@git.example.com:acme/deployments.git",
            "ext::sh -c touch% /tmp/x /acme/deployments",
            "/srv/acme/deployments",
        ] {
            assert!(Repository::parse(address).is_err(), "{address} P1");
        }
    }
}
