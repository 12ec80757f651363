//! Flat JSON objects of texts: all that the log and `/version` need.

use std::fmt::Write;

/// An object with these members, in this order.
pub(crate) fn object(members: &[(&str, &str)]) -> String {
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("{}:{}", string(name), string(value)))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// A string with its quotes (RFC 8259, section 7).
fn string(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\u{0}'..='\u{1f}' => {
                // Writing to a string does not fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order() {
        assert_eq!(object(&[("b", "1"), ("a", "ä")]), r#"{"b":"1","a":"ä"}"#);
        assert_eq!(object(&[]), "{}");
    }

    #[test]
    fn what_would_end_a_string_or_a_line_is_escaped() {
        assert_eq!(string("a\"b\\c\nd\u{1b}"), r#""a\"b\\c\nd\u001b""#);
    }
}
