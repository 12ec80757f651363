//! Proxies, as the environment names them: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, in capitals or not.
//!
//! This machine itself is never reached through a proxy, which is what other tools of the trade do, too.

use std::env;

use reqwest::{NoProxy, Proxy};

use crate::error::SetupError;

/// What is never behind a proxy.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// Which proxies to go through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Address of the proxy for `http` addresses.
    pub http: Option<String>,
    /// Address of the proxy for `https` addresses.
    pub https: Option<String>,
    /// Hosts, domains and networks to reach without a proxy, with commas between them; `*` for all.
    pub except: String,
}

impl Proxies {
    /// As the environment says. A server's child process (CGI) is not taken in by its client's `Proxy` header.
    pub fn from_env() -> Self {
        Self::from_lookup(|name| env::var(name).ok())
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| {
            lookup(&name.to_lowercase())
                .filter(|value| !value.is_empty())
                .or_else(|| lookup(name))
                .filter(|value| !value.is_empty())
        };
        let all = get("ALL_PROXY");
        let cgi = lookup("REQUEST_METHOD").is_some();
        Self {
            http: get("HTTP_PROXY").filter(|_| !cgi).or_else(|| all.clone()),
            https: get("HTTPS_PROXY").or(all),
            except: get("NO_PROXY").unwrap_or_default(),
        }
    }

    pub(crate) fn configured(&self) -> Result<Vec<Proxy>, SetupError> {
        if self.except.split(',').any(|entry| entry.trim() == "*") {
            return Ok(Vec::new());
        }
        let except = NoProxy::from_string(&format!("{LOOPBACK},{}", self.except));
        let proxy = |scheme, address: &Option<String>, make: fn(&str) -> reqwest::Result<Proxy>| {
            let made = address.as_deref().map(make).transpose();
            made.map(|proxy| proxy.map(|proxy| proxy.no_proxy(except.clone())))
                .map_err(|error| SetupError::Proxy {
                    scheme,
                    source: error.without_url(),
                })
        };
        let http = proxy("http", &self.http, |address| Proxy::http(address))?;
        let https = proxy("https", &self.https, |address| Proxy::https(address))?;
        Ok(http.into_iter().chain(https).collect())
    }
}

#[cfg(test)]
mod tests;
