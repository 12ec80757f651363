//! References to images, as far as a Dockerfile needs to know them: whether a text can be one, and the short form under which named
//! contexts override it. Which registry answers for one is left to the crate that fetches.

/// Whether a text has the form `[host[:port]/]path[:tag][@digest]` (the grammar of the distribution project).
pub(crate) fn is_valid(text: &str) -> bool {
    let (name, digest) = text
        .split_once('@')
        .map_or((text, None), |(name, digest)| (name, Some(digest)));
    if digest.is_some_and(|digest| !valid_digest(digest)) {
        return false;
    }
    // A colon before the last slash belongs to a port.
    let last = name.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match name[last..].find(':') {
        Some(colon) => (&name[..last + colon], Some(&name[last + colon + 1..])),
        None => (name, None),
    };
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let valid_tag = |tag: &str| {
        (1..=128).contains(&tag.len())
            && tag.starts_with(word)
            && tag.chars().all(|c| word(c) || ".-".contains(c))
    };
    if tag.is_some_and(|tag| !valid_tag(tag)) || name.len() > 255 {
        return false;
    }
    let path = match name.split_once('/') {
        Some((host, path)) if is_host(host) => {
            let (host, port) = host
                .split_once(':')
                .map_or((host, None), |(host, port)| (host, Some(port)));
            let label = |label: &str| {
                !label.is_empty()
                    && !label.starts_with('-')
                    && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            };
            if !host.split('.').all(label)
                || port.is_some_and(|port| {
                    port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit())
                })
            {
                return false;
            }
            path
        }
        _ => name,
    };
    path.split('/').all(valid_component)
}

fn is_host(part: &str) -> bool {
    part == "localhost" || part.contains(['.', ':']) || part.chars().any(|c| c.is_ascii_uppercase())
}

/// Lower case letters and digits, with `.`, `_`, `__` or dashes between them.
fn valid_component(component: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = component
        .split(alphanumeric)
        .filter(|separator| !separator.is_empty());
    component.starts_with(alphanumeric)
        && component.ends_with(alphanumeric)
        && separators.into_iter().all(|separator| {
            matches!(separator, "." | "_" | "__") || separator.chars().all(|c| c == '-')
        })
}

fn valid_digest(digest: &str) -> bool {
    let hex = |text: &str| text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digest
        .split_once(':')
        .is_some_and(|(algorithm, value)| !algorithm.is_empty() && hex(value))
}

/// The form in which people name an image: without the default host and namespace, and without `:latest`.
pub(crate) fn familiar(text: &str) -> &str {
    let text = text
        .strip_prefix("docker.io/")
        .or_else(|| text.strip_prefix("index.docker.io/"))
        .unwrap_or(text);
    let text = text
        .strip_prefix("library/")
        .filter(|rest| !rest.contains('/'))
        .unwrap_or(text);
    text.strip_suffix(":latest").unwrap_or(text)
}
