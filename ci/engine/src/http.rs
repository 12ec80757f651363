//! Files of the web: `ADD` of an address, and `Query.http`.
//!
//! What was fetched is kept in the store. With a checksum it is fetched once; without one the server is asked each time whether it
//! has changed (ETag, Last-Modified), and where it cannot be reached, what is there has to do. Redirects, certificates, proxies and
//! retries are `ci_http`'s.

mod checksum;

use std::io::Write;
use std::sync::Arc;

use ci_http::{Kind, Method, Response, StatusCode, Url, header};
use ci_oci::Digest;
use ci_rootfs::op::Op;
use ci_store::Refs;
use percent_encoding::percent_decode_str;
use rustix::fs::Mode;
use serde::{Deserialize, Serialize};

use self::checksum::Checksum;
use crate::error::{Error, Result};
use crate::git::Asker;
use crate::layers::{Rootfs, key_of};
use crate::progress::{Outcome, Step, Stream};
use crate::session::Session;

/// Largest file that is fetched, in bytes.
const LIMIT: u64 = 16 << 30;

/// How often a broken transfer is begun again.
const ATTEMPTS: u32 = 3;

/// Permission bits of a fetched file where none are asked for.
pub(crate) const MODE: u32 = 0o600;

/// A file to fetch.
#[derive(Debug, Clone)]
pub(crate) struct Download {
    url: Url,
    /// What it must be, `sha256:` and 64 hexadecimal digits, or SHA-384 or SHA-512.
    checksum: Option<Checksum>,
    /// The header `Authorization`; never sent to another scheme, host or port.
    authorization: Option<Arc<[u8]>>,
}

/// What is known of an address since it was fetched.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Known {
    blob: Digest,
    etag: Option<String>,
    last_modified: Option<String>,
}

impl Known {
    fn refs(&self) -> Refs {
        Refs {
            layers: Vec::new(),
            blobs: vec![self.blob],
        }
    }
}

/// Why nothing was fetched.
enum Failure {
    /// Nobody answered: what is known may have to do.
    Offline(Error),
    /// The transfer broke off.
    Broken(Error),
    Final(Error),
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Final(error.into())
    }
}

impl Download {
    /// # Errors
    /// When the address is none of HTTP, or the checksum none that can be held against a file.
    pub(crate) fn new(
        url: &str,
        checksum: Option<&str>,
        authorization: Option<Arc<[u8]>>,
    ) -> Result<Self> {
        let parsed = Url::parse(url)
            .map_err(|error| Error::new(format!("{}: {error}", crate::git::shown(url))))?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
            return Err(Error::new(format!(
                "{}: only http and https addresses are fetched",
                ci_http::shown(&parsed)
            )));
        }
        Ok(Self {
            url: parsed,
            checksum: checksum.map(str::parse).transpose()?,
            authorization,
        })
    }

    /// The name of the file: the last part of the address.
    pub(crate) fn name(&self) -> String {
        let last = self.url.path().trim_end_matches('/').rsplit('/').next();
        let name = percent_decode_str(last.unwrap_or_default()).decode_utf8_lossy();
        // A part may hold encoded slashes.
        let name = name.rsplit('/').next().unwrap_or_default();
        if is_name(name) {
            name.to_owned()
        } else {
            "__unnamed__".to_owned()
        }
    }

    fn shown(&self) -> String {
        ci_http::shown(&self.url)
    }
}

/// Whether a text can be the name of a file.
fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && name.len() <= 255 && !name.contains(['/', '\0'])
}

impl Session {
    /// A fetched file as a root file system that has nothing else, at `/name`.
    pub(crate) async fn download(
        self: &Arc<Self>,
        download: &Download,
        name: &str,
        mode: u32,
        asker: &Asker,
    ) -> Result<Rootfs> {
        let key = key_of("http", &(download.url.as_str(), &download.checksum))?;
        // Once in a session: who names an address twice means one file. What it took to be let in counts too, here but not in the store.
        let let_in = download.authorization.as_ref().map(Digest::of);
        let place = Digest::of(format!("{key} {let_in:?}"));
        let (wanted, asker) = (download.clone(), asker.clone());
        let blob = self.downloads.entry(place, move |session: Arc<Self>| {
            let (wanted, asker) = (wanted.clone(), asker.clone());
            async move { session.blob_of(&wanted, key, &asker).await }
        });
        let blob = blob.get(self).await?;
        Ok(Rootfs::default().with(self.file_of_blob(blob, name, mode).await?))
    }

    /// A layer that has a blob as its only file.
    pub(crate) async fn file_of_blob(
        self: &Arc<Self>,
        blob: Digest,
        name: &str,
        mode: u32,
    ) -> Result<Digest> {
        if !is_name(name) {
            return Err(Error::new(format!("{name:?} cannot be the name of a file")));
        }
        let key = key_of("file", &(blob, name, mode))?;
        if let Some(layer) = self.store.result::<Digest>("file", &key) {
            return Ok(layer);
        }
        let _permit = self.permit().await?;
        let (staging, layer) = self.stage()?;
        let (from, to) = (self.store.blob_path(&blob), layer.dir.join(name));
        tokio::task::spawn_blocking(move || -> Result<()> {
            std::fs::copy(&from, &to)?;
            rustix::fs::chmod(&to, Mode::from_raw_mode(mode)).map_err(std::io::Error::from)?;
            Ok(())
        })
        .await??;
        let layer = self.commit(staging, Op::Hash { layer }).await?;
        self.record_layer("file", &key, layer)?;
        Ok(layer)
    }

    async fn blob_of(
        self: &Arc<Self>,
        download: &Download,
        key: Digest,
        asker: &Asker,
    ) -> Result<Digest> {
        let known: Option<Known> = self.store.result("http", &key);
        // What a checksum says cannot have changed.
        if let Some(checksum) = &download.checksum
            && let Some(blob) = known.as_ref().map(|known| known.blob).or(checksum.sha256())
            && self.store.has_blob(&blob)
        {
            return Ok(blob);
        }
        let progress = &self.options.progress;
        let name = format!("fetch {}", download.shown());
        let step = progress.start(&asker.group, name, asker.source.clone());
        let mut attempt = 1;
        let fetched = loop {
            match self.fetch(download, known.as_ref(), &step).await {
                Err(Failure::Broken(_)) if attempt < ATTEMPTS => attempt += 1,
                other => break other,
            }
        };
        match (fetched, known) {
            (Ok(Some(new)), _) => {
                self.store.put_result("http", &key, &new, new.refs())?;
                step.finish(Outcome::Done);
                Ok(new.blob)
            }
            (Ok(None), Some(known)) => {
                step.finish(Outcome::Cached);
                Ok(known.blob)
            }
            (Err(Failure::Offline(error)), Some(known)) => {
                step.finish(Outcome::Cached);
                let message = format!("{error}; it is taken as it was when it was last fetched");
                progress.warn(&asker.group, "Offline", message, asker.source.clone());
                Ok(known.blob)
            }
            (Ok(None), None) => {
                let error = Error::new(format!(
                    "{}: the server says that it has not changed, but it was never fetched",
                    download.shown()
                ));
                step.finish(Outcome::Failed(error.to_string()));
                Err(error)
            }
            (Err(Failure::Offline(error) | Failure::Broken(error) | Failure::Final(error)), _) => {
                step.finish(Outcome::Failed(error.to_string()));
                Err(error)
            }
        }
    }

    /// Fetches a file; `None` if it is what is known.
    async fn fetch(
        self: &Arc<Self>,
        download: &Download,
        known: Option<&Known>,
        step: &Step,
    ) -> std::result::Result<Option<Known>, Failure> {
        let http = self.http()?;
        let request = || {
            let mut request = http
                .request(Method::GET, download.url.clone())
                .header(header::ACCEPT_ENCODING, "identity");
            if let Some(value) = &download.authorization {
                request = request.header(header::AUTHORIZATION, &**value);
            }
            match known {
                Some(Known {
                    etag: Some(etag), ..
                }) => request.header(header::IF_NONE_MATCH, etag),
                Some(Known {
                    last_modified: Some(time),
                    ..
                }) => request.header(header::IF_MODIFIED_SINCE, time),
                _ => request,
            }
        };
        let response = http.send_retrying(request).await.map_err(failure)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if known.is_some() => return Ok(None),
            status => {
                return Err(Error::new(format!(
                    "{}: the server answers {status}",
                    ci_http::shown(response.url())
                ))
                .into());
            }
        }
        self.receive(download, response, step).await.map(Some)
    }

    async fn receive(
        self: &Arc<Self>,
        download: &Download,
        mut response: Response,
        step: &Step,
    ) -> std::result::Result<Known, Failure> {
        let shown = download.shown();
        let too_large = || {
            Failure::Final(Error::new(format!(
                "{shown}: it has more than {LIMIT} bytes"
            )))
        };
        let length = response.content_length();
        if length.is_some_and(|length| length > LIMIT) {
            return Err(too_large());
        }
        let validator = |name| response.header(name).map(str::to_owned);
        let (etag, last_modified) = (validator(header::ETAG), validator(header::LAST_MODIFIED));
        let mut writer = self.store.blob_writer(None)?;
        let mut hash = download.checksum.as_ref().map(Checksum::hash);
        let mut report = Report::new(length);
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            writer.write_all(&chunk)?;
            if let Some(hash) = &mut hash {
                hash.update(&chunk);
            }
            report.arrived(chunk.len() as u64, step);
            if report.arrived > LIMIT {
                return Err(too_large());
            }
        }
        if length.is_some_and(|length| length != report.arrived) {
            return Err(Failure::Broken(Error::new(format!(
                "{shown}: only {} of {} bytes came",
                report.arrived,
                length.unwrap_or_default()
            ))));
        }
        if let Some((checksum, hash)) = download.checksum.as_ref().zip(hash) {
            checksum
                .check(hash)
                .map_err(|error| error.context(&shown))?;
        }
        let (blob, _) = tokio::task::spawn_blocking(move || writer.finish()).await??;
        Ok(Known {
            blob,
            etag,
            last_modified,
        })
    }
}

fn failure(error: ci_http::Error) -> Failure {
    let text = Error::new(error.to_string());
    match error.kind() {
        Kind::UnknownHost(_) | Kind::Connect | Kind::Proxy => Failure::Offline(text),
        Kind::Interrupted | Kind::Stalled => Failure::Broken(text),
        _ => Failure::Final(text),
    }
}

/// Tells how much has come, each time a tenth more has, or twice as much where nobody knows how much will.
struct Report {
    length: Option<u64>,
    arrived: u64,
    next: u64,
}

impl Report {
    /// Below this many bytes nothing is worth telling.
    const LEAST: u64 = 4 << 20;

    fn new(length: Option<u64>) -> Self {
        Self {
            length,
            arrived: 0,
            next: Self::LEAST.max(length.unwrap_or_default() / 10),
        }
    }

    fn arrived(&mut self, bytes: u64, step: &Step) {
        self.arrived += bytes;
        if self.arrived < self.next {
            return;
        }
        let line = match self.length {
            Some(length) => format!("{} of {} MB\n", self.arrived >> 20, length >> 20),
            None => format!("{} MB\n", self.arrived >> 20),
        };
        step.output(Stream::Stderr, line.as_bytes());
        self.next = match self.length {
            Some(length) => self.arrived + Self::LEAST.max(length / 10),
            None => self.arrived * 2,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(url: &str) -> String {
        Download::new(url, None, None).unwrap().name()
    }

    #[test]
    fn a_file_is_named_as_the_last_part_of_its_address() {
        assert_eq!(name("https://example.com/a/b.tar.gz?x=/y#z"), "b.tar.gz");
        assert_eq!(name("https://example.com/a/"), "a");
        assert_eq!(name("https://example.com/a%20b"), "a b");
        for url in [
            "https://example.com",
            "https://example.com/",
            "https://example.com/%2e%2e",
            "https://example.com/a%2F..",
        ] {
            assert_eq!(name(url), "__unnamed__", "{url}");
        }
    }

    #[test]
    fn other_schemes_are_refused_e10() {
        for url in [
            "file:///etc/passwd",
            "ftp://example.com/a",
            "data:,x",
            "https://",
            "nothing",
        ] {
            assert!(Download::new(url, None, None).is_err(), "{url}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_shown_s1() {
        let download = Download::new("https://me:hunter2@example.com/a", None, None).unwrap();
        assert!(!download.shown().contains("hunter2"));
        let message = Download::new("ftp://me:hunter2@example.com/a", None, None)
            .unwrap_err()
            .to_string();
        assert!(!message.contains("hunter2"), "{message}");
    }
}
