//! Makes text from elsewhere (logs, file names, messages) safe to show, and measures it in terminal columns.
//!
//! Whatever a build step prints is untrusted: it may try to move the cursor, set the window title, hide lines or reverse
//! their order. [`clean`] leaves printable characters and, when asked, foreground colours; nothing else survives. Layout
//! and styling of our own output are done elsewhere.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Whether colours chosen by the author of the text may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colours {
    /// Foreground colours, bold, dim, italic and underline stay, in a normal form, and end with the line.
    Keep,
    /// All of them go.
    Drop,
}

const RESET: &str = "\x1b[0m";
const TAB_STOP: usize = 8;

/// One line as it would look on a terminal, without anything that could control that terminal.
///
/// A carriage return starts the line over, as progress bars use it. Invalid UTF-8 and characters that reorder text become
/// `U+FFFD`. The result contains no control character, except the `ESC` of colours under [`Colours::Keep`].
pub(crate) fn clean(line: &[u8], colours: Colours) -> String {
    let text = String::from_utf8_lossy(line);
    let visible = text.trim_end_matches(['\r', '\n']);
    let visible = visible.rsplit('\r').next().unwrap_or_default();
    let mut out = String::with_capacity(visible.len());
    let mut column = 0;
    let mut styled = false;
    let mut chars = visible.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' | '\u{9b}' | '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => {
                if let Some(style) = escape(c, &mut chars)
                    && colours == Colours::Keep
                {
                    styled = style != RESET;
                    out.push_str(&style);
                }
            }
            '\t' => {
                let to_stop = TAB_STOP - column % TAB_STOP;
                out.extend(std::iter::repeat_n(' ', to_stop));
                column += to_stop;
            }
            c if c.is_control() => {}
            c if reorders(c) => {
                out.push(char::REPLACEMENT_CHARACTER);
                column += 1;
            }
            c => {
                out.push(c);
                column += c.width().unwrap_or(0);
            }
        }
    }
    if styled {
        out.push_str(RESET);
    }
    out
}

/// [`clean`] for a name or message that must stay on one line: line breaks become spaces.
pub(crate) fn one_line(text: &str) -> String {
    let joined: Vec<&str> = text
        .split(['\n', '\r', '\u{2028}', '\u{2029}'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    clean(joined.join(" ").as_bytes(), Colours::Drop)
}

/// Characters that change the order in which their neighbours are shown, or break the line.
fn reorders(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Consumes the escape sequence that `introducer` begins; the style it asks for if it is a harmless one.
///
/// The grammar is that of ECMA-48: control sequences end with a byte of 0x40–0x7E, strings with ST (or BEL, as xterm takes
/// it). A sequence that does not end in this line ends with it, so that output cannot be swallowed without limit.
fn escape(
    introducer: char,
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
) -> Option<String> {
    let kind = if introducer == '\x1b' {
        chars.next_if(|c| !c.is_control())?
    } else {
        introducer
    };
    match kind {
        '[' | '\u{9b}' => {
            let mut parameters = String::new();
            while let Some(c) = chars.next_if(|c| matches!(c, '\x20'..='\x3f')) {
                parameters.push(c);
            }
            let last = chars.next_if(|c| matches!(c, '\x40'..='\x7e'))?;
            (last == 'm').then(|| style(&parameters)).flatten()
        }
        ']' | 'P' | 'X' | '^' | '_' | '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => {
            while let Some(c) = chars.next() {
                match c {
                    '\x07' | '\u{9c}' => break,
                    '\x1b' if chars.next_if_eq(&'\\').is_some() => break,
                    _ => {}
                }
            }
            None
        }
        '\x20'..='\x2f' => {
            while chars.next_if(|c| matches!(c, '\x20'..='\x2f')).is_some() {}
            chars.next_if(|c| matches!(c, '\x30'..='\x7e'));
            None
        }
        _ => None,
    }
}

/// The part of a "select graphic rendition" that can hide nothing: no conceal, blinking, inversion or background.
fn style(parameters: &str) -> Option<String> {
    let numbers: Option<Vec<u8>> = parameters
        .split([';', ':'])
        .map(|n| {
            if n.is_empty() {
                Some(0)
            } else {
                n.parse().ok()
            }
        })
        .collect();
    let numbers = numbers?;
    let mut kept: Vec<String> = Vec::new();
    let mut rest = numbers.as_slice();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (38, [5, colour, after @ ..]) => {
                kept.push(format!("38;5;{colour}"));
                after
            }
            (38, [2, r, g, b, after @ ..]) => {
                kept.push(format!("38;2;{r};{g};{b}"));
                after
            }
            (48, [5, _, after @ ..]) | (48, [2, _, _, _, after @ ..]) => after,
            (38 | 48, _) => &[],
            (0..=4 | 22..=24 | 30..=37 | 39 | 90..=97, after) => {
                kept.push(first.to_string());
                after
            }
            (_, after) => after,
        };
    }
    (!kept.is_empty()).then(|| format!("\x1b[{}m", kept.join(";")))
}

/// How many terminal columns `text` takes; the colours [`clean`] left take none.
pub(crate) fn width(text: &str) -> usize {
    if text.contains('\x1b') {
        clean(text.as_bytes(), Colours::Drop).width()
    } else {
        text.width()
    }
}

/// `text` (without colours) cut to `columns`, the last of them an ellipsis if something is missing.
pub(crate) fn truncate(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > columns {
            break;
        }
        out.push(c);
        used += w;
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests;
