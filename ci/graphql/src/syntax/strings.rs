//! String literals: quoted with escapes, and block strings with their indentation rules (June 2018 §2.9.4).

use std::borrow::Cow;

use super::SyntaxError;

/// Reads the string at the start of `text` (a quotation mark): its value and its length in bytes.
pub(super) fn read(text: &str) -> Result<(Cow<'_, str>, usize), SyntaxError> {
    match text.strip_prefix("\"\"\"") {
        Some(block) => read_block(block).map(|(value, length)| (value, length + 3)),
        None => read_quoted(text),
    }
}

fn read_quoted(text: &str) -> Result<(Cow<'_, str>, usize), SyntaxError> {
    let mut value = String::new();
    let mut escaped = false;
    let mut at = 1;
    loop {
        let plain = text[at..]
            .find(['"', '\\', '\n', '\r'])
            .ok_or_else(|| SyntaxError::new(0, "a string has no closing quotation mark"))?;
        let chunk = &text[at..at + plain];
        at += plain;
        match text.as_bytes()[at] {
            b'"' if !escaped => return Ok((Cow::Borrowed(chunk), at + 1)),
            b'"' => {
                value.push_str(chunk);
                return Ok((Cow::Owned(value), at + 1));
            }
            b'\\' => {
                value.push_str(chunk);
                escaped = true;
                let (character, length) = escape(&text[at + 1..]).ok_or_else(|| {
                    SyntaxError::new(at, "a string has an unknown escape sequence")
                })?;
                value.push(character);
                at += 1 + length;
            }
            _ => {
                return Err(SyntaxError::new(
                    0,
                    "a string ends at its line; longer ones need three quotation marks",
                ));
            }
        }
    }
}

/// The character an escape stands for and the length of the escape, the backslash not counted.
fn escape(text: &str) -> Option<(char, usize)> {
    Some(match *text.as_bytes().first()? {
        byte @ (b'"' | b'\\' | b'/') => (char::from(byte), 1),
        b'b' => ('\u{8}', 1),
        b'f' => ('\u{c}', 1),
        b'n' => ('\n', 1),
        b'r' => ('\r', 1),
        b't' => ('\t', 1),
        b'u' => unicode(&text[1..]).map(|(character, length)| (character, length + 1))?,
        _ => return None,
    })
}

/// `XXXX`, `XXXX\uXXXX` (a surrogate pair) or `{X…}`.
fn unicode(text: &str) -> Option<(char, usize)> {
    if let Some(braced) = text.strip_prefix('{') {
        let digits = &braced[..braced.find('}')?];
        return Some((char::from_u32(hex(digits)?)?, digits.len() + 2));
    }
    let high = hex(text.get(..4)?)?;
    if let Some(character) = char::from_u32(high) {
        return Some((character, 4));
    }
    let low = hex(text.get(4..)?.strip_prefix("\\u")?.get(..4)?)?;
    match (high, low) {
        (0xd800..=0xdbff, 0xdc00..=0xdfff) => Some((
            char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))?,
            10,
        )),
        _ => None,
    }
}

/// Hexadecimal digits only: `from_str_radix` alone would take a sign.
fn hex(digits: &str) -> Option<u32> {
    let valid = digits.len() <= 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
}

/// Reads up to the closing `"""`, which is counted.
fn read_block(text: &str) -> Result<(Cow<'_, str>, usize), SyntaxError> {
    let mut raw = String::new();
    let mut at = 0;
    loop {
        let quotes = at
            + text[at..]
                .find("\"\"\"")
                .ok_or_else(|| SyntaxError::new(0, "a block string has no end"))?;
        match text[at..quotes].strip_suffix('\\') {
            Some(before) => {
                raw.push_str(before);
                raw.push_str("\"\"\"");
                at = quotes + 3;
            }
            None => {
                raw.push_str(&text[at..quotes]);
                return Ok((Cow::Owned(dedent(&raw)), quotes + 3));
            }
        }
    }
}

/// Removes common indentation, and blank lines at both ends (June 2018 §2.9.4, `BlockStringValue`).
fn dedent(raw: &str) -> String {
    let unified = raw.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = unified.split('\n').collect();
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let blank = |line: &&str| indent(line) == line.len();
    let common = lines
        .iter()
        .skip(1)
        .filter(|line| !blank(line))
        .map(|line| indent(line))
        .min()
        .unwrap_or(0);
    let first = lines
        .iter()
        .position(|line| !blank(line))
        .unwrap_or(lines.len());
    let last = lines
        .iter()
        .rposition(|line| !blank(line))
        .map_or(first, |last| last + 1);
    let mut value = String::new();
    for (number, line) in lines.iter().enumerate().take(last).skip(first) {
        if number > first {
            value.push('\n');
        }
        value.push_str(if number == 0 {
            line
        } else {
            line.get(common..).unwrap_or_default()
        });
    }
    value
}
