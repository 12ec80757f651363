//! Addresses of git repositories: which are taken, and what of them may be shown.
//!
//! An address comes from a Dockerfile or from a repository's `.gitmodules`, so it is hostile until it is an [`Address`] (P1).

use std::fmt;

use crate::error::{Error, Result};

/// How a repository is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// `https://`
    Https,
    /// `http://`
    Http,
    /// `ssh://` or `user@host:path`
    Ssh,
    /// `git://`
    Git,
    /// `file://`
    File,
}

impl Scheme {
    /// Its name in git's list of allowed transports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::Git => "git",
            Self::File => "file",
        }
    }

    /// Whether a repository reached by `self` may name one that is reached by `other` as a part of it: never one on this machine, and
    /// nothing that can be listened to unless it is that itself.
    fn may_name(self, other: Self) -> bool {
        match other {
            Self::Https | Self::Ssh => true,
            Self::Http | Self::Git => matches!(self, Self::Http | Self::Git | Self::File),
            Self::File => self == Self::File,
        }
    }
}

/// The address of a repository.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    scheme: Scheme,
    text: String,
    /// `user:password` of an address that has them.
    userinfo: Option<String>,
    /// Host and port; empty for `file`.
    host: String,
}

impl Address {
    /// Reads an address. `file` says whether repositories on this machine may be read.
    ///
    /// # Errors
    /// When the transport is not one that is taken, or git or ssh could read a part of it as an option.
    pub(crate) fn parse(text: &str, file: bool) -> Result<Self> {
        let refused = |why: &str| Err(Error::new(format!("git repository {}: {why}", shown(text))));
        if text
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
        {
            return refused("an address has no spaces, backslashes or control characters");
        }
        let lower = text.to_ascii_lowercase();
        if ["%00", "%0a", "%0d"]
            .iter()
            .any(|code| lower.contains(code))
        {
            return refused("an address has no encoded control characters");
        }
        let Some((name, rest)) = text.split_once("://") else {
            return Self::short(text).map_or_else(
                || refused("write https://HOST/PATH, ssh://USER@HOST/PATH or USER@HOST:PATH"),
                Ok,
            );
        };
        let scheme = match name.to_ascii_lowercase().as_str() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            "ssh" => Scheme::Ssh,
            "git" => Scheme::Git,
            "file" if file => Scheme::File,
            "file" => return refused("repositories on this machine are not read"),
            _ => {
                return refused("this transport is not taken; there are https, http, ssh and git");
            }
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        if scheme == Scheme::File {
            return if authority.is_empty() && !path.is_empty() {
                Ok(Self::new(scheme, text, None, ""))
            } else {
                refused("write file:///PATH")
            };
        }
        if host.is_empty() || path.trim_matches('/').is_empty() {
            return refused("it names no repository: a host or a path is missing");
        }
        // ssh takes a host or user that begins so as an option, and upload-pack a path (CVE-2017-1000117).
        if [host, path, userinfo.unwrap_or_default()]
            .iter()
            .any(|part| part.starts_with('-'))
        {
            return refused("a part of it would be read as an option");
        }
        Ok(Self::new(scheme, text, userinfo, host))
    }

    fn new(scheme: Scheme, text: &str, userinfo: Option<&str>, host: &str) -> Self {
        Self {
            scheme,
            text: text.to_owned(),
            userinfo: userinfo.map(str::to_owned),
            host: host.to_ascii_lowercase(),
        }
    }

    /// `user@host:path`, or `None`.
    fn short(text: &str) -> Option<Self> {
        let word = |text: &str| {
            !text.is_empty()
                && !text.starts_with('-')
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        let (user, rest) = text.split_once('@')?;
        let (host, path) = rest.split_once(':')?;
        // Two colons choose a helper program: `ext::sh -c …`.
        let is_path = !path.is_empty() && !path.starts_with(['-', ':']);
        (word(user) && word(host) && is_path).then(|| Self::new(Scheme::Ssh, text, None, host))
    }

    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// As git takes it, with what it says of users and passwords.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Host and port as written, in lower case.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The part of the address that credentials are good for, if it has any: `https://host:port/`.
    pub(super) fn origin(&self) -> Option<String> {
        matches!(self.scheme, Scheme::Https | Scheme::Http)
            .then(|| format!("{}://{}/", self.scheme.name(), self.host))
    }

    /// The user and password in it, which must not be shown.
    pub(super) fn userinfo(&self) -> Option<&str> {
        self.userinfo
            .as_deref()
            .filter(|_| self.scheme != Scheme::Ssh)
    }

    /// The address that `text`, of a `.gitmodules` of this repository, means: relative ones begin with `./` or `../`.
    ///
    /// # Errors
    /// As [`Address::parse`], and when this repository must not name that one.
    pub(super) fn part(&self, text: &str) -> Result<Self> {
        let whole = if text.starts_with("./") || text.starts_with("../") {
            self.relative(text)?
        } else {
            text.to_owned()
        };
        let part = Self::parse(&whole, self.scheme == Scheme::File)?;
        if self.scheme.may_name(part.scheme) {
            Ok(part)
        } else {
            Err(Error::new(format!(
                "git repository {self} names {part} as a submodule, which would be fetched by {} and is refused",
                part.scheme.name()
            )))
        }
    }

    fn relative(&self, text: &str) -> Result<String> {
        let mut base = self.text.trim_end_matches('/');
        let mut rest = text;
        // What must stay: scheme and host, or user and host.
        let fixed = match self.text.split_once("://") {
            Some((scheme, after)) => scheme.len() + 3 + after.find('/').unwrap_or(after.len()),
            None => self.text.find(':').unwrap_or(0),
        };
        loop {
            if let Some(after) = rest.strip_prefix("./") {
                rest = after;
            } else if let Some(after) = rest.strip_prefix("../") {
                rest = after;
                let cut = base.rfind(['/', ':']).filter(|cut| *cut >= fixed);
                let Some(cut) = cut else {
                    return Err(Error::new(format!(
                        "git repository {self}: the submodule address {text:?} leads above its host"
                    )));
                };
                // `user@host:repo` has no slash in front of its last part; the colon stays.
                if base.as_bytes().get(cut) == Some(&b':') && !rest.starts_with('.') {
                    return Ok(format!("{}:{rest}", &base[..cut]));
                }
                base = &base[..cut];
            } else {
                return Ok(format!("{base}/{rest}"));
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.text))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// An address without the user and password that an HTTP address may hold.
pub(crate) fn shown(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) if !scheme.eq_ignore_ascii_case("ssh") => {
            format!("{scheme}://***{}", &rest[at..])
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Address::parse(text, false).unwrap_err().to_string()
    }

    #[test]
    fn addresses_of_every_transport_are_taken() {
        for (text, scheme, host) in [
            ("https://example.com/a/b.git", Scheme::Https, "example.com"),
            (
                "http://Example.com:8080/a",
                Scheme::Http,
                "example.com:8080",
            ),
            (
                "ssh://git@example.com:22/a.git",
                Scheme::Ssh,
                "example.com:22",
            ),
            ("git@example.com:a/b.git", Scheme::Ssh, "example.com"),
            ("git://example.com/a", Scheme::Git, "example.com"),
        ] {
            let address = Address::parse(text, false).unwrap();
            assert_eq!((address.scheme(), address.host()), (scheme, host), "{text}");
        }
        assert!(Address::parse("file:///srv/a.git", true).is_ok());
    }

    /// P1: what begins with `-`, helper programs, files of this machine.
    #[test]
    fn addresses_that_git_would_read_otherwise_are_refused_p1() {
        for text in [
            "ext::sh -c id",
            "ext::sh",
            "git@example.com::x",
            "file:///etc",
            "/srv/repository",
            "../repository",
            "ftp://example.com/a",
            "ssh://-oProxyCommand=id/a",
            "ssh://-oProxyCommand=id@host/a",
            "ssh://host/-a",
            "git@-oProxyCommand=id:a",
            "git@host:-a",
            "-uid",
            "https://example.com",
            "https:///a",
            "https://example.com/a\nb",
            "https://example.com%0a/a",
            "https://example.com/a b",
        ] {
            let message = refusal(text);
            assert!(message.starts_with("git repository "), "{message}");
        }
    }

    #[test]
    fn passwords_are_not_shown_s1() {
        let address = Address::parse("https://me:hunter2@example.com/a", false).unwrap();
        assert_eq!(address.to_string(), "https://***@example.com/a");
        assert_eq!(format!("{address:?}"), "Address(https://***@example.com/a)");
        assert!(!refusal("https://me:hunter2@-x/a").contains("hunter2"));
    }

    #[test]
    fn submodules_may_be_relative() {
        let part = |base: &str, text: &str| {
            let base = Address::parse(base, true).unwrap();
            base.part(text)
                .map(|part| part.text().to_owned())
                .map_err(|error| error.to_string())
        };
        let base = "https://example.com/group/app.git";
        assert_eq!(
            part(base, "../lib.git").unwrap(),
            "https://example.com/group/lib.git"
        );
        assert_eq!(
            part(base, "./lib").unwrap(),
            "https://example.com/group/app.git/lib"
        );
        assert_eq!(
            part(base, "../../x/lib").unwrap(),
            "https://example.com/x/lib"
        );
        assert_eq!(part("git@host:app", "../lib").unwrap(), "git@host:lib");
        assert_eq!(part("git@host:a/app", "../lib").unwrap(), "git@host:a/lib");
        assert!(
            part(base, "../../../lib")
                .unwrap_err()
                .contains("above its host")
        );
        assert_eq!(
            part(base, "ssh://git@host/lib").unwrap(),
            "ssh://git@host/lib"
        );
    }

    #[test]
    fn a_repository_names_nothing_that_is_less_protected_than_itself() {
        let base = Address::parse("https://example.com/app.git", false).unwrap();
        for text in [
            "http://example.com/lib",
            "git://example.com/lib",
            "file:///srv/lib",
            "ext::sh",
        ] {
            assert!(base.part(text).is_err(), "{text}");
        }
        let ssh = Address::parse("git@example.com:app.git", false).unwrap();
        assert!(ssh.part("https://example.com/lib").is_ok());
    }
}
