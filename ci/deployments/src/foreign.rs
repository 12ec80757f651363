//! Text of others, where it is shown: commit subjects, files, names of packages, answers of servers (P6).
//!
//! Three kinds of reader must not be commanded by it: terminals (escape sequences, direction marks), forges that read Markdown
//! (mentions, references that close issues, comments, fences) and forges that read commit messages (the same, and marks that skip
//! checks). A description may become a commit message when it is squashed, so what is shown in Markdown is safe for both.

/// Whether a character does not show, moves what does, or is a command to a terminal.
pub(crate) fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Foreign text on one line of a terminal.
pub(crate) fn printable(text: &str) -> String {
    let shown = |character| match is_invisible(character) {
        true => char::REPLACEMENT_CHARACTER,
        false => character,
    };
    text.chars().map(shown).collect()
}

/// Foreign text on one line of Markdown or of a commit message, of at most `most` characters: as code, without effect.
pub(crate) fn code(text: &str, most: usize) -> String {
    let inside = defused(&cut(text.trim(), most));
    let fence = "`".repeat(longest_run(&inside, '`') + 1);
    // Where a run of backticks touches the fence it would be part of it, and a text of nothing would be no code.
    match inside.is_empty() || inside.starts_with('`') || inside.ends_with('`') {
        true => format!("{fence} {inside} {fence}"),
        false => format!("{fence}{inside}{fence}"),
    }
}

/// Foreign lines as a block of code, without effect.
pub(crate) fn block<'a>(language: &str, lines: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<String> = lines.map(|line| defused(&cut(line, 400))).collect();
    let longest = lines.iter().map(|line| longest_run(line, '`')).max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

fn cut(text: &str, most: usize) -> String {
    let mut cut: String = printable(&text.replace('\t', "    "))
        .chars()
        .take(most)
        .collect();
    if text.chars().nth(most).is_some() {
        cut.push('…');
    }
    cut
}

fn longest_run(text: &str, of: char) -> usize {
    let runs = text.split(|it| it != of);
    runs.map(str::len).max().unwrap_or(0)
}

/// Breaks what forges act on, by a space of no width.
fn defused(text: &str) -> String {
    const BREAK: char = '\u{200b}';
    // Lower case; the break goes behind the first part.
    const WORDS: [(&str, &str); 7] = [
        ("gh", "-"),
        ("skip", "-checks"),
        ("no", "_ci"),
        ("/issues", "/"),
        ("/pull", "/"),
        ("/merge_requests", "/"),
        ("<", "!--"),
    ];
    let lower = text.to_ascii_lowercase();
    let mut safe = String::with_capacity(text.len());
    let mut breaks_at = None;
    let mut before = None;
    for (at, character) in text.char_indices() {
        if breaks_at == Some(at) {
            safe.push(BREAK);
        }
        safe.push(character);
        let rest = &lower[at..];
        let next = text[at + character.len_utf8()..].chars().next();
        let is_word = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
        let is_command = match character {
            '@' => !is_word(before) && is_word(next),
            '#' => is_word(next),
            '[' => is_skip(rest),
            _ => false,
        };
        if is_command {
            safe.push(BREAK);
        }
        let word = WORDS.iter().find(|(head, tail)| {
            rest.strip_prefix(head)
                .is_some_and(|rest| rest.starts_with(tail))
        });
        if let Some((head, _)) = word {
            breaks_at = Some(at + head.len());
        }
        before = Some(character);
    }
    safe
}

/// `[skip ci]` in all its forms.
fn is_skip(lower: &str) -> bool {
    let inside = lower[1..].split_once(']').map_or("", |(inside, _)| inside);
    let mut words = inside.split(|it: char| !it.is_alphanumeric());
    inside.len() < 40 && words.any(|word| matches!(word, "skip" | "no" | "ci"))
}

#[cfg(test)]
mod tests;
