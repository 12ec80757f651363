//! Whether an environment runs what it pins: every declared address is asked, and nothing counts as good that was not.
//!
//! Services answer `/readyz` with success when they are ready, and `/version` with `{"sha", "service", "imageDigest", …}`.

use std::fmt;
use std::time::Duration;

use ci_catalog::Name;
use ci_http::{Http, Method, Url, header};
use ci_oci::{Digest, Reference};
use futures::{StreamExt, stream};
use serde::Deserialize;

use crate::foreign::printable;

/// Most bytes of an answer.
const MAX_ANSWER: u64 = 64 << 10;
/// Most characters of an answer that are shown.
const MAX_SHOWN: usize = 80;
/// Most time for both questions to an instance: one that answers a byte at a time does not hold the others up.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many instances are asked at once.
const AT_ONCE: usize = 32;

/// What a service should run, and where to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The service.
    pub service: Name,
    /// What is pinned.
    pub digest: Digest,
    /// The source commit of it, where it is known.
    pub commit: Option<String>,
    /// One for each instance.
    pub addresses: Vec<Url>,
}

/// What one instance answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The service.
    pub service: Name,
    /// Its address.
    pub address: Url,
    /// What it runs, if that is what it should and it is ready; else what is wrong.
    pub result: Result<String, String>,
}

/// What all instances answer. Displays one line for each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Every instance that was asked.
    pub instances: Vec<Instance>,
    /// Services that have no address, so that nobody knows.
    pub unknown: Vec<Name>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    sha: Option<String>,
    service: Option<String>,
    image_digest: Option<String>,
}

impl Report {
    /// Whether every service runs what it should, and at least one was asked.
    pub fn is_good(&self) -> bool {
        !self.instances.is_empty()
            && self.unknown.is_empty()
            && self
                .instances
                .iter()
                .all(|instance| instance.result.is_ok())
    }
}

/// Asks every instance once, many at the same time.
pub async fn ask(http: &Http, expected: &[Expected]) -> Report {
    let instances = expected.iter().flat_map(|expected| {
        let addresses = expected.addresses.iter();
        addresses.map(move |address| async move {
            Instance {
                service: expected.service.clone(),
                address: address.clone(),
                result: match tokio::time::timeout(PATIENCE, instance(http, expected, address))
                    .await
                {
                    Ok(result) => result,
                    Err(_) => Err(format!("no answer in {} s", PATIENCE.as_secs())),
                },
            }
        })
    });
    let instances = stream::iter(instances).buffered(AT_ONCE).collect().await;
    let unknown = expected.iter().filter(|it| it.addresses.is_empty());
    Report {
        unknown: unknown.map(|it| it.service.clone()).collect(),
        instances,
    }
}

/// Asks until all is good, or for as long as `patience`; the last answers.
pub async fn wait(
    http: &Http,
    expected: &[Expected],
    patience: Duration,
    pause: Duration,
) -> Report {
    let clock = http.clock();
    let deadline = clock.now() + patience;
    loop {
        let report = ask(http, expected).await;
        // Without an address no time helps.
        if report.is_good() || report.instances.is_empty() || clock.now() + pause > deadline {
            return report;
        }
        clock.sleep(pause).await;
    }
}

async fn instance(http: &Http, expected: &Expected, address: &Url) -> Result<String, String> {
    let is_here = matches!(
        address.host_str(),
        Some("localhost" | "127.0.0.1" | "[::1]")
    );
    if address.scheme() != "https" && !is_here {
        return Err("it is not asked over plain HTTP: whoever answers could be anybody".to_owned());
    }
    get(http, address, "readyz")
        .await
        .map_err(|it| format!("not ready: {it}"))?;
    let version = get(http, address, "version")
        .await
        .map_err(|it| format!("no version: {it}"))?;
    let version: Version =
        serde_json::from_slice(&version).map_err(|_| "its /version is not readable".to_owned())?;
    check(expected, &version)
}

/// Whether a version is the pinned one: by its digest, or by its commit where it does not know its digest.
fn check(expected: &Expected, version: &Version) -> Result<String, String> {
    let named = version.service.as_deref().filter(|it| !it.is_empty());
    if let Some(other) = named.filter(|it| *it != expected.service.as_str()) {
        return Err(format!("it is another service, {}", cut(other, MAX_SHOWN)));
    }
    let commit = version.sha.as_deref().filter(|it| it.len() >= 7);
    if let (Some(found), Some(wanted)) = (commit, &expected.commit)
        && !wanted.starts_with(found)
    {
        return Err(format!("it runs commit {}", cut(found, 12)));
    }
    let reported = version.image_digest.as_deref().filter(|it| !it.is_empty());
    let digest = reported.map(|text| {
        let reference = || text.parse::<Reference>().ok()?.digest();
        text.parse::<Digest>().ok().or_else(reference)
    });
    match (digest, commit) {
        (Some(Some(digest)), _) if digest == expected.digest => Ok(digest.to_string()),
        (Some(Some(digest)), _) => Err(format!("it runs {digest}")),
        (Some(None), _) => Err("its /version has a digest that is none".to_owned()),
        (None, Some(found)) if expected.commit.is_some() => {
            Ok(format!("commit {}", cut(found, 12)))
        }
        (None, _) => Err("its /version says neither digest nor commit".to_owned()),
    }
}

/// The beginning of foreign text.
fn cut(text: &str, most: usize) -> String {
    printable(&text.chars().take(most).collect::<String>())
}

async fn get(http: &Http, address: &Url, path: &str) -> Result<Vec<u8>, String> {
    let mut url = address.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push(path);
    }
    let request = http
        .request(Method::GET, url)
        .header(header::CACHE_CONTROL, "no-cache");
    let response = http
        .send(request)
        .await
        .map_err(|error| printable(&error.to_string()))?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("status {}", status.as_u16()));
    }
    let bytes = response
        .bytes(MAX_ANSWER)
        .await
        .map_err(|error| printable(&error.to_string()))?;
    Ok(bytes.to_vec())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Instance {
            service,
            address,
            result,
        } in &self.instances
        {
            let address = ci_http::shown(address);
            match result {
                Ok(what) => writeln!(f, "{service} {address} runs {what}")?,
                Err(problem) => writeln!(f, "{service} {address}: {problem}")?,
            }
        }
        for service in &self.unknown {
            writeln!(
                f,
                "{service}: no address is declared, so nobody knows what runs"
            )?;
        }
        if self.instances.is_empty() && self.unknown.is_empty() {
            writeln!(f, "nothing was asked")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
