//! The one HTTP client: whose certificates it trusts, which proxies it goes through, how long it waits, where it follows and when it
//! tries again.
//!
//! Responses of every status are answers here, not errors, and what they mean is left to the callers; so is everything about
//! credentials but one thing: a request's `Authorization` never reaches another scheme, host or port than it was given for.

mod body;
mod clock;
mod error;
mod idle;
mod options;
mod proxies;
mod redirect;
mod response;
mod retry;
mod shown;
mod tls;

use std::sync::Arc;
use std::time::Duration;

pub use body::{Upload, once};
pub use bytes::Bytes;
pub use clock::{Clock, SystemClock};
pub use error::{Error, Kind, SetupError};
pub use options::Options;
pub use proxies::Proxies;
pub use reqwest::{Method, RequestBuilder, StatusCode, Url, header};
pub use response::Response;
pub use retry::{Attempts, Retry};
pub use shown::shown;

/// A client with a pool of connections; clones share it.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    idle: Duration,
    retry: Retry,
    clock: Arc<dyn Clock>,
}

impl Http {
    /// A client of these options. Reads the system's certificates, so one client is to serve many requests.
    ///
    /// # Errors
    /// A declared certificate file or proxy is of no use.
    pub fn new(options: &Options) -> Result<Self, SetupError> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(&options.ca_files)?)
            .redirect(redirect::policy())
            .connect_timeout(options.connect)
            .user_agent(&options.user_agent)
            // A page's address may hold secrets, and nobody we ask needs to know it.
            .referer(false)
            // Other crates switch features of reqwest on for everybody. What arrives are the bytes that were sent, whoever is linked in.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .http1_only()
            .no_proxy();
        for proxy in options.proxies.configured()? {
            builder = builder.proxy(proxy);
        }
        Ok(Self {
            client: builder.build().map_err(SetupError::Client)?,
            idle: options.idle,
            retry: options.retry.clone(),
            clock: Arc::clone(&options.clock),
        })
    }

    /// The same client, connections included, that tries again as `retry` says.
    #[must_use]
    pub fn with_retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// Begins a request.
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends a request once and gives the response, whatever its status, as soon as its head is there.
    ///
    /// # Errors
    /// No response came: see [`Kind`].
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        self.exchange(request, || false).await
    }

    /// Sends a request with a body that is made on the way. It may take any time, as long as it moves.
    ///
    /// # Errors
    /// As [`Http::send`]; [`Kind::Source`] when the body cannot be read.
    pub async fn send_body(
        &self,
        request: RequestBuilder,
        body: Upload,
    ) -> Result<Response, Error> {
        let progress = body.progress();
        let request = request
            .header(header::CONTENT_LENGTH, body.length())
            .body(reqwest::Body::wrap(body));
        let mut seen = 0;
        let moved = move || {
            let now = progress.load(std::sync::atomic::Ordering::Relaxed);
            std::mem::replace(&mut seen, now) != now
        };
        self.exchange(request, moved).await
    }

    /// Sends a request, and sends it again when the connection fails or the server says that it might work later (429, 500, 502,
    /// 503, 504). The last response is given as it is. `request` is called for every attempt.
    ///
    /// # Errors
    /// As [`Http::send`], from the last attempt.
    pub async fn send_retrying(
        &self,
        mut request: impl FnMut() -> RequestBuilder,
    ) -> Result<Response, Error> {
        let mut attempts = self.attempts();
        loop {
            let result = self.send(request()).await;
            let again = match &result {
                Ok(response) if response.may_pass() => {
                    attempts.again(response.retry_after(self.clock())).await
                }
                Err(error) if error.is_transient() => attempts.again(None).await,
                _ => false,
            };
            if !again {
                return result;
            }
        }
    }

    /// Counts attempts at something and waits between them.
    pub fn attempts(&self) -> Attempts {
        Attempts::new(self.retry.clone(), Arc::clone(&self.clock))
    }

    /// What tells the time and waits.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The client beneath, for libraries that want one. Nothing bounds how long it waits for a response.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    async fn exchange(
        &self,
        request: RequestBuilder,
        moved: impl FnMut() -> bool,
    ) -> Result<Response, Error> {
        let request = request.build().map_err(|error| Error::of(None, error))?;
        let url = request.url().clone();
        match idle::watched(self.client.execute(request), self.idle, moved).await {
            Some(Ok(response)) => Ok(Response::new(response, self.idle)),
            Some(Err(error)) => Err(Error::of(Some(&url), error)),
            None => Err(Error::stalled(&url, self.idle)),
        }
    }
}
