//! The builtin `printf`: `%s %b %c %d %i %u %o %x %X %%` with flags `-` and `0`, width and precision, and the escapes of the
//! format. As in POSIX the format is used again until the arguments are spent.

/// What `format` and `arguments` make.
pub(crate) fn format(format: &str, arguments: &[String]) -> Result<String, String> {
    let mut output = String::new();
    let mut rest = arguments.iter();
    loop {
        let before = rest.len();
        let finished = pass(format, &mut rest, &mut output)?;
        if finished || rest.len() == 0 || rest.len() == before {
            return Ok(output);
        }
    }
}

/// One time through the format; whether `\c` in an argument of `%b` has ended all output.
fn pass(
    format: &str,
    arguments: &mut std::slice::Iter<'_, String>,
    output: &mut String,
) -> Result<bool, String> {
    let mut rest = format;
    while let Some(at) = rest.find(['%', '\\']) {
        output.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('\\') {
            rest = escape(rest, false, output);
            continue;
        }
        let (directive, after) = Directive::parse(&rest[1..])?;
        rest = after;
        let mut next = || arguments.next().map_or("", String::as_str);
        match directive.conversion {
            '%' => output.push('%'),
            's' => directive.pad_text(next(), output),
            'c' => directive.pad_text(next().get(..1).unwrap_or_default(), output),
            'b' => {
                let mut text = String::new();
                let mut argument = next();
                let mut finished = false;
                while let Some(at) = argument.find('\\') {
                    text.push_str(&argument[..at]);
                    finished = argument[at..].starts_with("\\c");
                    if finished {
                        argument = "";
                        break;
                    }
                    argument = escape(&argument[at..], true, &mut text);
                }
                text.push_str(argument);
                directive.pad_text(&text, output);
                if finished {
                    return Ok(true);
                }
            }
            conversion => {
                let number = integer(next())?;
                let digits = match conversion {
                    'd' | 'i' => number.unsigned_abs().to_string(),
                    'u' => (number as u64).to_string(),
                    'o' => format!("{number:o}"),
                    'x' => format!("{number:x}"),
                    _ => format!("{number:X}"),
                };
                directive.pad_number(
                    &digits,
                    number < 0 && matches!(conversion, 'd' | 'i'),
                    output,
                );
            }
        }
    }
    output.push_str(rest);
    Ok(false)
}

/// `%-08.3d`
struct Directive {
    left: bool,
    zeros: bool,
    width: usize,
    precision: Option<usize>,
    conversion: char,
}

/// A wider field than this is a mistake, and would fill the memory.
const MAX_WIDTH: usize = 4096;

impl Directive {
    /// Reads what follows the `%`.
    fn parse(text: &str) -> Result<(Self, &str), String> {
        let unflagged = text.trim_start_matches(['-', '0']);
        let flags = &text[..text.len() - unflagged.len()];
        let (width, mut rest) = number(unflagged)?;
        let mut precision = None;
        if let Some(after) = rest.strip_prefix('.') {
            let (digits, after) = number(after)?;
            precision = Some(digits);
            rest = after;
        }
        let conversion = rest.chars().next().ok_or("`%` at the end of the format")?;
        if !"sbcdiuoxX%".contains(conversion) {
            return Err(format!("`%{conversion}` is not supported"));
        }
        let directive = Self {
            left: flags.contains('-'),
            zeros: flags.contains('0'),
            width,
            precision,
            conversion,
        };
        Ok((directive, &rest[conversion.len_utf8()..]))
    }

    fn pad_text(&self, text: &str, output: &mut String) {
        let shown: String = text
            .chars()
            .take(self.precision.unwrap_or(usize::MAX))
            .collect();
        self.pad(&shown, output);
    }

    fn pad_number(&self, digits: &str, negative: bool, output: &mut String) {
        let sign = if negative { "-" } else { "" };
        let least = match self.precision {
            Some(precision) => precision,
            None if self.zeros && !self.left => self.width.saturating_sub(sign.len()),
            None => 0,
        };
        self.pad(&format!("{sign}{digits:0>least$}"), output);
    }

    fn pad(&self, text: &str, output: &mut String) {
        let width = self.width;
        output.push_str(&if self.left {
            format!("{text:<width$}")
        } else {
            format!("{text:>width$}")
        });
    }
}

/// The decimal number that `text` begins with, or 0, and what follows.
fn number(text: &str) -> Result<(usize, &str), String> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = &text[..text.len() - rest.len()];
    let number = if digits.is_empty() {
        Some(0)
    } else {
        digits.parse().ok().filter(|width| *width <= MAX_WIDTH)
    };
    number
        .map(|number| (number, rest))
        .ok_or_else(|| format!("`{digits}` is too wide"))
}

/// Decimal, octal after `0`, hexadecimal after `0x`, or the code of a character after a quote.
fn integer(text: &str) -> Result<i64, String> {
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text), |digits| ("-", digits));
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    let parsed = match digits {
        "" => Ok(0),
        quoted if quoted.starts_with(['\'', '"']) => {
            Ok(quoted.chars().nth(1).map_or(0, |c| i64::from(u32::from(c))))
        }
        hex if hex.starts_with("0x") || hex.starts_with("0X") => {
            i64::from_str_radix(&format!("{sign}{}", &hex[2..]), 16)
        }
        octal if octal.len() > 1 && octal.starts_with('0') => {
            i64::from_str_radix(&format!("{sign}{octal}"), 8)
        }
        decimal => format!("{sign}{decimal}").parse(),
    };
    parsed.map_err(|_| format!("`{text}` is not a number"))
}

/// Puts out what the escape at the start of `text` means; gives what follows. An unknown escape means itself.
///
/// Octal numbers are `\123` in a format, and `\0123` in an argument of `%b`. Codes above 127 give that character of Unicode.
fn escape<'t>(text: &'t str, argument: bool, output: &mut String) -> &'t str {
    let body = &text[1..];
    let simple = match body.chars().next() {
        Some('a') => '\x07',
        Some('b') => '\x08',
        Some('f') => '\x0c',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('v') => '\x0b',
        Some('\\') => '\\',
        Some('0'..='7') => {
            let digits = if argument {
                body.strip_prefix('0').unwrap_or(body)
            } else {
                body
            };
            let length = digits
                .bytes()
                .take(3)
                .take_while(|byte| matches!(byte, b'0'..=b'7'))
                .count();
            let code = u8::from_str_radix(&digits[..length], 8).unwrap_or(0);
            output.push(char::from(code));
            return &digits[length..];
        }
        _ => {
            output.push('\\');
            return body;
        }
    };
    output.push(simple);
    &body[1..]
}

#[cfg(test)]
mod tests {
    fn printf(format: &str, arguments: &[&str]) -> Result<String, String> {
        super::format(
            format,
            &arguments
                .iter()
                .map(|argument| (*argument).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn formats_texts_and_numbers() {
        assert_eq!(printf("%s-%s\\n", &["a", "b"]).unwrap(), "a-b\n");
        assert_eq!(
            printf("[%5d|%-5d|%05d|%.3d]", &["42", "42", "-42", "7"]).unwrap(),
            "[   42|42   |-0042|007]"
        );
        assert_eq!(
            printf("%x %X %o %u %c", &["255", "255", "8", "3", "xyz"]).unwrap(),
            "ff FF 10 3 x"
        );
        assert_eq!(
            printf("%.2s|%4s|%-4s|", &["abc", "ab", "ab"]).unwrap(),
            "ab|  ab|ab  |"
        );
        assert_eq!(
            printf("%d %d %d", &["0x1f", "010", "'A"]).unwrap(),
            "31 8 65"
        );
        assert_eq!(printf("100%%", &[]).unwrap(), "100%");
    }

    #[test]
    fn repeats_the_format_until_the_arguments_are_spent() {
        assert_eq!(printf("%s=%s;", &["a", "1", "b"]).unwrap(), "a=1;b=;");
        assert_eq!(printf("fixed", &["a", "b"]).unwrap(), "fixed");
        assert_eq!(printf("%s", &[]).unwrap(), "");
    }

    #[test]
    fn expands_escapes_in_the_format_and_for_b() {
        assert_eq!(printf("a\\tb\\101\\q", &[]).unwrap(), "a\tbA\\q");
        assert_eq!(printf("%b|", &["x\\ny\\0101"]).unwrap(), "x\nyA|");
        assert_eq!(printf("%b never", &["stop\\chere"]).unwrap(), "stop");
        assert_eq!(printf("%s", &["\\n"]).unwrap(), "\\n");
    }

    #[test]
    fn refuses_what_it_cannot_format() {
        assert_eq!(printf("%f", &["1"]).unwrap_err(), "`%f` is not supported");
        assert_eq!(printf("%d", &["x"]).unwrap_err(), "`x` is not a number");
        assert_eq!(
            printf("%99999d", &["1"]).unwrap_err(),
            "`99999` is too wide"
        );
        assert_eq!(
            printf("50%", &[]).unwrap_err(),
            "`%` at the end of the format"
        );
    }
}
