//! Addresses of repositories: a few kinds that are understood, and none that git would take for a command (P1).

use std::fmt;
use std::str::FromStr;

/// Where a repository is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    text: String,
    protocol: Protocol,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Protocol {
    Https,
    Http,
    Ssh,
    File,
}

/// Why an address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAddress {
    /// Not one of the kinds below.
    #[error(
        "the address of a repository is https://…, ssh://…, USER@HOST:PATH or an absolute path"
    )]
    Kind,
    /// A part that begins with a hyphen, a control character, a transport of git's.
    #[error("the address has a part that git could take for an option or a command")]
    Unsafe,
    /// A password or token in the address, which ends in logs.
    #[error("the address holds a password or token; give it separately")]
    Secret,
    /// Neither encrypted nor on this machine.
    #[error(
        "http:// is for this machine only, and git:// for none: both can be changed on the way; use https:// or ssh://"
    )]
    Plain,
}

impl Address {
    /// The protocol's name in git's configuration.
    pub(super) fn protocol(&self) -> &'static str {
        match self.protocol {
            Protocol::Https => "https",
            Protocol::Http => "http",
            Protocol::Ssh => "ssh",
            Protocol::File => "file",
        }
    }

    /// Scheme, host and port, where there is one scheme that credentials are sent to.
    pub(super) fn origin(&self) -> Option<&str> {
        if !matches!(self.protocol, Protocol::Https | Protocol::Http) {
            return None;
        }
        let start = self.text.find("://")? + 3;
        let end = self.text[start..]
            .find('/')
            .map_or(self.text.len(), |at| start + at);
        self.text.get(..end)
    }

    /// As git is told.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let protocol = protocol(text)?;
        Ok(Self {
            text: text.to_owned(),
            protocol,
        })
    }
}

fn protocol(text: &str) -> Result<Protocol, InvalidAddress> {
    let is_unsafe = text.starts_with('-')
        || is_transport(text)
        || text
            .chars()
            .any(|it| crate::is_invisible(it) || it.is_whitespace());
    if is_unsafe {
        return Err(InvalidAddress::Unsafe);
    }
    if text.starts_with('/') {
        return Ok(Protocol::File);
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        return url(scheme, rest);
    }
    // USER@HOST:PATH, as ssh writes it; a slash before the colon would be a path.
    let (host, path) = text.split_once(':').ok_or(InvalidAddress::Kind)?;
    match host.contains('/') || path.is_empty() {
        true => Err(InvalidAddress::Kind),
        false => ssh(host, path),
    }
}

/// `NAME::ADDRESS` starts the program `git-remote-NAME`.
fn is_transport(text: &str) -> bool {
    let is_name = |it: u8| it.is_ascii_alphanumeric() || b"+-.".contains(&it);
    let name = text.bytes().take_while(|it| is_name(*it)).count();
    text[name..].starts_with("::")
}

fn url(scheme: &str, rest: &str) -> Result<Protocol, InvalidAddress> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if scheme == "file" {
        return match authority.is_empty() && !path.is_empty() {
            true => Ok(Protocol::File),
            false => Err(InvalidAddress::Kind),
        };
    }
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    if user.contains(':') {
        return Err(InvalidAddress::Secret);
    }
    if host.is_empty() || path.is_empty() {
        return Err(InvalidAddress::Kind);
    }
    match scheme {
        "ssh" => ssh(authority, path),
        // A token may stand where a user name does.
        "https" | "http" if !user.is_empty() => Err(InvalidAddress::Secret),
        "https" => Ok(Protocol::Https),
        "http" if is_here(host) => Ok(Protocol::Http),
        "http" | "git" => Err(InvalidAddress::Plain),
        _ => Err(InvalidAddress::Kind),
    }
}

fn ssh(authority: &str, path: &str) -> Result<Protocol, InvalidAddress> {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    if [user, host, path].iter().any(|part| part.starts_with('-')) {
        return Err(InvalidAddress::Unsafe);
    }
    match host.is_empty() {
        true => Err(InvalidAddress::Kind),
        false => Ok(Protocol::Ssh),
    }
}

/// Whether a host, perhaps with a port, is this machine.
fn is_here(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(name, _)| name),
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    matches!(name, "localhost" | "127.0.0.1" | "::1")
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a text names a branch (git-check-ref-format), and is no option.
pub(crate) fn is_branch(name: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    name.len() <= 200
        && name != "@"
        && !name.starts_with('-')
        && !name.ends_with('.')
        && !name.contains("..")
        && !name.contains("@{")
        && name.split('/').all(is_part)
        && !name
            .chars()
            .any(|it| " ~^:?*[\\\u{7f}".contains(it) || crate::is_invisible(it))
}

#[cfg(test)]
mod tests;
