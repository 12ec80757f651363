//! Keeping secrets out of what is shown.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// What is put in a secret's place in output.
const MASK: &[u8] = b"***";

/// Parts of secrets that are shorter than this, in bytes, are in ordinary text as well.
const TELLING: usize = 8;

/// Digits in a line of what `base64` prints.
const BASE64_LINE: usize = 76;

/// What RFC 3986 lets nobody write as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Replaces secrets in a stream of output, also where one is cut in two by the end of a chunk.
#[derive(Debug, Default)]
pub(crate) struct Mask {
    secrets: Vec<Arc<[u8]>>,
    held: Vec<u8>,
}

impl Mask {
    /// Masks these values. A secret of several lines is masked line by line too, as terminals and logs cut it so (S3), and all
    /// of it also in the encodings in which programs show it.
    pub(crate) fn new(values: &[Arc<[u8]>]) -> Self {
        let mut secrets: Vec<Arc<[u8]>> = Vec::new();
        for value in values {
            let trimmed = value.trim_ascii();
            let lines = trimmed.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            // Short lines of a key file, such as a lone brace, would mask half of every log.
            let long = lines.filter(|line| line.len() >= TELLING);
            for part in long.chain([trimmed]) {
                let forms = encoded(part).into_iter();
                let telling = forms.filter(|form| form.len() >= TELLING);
                secrets.extend(telling.map(|form| Arc::from(form.into_bytes())));
                secrets.push(Arc::from(part));
            }
        }
        secrets.retain(|secret| !secret.is_empty());
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        secrets.dedup();
        Self {
            secrets,
            held: Vec::new(),
        }
    }

    /// What may be shown now; the rest is held back until it is known not to begin a secret.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Vec<u8> {
        if self.secrets.is_empty() {
            return chunk.to_vec();
        }
        self.held.extend_from_slice(chunk);
        self.release(false)
    }

    /// What was held back, at the end of the stream.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        self.release(true)
    }

    fn release(&mut self, all: bool) -> Vec<u8> {
        let mut shown = Vec::with_capacity(self.held.len());
        let mut at = 0;
        while at < self.held.len() {
            let rest = &self.held[at..];
            if let Some(secret) = self.secrets.iter().find(|secret| rest.starts_with(secret)) {
                shown.extend_from_slice(MASK);
                at += secret.len();
            } else if !all
                && self
                    .secrets
                    .iter()
                    .any(|secret| rest.len() < secret.len() && secret.starts_with(rest))
            {
                break;
            } else {
                shown.push(rest[0]);
                at += 1;
            }
        }
        self.held.drain(..at);
        shown
    }
}

/// How others show a value: in URLs, and in base64 wherever in the encoded text it begins, as in `user:value`.
fn encoded(value: &[u8]) -> Vec<String> {
    let mut forms = vec![percent_encode(value, RESERVED).to_string()];
    for alphabet in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for before in 0..3 {
            let mut bytes = vec![0; before];
            bytes.extend_from_slice(value);
            let text = alphabet.encode(&bytes);
            // Digits at either end belong to what is beside it as well.
            let first = (before * 8).div_ceil(6);
            let digits = text.get(first..bytes.len() * 8 / 6).unwrap_or_default();
            // The command `base64` breaks lines.
            let lines = digits.as_bytes().chunks(BASE64_LINE);
            forms.extend(lines.map(|line| String::from_utf8_lossy(line).into_owned()));
            forms.push(digits.to_owned());
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(values: &[&str]) -> Mask {
        Mask::new(
            &values
                .iter()
                .map(|value| Arc::from(value.as_bytes()))
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn a_secret_cut_by_a_chunk_border_is_masked_s3() {
        let mut mask = mask(&["hunter2"]);
        let mut shown = mask.push(b"password is hun");
        shown.extend(mask.push(b"ter2, hu"));
        shown.extend(mask.finish());
        assert_eq!(String::from_utf8(shown).unwrap(), "password is ***, hu");
    }

    #[test]
    fn lines_of_a_long_secret_are_masked_alone_s3() {
        let mut mask = mask(&["first-line-of-key\nsecond-line-of-key\n}"]);
        let mut shown = mask.push(b"x second-line-of-key } y");
        shown.extend(mask.finish());
        assert_eq!(String::from_utf8(shown).unwrap(), "x *** } y");
    }

    #[test]
    fn encoded_secrets_are_masked_s3() {
        let secret = "pass/word+of=many&signs?".repeat(4);
        let basic = |before: &str| STANDARD_NO_PAD.encode(format!("{before}{secret}, and more"));
        let wrapped = |text: &str| -> String {
            let lines = text.as_bytes().chunks(BASE64_LINE);
            lines
                .map(|line| format!("{}\n", str::from_utf8(line).unwrap()))
                .collect()
        };
        let url = percent_encode(secret.as_bytes(), RESERVED).to_string();
        let url_safe = URL_SAFE_NO_PAD.encode(&secret);
        let shown = [
            basic(""),
            basic("u"),
            basic("me"),
            basic("you"),
            url,
            url_safe,
            wrapped(&basic("")),
        ];
        for text in shown {
            let mut mask = mask(&[&secret]);
            let mut masked = mask.push(text.as_bytes());
            masked.extend(mask.finish());
            let masked = String::from_utf8(masked).unwrap();
            // What is beside the secret may be shown, with a digit on the border.
            assert!(masked.contains("***") && masked.len() < 40, "{masked}");
        }
    }

    #[test]
    fn empty_secrets_mask_nothing() {
        let mut mask = mask(&["", "\n"]);
        assert_eq!(mask.push(b"abc"), b"abc");
    }
}
