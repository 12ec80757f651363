//! Shell patterns (POSIX, Pattern Matching Notation): `*`, `?`, `[…]`, and a backslash that makes the next character
//! ordinary. Matching a string, and expanding a pattern to the file names it matches.

use std::fs;
use std::path::Path;

const SPECIAL: [char; 4] = ['*', '?', '[', '\\'];

/// `text` as a pattern that matches only itself.
pub(crate) fn escape(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if SPECIAL.contains(&c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// Whether there is anything in `pattern` for file names to be matched against.
pub(crate) fn is_pattern(pattern: &str) -> bool {
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '*' | '?' => return true,
            '[' if chars.as_str().contains(']') => return true,
            _ => {}
        }
    }
    false
}

/// Whether all of `text` matches. Takes time in proportion to the product of the lengths, whatever the pattern.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and how far the text it has swallowed reaches.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, t));
            p += 1;
            continue;
        }
        if t == text.len() && p == pattern.len() {
            return true;
        }
        let step = text.get(t).and_then(|c| one(&pattern[p..], *c));
        match (step, star) {
            (Some(length), _) => {
                p += length;
                t += 1;
            }
            (None, Some((at, swallowed))) if swallowed < text.len() => {
                star = Some((at, swallowed + 1));
                p = at + 1;
                t = swallowed + 1;
            }
            _ => return false,
        }
    }
}

/// Matches one character against the start of `pattern`: how much of the pattern it took.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match *pattern.first()? {
        '?' => Some(1),
        '\\' if pattern.len() > 1 => (pattern[1] == c).then_some(2),
        '[' => match bracket(&pattern[1..], c) {
            Some((found, length)) => found.then_some(length + 1),
            None => (c == '[').then_some(1),
        },
        literal => (literal == c).then_some(1),
    }
}

/// The bracket expression after `[`: whether it holds `c`, and its length. `None` if it is never closed.
pub(crate) fn bracket(pattern: &[char], c: char) -> Option<(bool, usize)> {
    let negated = matches!(pattern.first(), Some('!' | '^'));
    let start = usize::from(negated);
    let mut at = start;
    let mut found = false;
    loop {
        let mut low = *pattern.get(at)?;
        if low == ']' && at > start {
            return Some((found != negated, at + 1));
        }
        if low == '\\' && pattern.len() > at + 1 {
            at += 1;
            low = pattern[at];
        }
        at += 1;
        let mut high = low;
        if pattern.get(at) == Some(&'-') && pattern.get(at + 1).is_some_and(|c| *c != ']') {
            high = pattern[at + 1];
            at += 2;
        }
        found |= (low..=high).contains(&c);
    }
}

/// The existing files that match, sorted by bytes: relative patterns from `cwd`. Empty if there are none.
///
/// Names that are not UTF-8 are not found, and a leading dot must be given in the pattern.
pub(crate) fn glob(cwd: &Path, pattern: &str) -> Vec<String> {
    let rest = pattern.trim_start_matches('/');
    let root = "/".repeat(usize::from(rest.len() < pattern.len()));
    let mut found = vec![root];
    for component in rest.split('/') {
        let mut next = Vec::new();
        for base in &found {
            let join = |name: &str| match base.as_str() {
                "" | "/" => format!("{base}{name}"),
                _ => format!("{base}/{name}"),
            };
            if !is_pattern(component) {
                let path = join(&unescape(component));
                if fs::symlink_metadata(cwd.join(&path)).is_ok() {
                    next.push(path);
                }
                continue;
            }
            let Ok(entries) = fs::read_dir(cwd.join(base)) else {
                continue;
            };
            for name in entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
                if name.starts_with('.') <= component.starts_with('.') && matches(component, &name)
                {
                    next.push(join(&name));
                }
            }
        }
        found = next;
    }
    found.sort_unstable();
    found
}

fn unescape(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        text.push(if c == '\\' {
            chars.next().unwrap_or(c)
        } else {
            c
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_a_whole() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "abcd", false),
            ("*.job", "clean.job", true),
            ("*.job", "job", false),
            ("?", "ä", true),
            ("??", "a", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]x]", "]", true),
            ("[a-]", "-", true),
            ("[a", "[a", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("*a*b*", "xxaxxbxx", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} against {text}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        assert!(!matches(&"*a".repeat(40), &"a".repeat(39)));
        assert!(!matches(
            &format!("{}b", "a*".repeat(60)),
            &"a".repeat(5_000)
        ));
    }

    #[test]
    fn escaped_text_matches_only_itself() {
        let text = r"a*b?[c]\d";
        assert!(!is_pattern(&escape(text)));
        assert!(matches(&escape(text), text));
        assert!(!matches(&escape("*"), "x"));
    }

    #[test]
    fn globs_sort_by_bytes_and_hide_dot_files() {
        let dir = crate::testing::Scratch::new();
        for name in ["b", "a", "B", ".hidden", "c.d"] {
            fs::write(dir.join(name), "").unwrap();
        }
        fs::create_dir_all(dir.join("s/t")).unwrap();
        assert_eq!(glob(&dir, "*"), ["B", "a", "b", "c.d", "s"]);
        assert_eq!(glob(&dir, ".h*"), [".hidden"]);
        assert_eq!(glob(&dir, "*/t"), ["s/t"]);
        assert_eq!(glob(&dir, "x*"), [""; 0]);
        assert_eq!(glob(&dir, &format!("{}/[ab]", dir.display())).len(), 2);
    }
}
