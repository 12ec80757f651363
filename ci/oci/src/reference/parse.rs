//! The grammar of image references, part by part.

use std::net::Ipv6Addr;

use super::{DEFAULT_REGISTRY, OFFICIAL, Reference, ReferenceProblem};
use crate::Digest;

/// Docker Hub's former name, which old files still have.
const LEGACY_REGISTRY: &str = "index.docker.io";
/// What an error repeats of a text at most, in characters.
const SHOWN: usize = 80;

/// The longest host name (RFC 1035, section 2.3.4).
const MAX_HOST: usize = 253;

pub(super) fn reference(text: &str) -> Result<Reference, ReferenceProblem> {
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(ReferenceProblem::Scheme(shortened(&format!("{scheme}://"))));
    }
    if text.len() == 64 && Digest::from_hex(text).is_ok() {
        return Err(ReferenceProblem::ImageId);
    }
    let (named, digest) = match text.split_once('@') {
        Some((named, digest)) => (named, Some(digest.parse()?)),
        None => (text, None),
    };
    // A colon before the last slash belongs to a port.
    let (name, tag) = match named.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (named, None),
    };
    if let Some(tag) = tag {
        self::tag(tag)?;
    }
    let (registry, path) = split_registry(name)?;
    if path.is_empty() {
        return Err(ReferenceProblem::NoRepository);
    }
    let path = match path {
        path if registry == DEFAULT_REGISTRY && !path.contains('/') => format!("{OFFICIAL}{path}"),
        path => path.to_owned(),
    };
    repository(&path, name)?;
    Ok(Reference {
        registry,
        repository: path,
        tag: tag.map(str::to_owned),
        digest,
    })
}

/// The registry in canonical form, and the path in it.
///
/// A first component is a registry if it is `localhost` or has a dot, a port or a bracket; everything else is a namespace of
/// Docker Hub.
fn split_registry(name: &str) -> Result<(String, &str), ReferenceProblem> {
    match name.split_once('/') {
        Some((first, path)) if first == "localhost" || first.contains(['.', ':', '[']) => {
            let registry =
                registry(first).ok_or_else(|| ReferenceProblem::Registry(shortened(first)))?;
            let registry = match registry.as_str() {
                LEGACY_REGISTRY => DEFAULT_REGISTRY.to_owned(),
                _ => registry,
            };
            Ok((registry, path))
        }
        _ => Ok((DEFAULT_REGISTRY.to_owned(), name)),
    }
}

/// `HOST[:PORT]` in lower case and without leading zeros, or `None` if it is none.
pub(super) fn registry(text: &str) -> Option<String> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            let port = match rest {
                "" => None,
                rest => Some(rest.strip_prefix(':')?),
            };
            // Parsed and printed again, so that one address has one text.
            (format!("[{}]", address.parse::<Ipv6Addr>().ok()?), port)
        }
        None => {
            let (host, port) = match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            };
            let valid = host.len() <= MAX_HOST && host.split('.').all(is_label);
            (valid.then(|| host.to_ascii_lowercase())?, port)
        }
    };
    let Some(port) = port else { return Some(host) };
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port
        .parse::<u16>()
        .ok()
        .filter(|port| digits && *port > 0)?;
    Some(format!("{host}:{port}"))
}

/// One part of a host name between dots.
fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Checks a path in a registry; `name` is what it was written as.
fn repository(path: &str, name: &str) -> Result<(), ReferenceProblem> {
    let lower = path.to_ascii_lowercase();
    let bad = |path: &str| {
        path.split('/')
            .find(|part| !is_component(part))
            .map(str::to_owned)
    };
    match (bad(path), bad(&lower)) {
        (None, _) if path.len() > Reference::MAX_REPOSITORY => Err(ReferenceProblem::TooLong),
        (None, _) => Ok(()),
        (Some(_), None) => Err(ReferenceProblem::UpperCase(shortened(
            &name.to_ascii_lowercase(),
        ))),
        (Some(part), Some(_)) => Err(ReferenceProblem::Component(shortened(&part))),
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(part: &str) -> bool {
    let word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let separator = |run: &[u8]| {
        matches!(run, b"" | b"." | b"_" | b"__") || run.iter().all(|byte| *byte == b'-')
    };
    let bytes = part.as_bytes();
    bytes.first().is_some_and(word)
        && bytes.last().is_some_and(word)
        && bytes.split(word).all(separator)
}

/// `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`
pub(super) fn tag(text: &str) -> Result<(), ReferenceProblem> {
    let valid = (1..=Reference::MAX_TAG).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    match valid {
        true => Ok(()),
        false => Err(ReferenceProblem::Tag(shortened(text))),
    }
}

/// The beginning of a text, for an error.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
