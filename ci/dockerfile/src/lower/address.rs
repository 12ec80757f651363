//! Sources of ADD that are elsewhere: HTTP addresses and git repositories. Nothing is fetched here.

use percent_encoding::percent_decode_str;

use crate::graph::{Git, Source};

/// What a git source says, if the text is one.
///
/// A text is one by its scheme, by the form `user@host:path`, or as an HTTP address whose path ends in `.git`; behind `#` follow the
/// reference and, after a colon, the directory.
pub(super) fn git(text: &str) -> Result<Option<Git>, String> {
    let (remote, fragment) = text
        .split_once('#')
        .map_or((text, None), |(remote, fragment)| (remote, Some(fragment)));
    let scheme = remote.split_once("://").map(|(scheme, _)| scheme);
    let is_git = match scheme {
        Some("git" | "ssh") => true,
        Some("http" | "https") => remote
            .split('?')
            .next()
            .is_some_and(|path| path.ends_with(".git")),
        Some(_) => false,
        None => is_scp(remote),
    };
    if !is_git {
        return Ok(None);
    }
    if remote.contains('?') {
        return Err(
            "a git address with ? is not understood; write ADDRESS#REFERENCE:DIRECTORY".to_owned(),
        );
    }
    let (reference, subdir) = fragment.map_or(("", ""), |fragment| {
        fragment.split_once(':').unwrap_or((fragment, ""))
    });
    if reference.starts_with('-') || remote.starts_with('-') {
        return Err(format!("{text:?} would be read as an option by git"));
    }
    if subdir.split('/').any(|part| part == "..") {
        return Err(format!(
            "the directory {subdir:?} leads out of the repository"
        ));
    }
    let given =
        |text: &str| Some(text.trim_start_matches('/').to_owned()).filter(|text| !text.is_empty());
    Ok(Some(Git {
        remote: remote.to_owned(),
        reference: Some(reference.to_owned()).filter(|text| !text.is_empty()),
        subdir: given(subdir),
    }))
}

/// `user@host:path`.
fn is_scp(text: &str) -> bool {
    let word = |text: &str, more: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    let parts = text
        .split_once('@')
        .and_then(|(user, rest)| Some((user, rest.split_once(':')?.0)));
    parts.is_some_and(|(user, host)| word(user, "-_") && word(host, "-."))
}

/// The name a download gets in a directory: the last part of the address's path.
pub(super) fn file_name(url: &str) -> String {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let name = path
        .split('/')
        .skip(1)
        .filter(|part| !part.is_empty())
        .last()
        .unwrap_or_default();
    // Encoded slashes separate, too.
    let name = percent_decode_str(name).decode_utf8_lossy();
    match name.rsplit('/').next().unwrap_or_default() {
        "" | "." | ".." => "__unnamed__".to_owned(),
        name => name.to_owned(),
    }
}

/// Whether a checksum can be held against the sources.
pub(super) fn check(checksum: &str, sources: &[Source]) -> Result<(), String> {
    let hex = |text: &str, lengths: &[usize]| {
        lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    match sources {
        [Source::Url { .. }] => match checksum.split_once(':') {
            Some(("sha256", value)) if hex(value, &[64]) => Ok(()),
            Some(("sha384", value)) if hex(value, &[96]) => Ok(()),
            Some(("sha512", value)) if hex(value, &[128]) => Ok(()),
            _ => Err(format!(
                "{checksum:?} is no checksum; write sha256: and 64 hexadecimal digits"
            )),
        },
        [Source::Git(_)]
            if (7..=64).contains(&checksum.len()) && hex(checksum, &[checksum.len()]) =>
        {
            Ok(())
        }
        [Source::Git(_)] => Err(format!("{checksum:?} is no commit")),
        [_] => Err("--checksum needs an address or a git repository as the source".to_owned()),
        _ => Err("--checksum needs exactly one source".to_owned()),
    }
}
