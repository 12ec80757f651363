//! Secrets: values that reach a program and nothing else, and their removal from what programs print.

mod mask;

use std::sync::Arc;

pub(crate) use self::mask::Mask;
use crate::error::{Error, Result};

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
