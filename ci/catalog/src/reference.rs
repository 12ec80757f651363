//! Repositories and tags as registries take them (OCI distribution specification, "Pulling manifests").

use std::net::Ipv6Addr;

use crate::Template;

/// Longest repository with its registry that clients take.
const MAX_REPOSITORY: usize = 255;
/// Longest tag.
const MAX_TAG: usize = 128;

/// What is wrong with a registry host, an optional port and at least one path component.
pub(crate) fn repository_fault(text: &str) -> Option<&'static str> {
    if text.contains("://") {
        return Some("it must not have a scheme");
    }
    let Some((host, path)) = text.split_once('/') else {
        return Some("it must begin with a host and a `/`");
    };
    // Clients take a first component without any of these for a namespace of their default registry.
    if !host.contains(['.', ':']) && host != "localhost" {
        return Some("it must begin with a host, which has a `.` or a port");
    }
    if self::host(host).is_none() {
        return Some("its host is not valid");
    }
    if !is_path(path) {
        return Some(
            "its path may hold only lower-case letters, digits and single separators between them",
        );
    }
    (text.len() > MAX_REPOSITORY).then_some("it is longer than 255 characters")
}

/// What is wrong with the reference of an image in its one form: `REGISTRY/REPOSITORY:TAG`, on Docker Hub with a namespace.
pub(crate) fn canonical_fault(text: &str) -> Option<&'static str> {
    let Some((repository, tag)) = text.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))
    else {
        return Some("it has no tag");
    };
    if !is_tag(tag) {
        return Some("its tag is not valid");
    }
    if let Some(fault) = repository_fault(repository) {
        return Some(fault);
    }
    let (host, path) = repository.split_once('/')?;
    match self::host(host) {
        Some(name) if name == host && host != "index.docker.io" => {}
        _ => return Some("its registry has a shorter or more usual name"),
    }
    (host == "docker.io" && !path.contains('/'))
        .then_some("images of Docker Hub have a namespace, `library` if no other")
}

/// `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`
pub(crate) fn is_tag(text: &str) -> bool {
    (1..=MAX_TAG).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && text.chars().all(tag_char)
}

/// `sha256:` and 64 lower-case hexadecimal digits.
pub(crate) fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or_default();
    hex.len() == 64
        && hex
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a text is a path in a registry.
pub(crate) fn is_path(text: &str) -> bool {
    text.split('/').all(crate::name::is_component)
}

/// `HOST[:PORT]` in lower case and without leading zeros, or `None` if it is none.
pub(crate) fn host(text: &str) -> Option<String> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            let port = match rest {
                "" => None,
                rest => Some(rest.strip_prefix(':')?),
            };
            (format!("[{}]", address.parse::<Ipv6Addr>().ok()?), port)
        }
        None => {
            let (host, port) = match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            };
            let valid = host.split('.').all(is_label);
            (valid.then(|| host.to_ascii_lowercase())?, port)
        }
    };
    let Some(port) = port else { return Some(host) };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port: u16 = port.parse().ok().filter(|port| digits && *port > 0)?;
    Some(format!("{host}:{port}"))
}

/// One part of a host name between dots.
fn is_label(label: &str) -> bool {
    let hyphen = |byte: Option<u8>| byte == Some(b'-');
    !label.is_empty()
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !hyphen(label.bytes().next())
        && !hyphen(label.bytes().last())
}

/// What is wrong with a tag, whatever its placeholders become.
pub(crate) fn tag_fault(template: &Template) -> Option<&'static str> {
    if template.as_str().is_empty() {
        return Some("the tag is empty");
    }
    if template.as_str().starts_with(['.', '-']) {
        return Some("a tag cannot begin with this character");
    }
    let literals_ok = template
        .literals()
        .all(|literal| literal.chars().all(tag_char));
    (!literals_ok).then_some("a tag cannot hold this text")
}

fn tag_char(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-')
}
