//! Text of images: what may stand in a document as a name, and what is shortened or left out.

/// Bytes of a name, a version or a qualifier.
const MAX_WORD: usize = 512;
/// Bytes of a line such as a maintainer's name.
const MAX_LINE: usize = 256;

/// Whether a text can be a name or version: not empty, of bounded length, without spaces and control characters.
pub(crate) fn is_word(text: &str) -> bool {
    let is_strange = |it: char| it.is_whitespace() || it.is_control() || is_invisible(it);
    !text.is_empty() && text.len() <= MAX_WORD && !text.contains(is_strange)
}

/// A line for people: trimmed, of bounded length, without control characters. `None` if nothing is left.
pub(crate) fn line(text: &str) -> Option<String> {
    let is_shown = |it: &char| !it.is_control() && !is_invisible(*it);
    let text: String = text.trim().chars().filter(is_shown).collect();
    (!text.is_empty() && text.len() <= MAX_LINE).then_some(text)
}

/// The name of a person or organisation, without the address: `Name <address>`.
pub(crate) fn name(text: &str) -> Option<String> {
    line(text.split(['<', '(']).next().unwrap_or(text))
}

/// Characters that show nothing or turn text around.
fn is_invisible(it: char) -> bool {
    matches!(it, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A path of an image, absolute, with unprintable characters escaped.
pub(crate) fn path(path: &[u8]) -> String {
    let path: String = String::from_utf8_lossy(path)
        .chars()
        .flat_map(|it| {
            let is_shown = !it.is_control() && !is_invisible(it);
            let (shown, escaped) = if is_shown {
                (Some(it), None)
            } else {
                (None, Some(it.escape_unicode()))
            };
            shown.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect();
    format!("/{path}")
}

/// Stanzas of `Name: value` lines, separated by empty lines, as Debian, Alpine (without spaces) and Python metadata have them. Each
/// call gives one stanza: its first lines' names and values, without the lines that continue them.
pub(crate) fn stanzas(text: &str) -> impl Iterator<Item = Vec<(&str, &str)>> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let mut stanza = Vec::new();
        for line in lines.by_ref() {
            let line = line.trim_end_matches('\r');
            if line.trim().is_empty() {
                if stanza.is_empty() {
                    continue;
                }
                break;
            }
            if line.starts_with([' ', '\t', '#']) {
                continue;
            }
            if let Some((name, value)) = line.split_once(':') {
                stanza.push((name, value.trim()));
            }
        }
        (!stanza.is_empty()).then_some(stanza)
    })
}

/// The first value of a name in a stanza, whatever the case of its letters.
pub(crate) fn field<'a>(stanza: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    let found = stanza.iter().find(|(it, _)| it.eq_ignore_ascii_case(name));
    found.map(|(_, value)| *value).filter(|it| !it.is_empty())
}
