//! Sources of ADD that are elsewhere: HTTP addresses, and checksums. Git repositories are [`super::git`]'s. Nothing is fetched here.

use percent_encoding::percent_decode_str;

use super::git;
use crate::graph::Source;

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

/// Hands a checksum to the one source that it is about.
pub(super) fn check(given: &str, sources: &mut [Source]) -> Result<(), String> {
    let hex = |text: &str, lengths: &[usize]| {
        lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    match sources {
        [Source::Url { checksum, .. }] => {
            let is_known = match given.split_once(':') {
                Some(("sha256", value)) => hex(value, &[64]),
                Some(("sha384", value)) => hex(value, &[96]),
                Some(("sha512", value)) => hex(value, &[128]),
                _ => false,
            };
            if !is_known {
                return Err(format!(
                    "{given:?} is no checksum; write sha256: and 64 hexadecimal digits"
                ));
            }
            *checksum = Some(given.to_owned());
            Ok(())
        }
        [Source::Git(git)] => match &git.checksum {
            Some(other) if other != given => Err(format!(
                "the checksum is {given:?}, but the address says {other:?}"
            )),
            _ => {
                git.checksum = Some(git::commit(given)?);
                Ok(())
            }
        },
        [_] => Err("--checksum needs an address or a git repository as the source".to_owned()),
        _ => Err("--checksum needs exactly one source".to_owned()),
    }
}
