//! Secrets: values that reach a program and nothing else, and their removal from what programs print.

use std::sync::Arc;

use crate::error::{Error, Result};

/// What is put in a secret's place in output.
const MASK: &[u8] = b"***";

/// A secret. Its value is not in its id, so it is in no cache key and no query.
pub(crate) struct Secret {
    /// Names the object.
    pub(crate) id: String,
    /// The name given to it.
    pub(crate) name: String,
    value: Value,
}

enum Value {
    Plain(Arc<[u8]>),
    Uri(String),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({})", self.name)
    }
}

impl Secret {
    /// A secret whose value is given.
    pub(crate) fn plain(id: String, name: String, value: &str) -> Self {
        Self {
            id,
            name,
            value: Value::Plain(Arc::from(value.as_bytes())),
        }
    }

    /// A secret whose value is fetched when it is needed: `env://NAME`, `file://PATH`, `cmd://COMMAND`.
    pub(crate) fn from_uri(id: String, uri: String) -> Self {
        Self {
            id,
            name: uri.clone(),
            value: Value::Uri(uri),
        }
    }

    /// Its value.
    pub(crate) async fn value(&self) -> Result<Arc<[u8]>> {
        let uri = match &self.value {
            Value::Plain(value) => return Ok(value.clone()),
            Value::Uri(uri) => uri,
        };
        let (scheme, rest) = uri.split_once("://").ok_or_else(|| {
            Error::new(format!(
                "{uri:?} is no secret address: write env://NAME, file://PATH or cmd://COMMAND"
            ))
        })?;
        match scheme {
            "env" => std::env::var_os(rest)
                .map(|value| Arc::from(std::os::unix::ffi::OsStringExt::into_vec(value)))
                .ok_or_else(|| {
                    Error::new(format!(
                        "secret {uri}: the environment variable {rest} is not set"
                    ))
                }),
            "file" => {
                let path = match rest.strip_prefix("~/").zip(std::env::var_os("HOME")) {
                    Some((below, home)) => std::path::Path::new(&home).join(below),
                    None => rest.into(),
                };
                tokio::fs::read(&path)
                    .await
                    .map(Arc::from)
                    .map_err(|error| Error::new(format!("secret {uri}: {error}")))
            }
            "cmd" => {
                let output = tokio::process::Command::new("sh")
                    .arg("-c")
                    .arg(rest)
                    .kill_on_drop(true)
                    .output()
                    .await?;
                if !output.status.success() {
                    return Err(Error::new(format!(
                        "secret {uri}: the command failed ({})",
                        output.status
                    )));
                }
                let value = output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout);
                Ok(Arc::from(value))
            }
            other => Err(Error::new(format!(
                "secret {uri}: {other:?} is no known source; there are env, file and cmd"
            ))),
        }
    }
}

/// Replaces secrets in a stream of output, also where one is cut in two by the end of a chunk.
#[derive(Debug, Default)]
pub(crate) struct Mask {
    secrets: Vec<Arc<[u8]>>,
    held: Vec<u8>,
}

impl Mask {
    /// Masks these values. A secret of several lines is masked line by line too, as terminals and logs cut it so (S3).
    pub(crate) fn new(values: &[Arc<[u8]>]) -> Self {
        let mut secrets: Vec<Arc<[u8]>> = Vec::new();
        for value in values {
            let trimmed = value.trim_ascii();
            secrets.push(Arc::from(trimmed));
            if trimmed.contains(&b'\n') {
                // Short lines of a key file, such as a lone brace, would mask half of every log.
                secrets.extend(
                    trimmed
                        .split(|byte| *byte == b'\n')
                        .map(<[u8]>::trim_ascii)
                        .filter(|line| line.len() >= 8)
                        .map(Arc::from),
                );
            }
        }
        secrets.retain(|secret| !secret.is_empty());
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
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
    fn empty_secrets_mask_nothing() {
        let mut mask = mask(&["", "\n"]);
        assert_eq!(mask.push(b"abc"), b"abc");
    }
}
