//! The client against servers that do as a test tells them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod clock;
mod redirects;
mod retries;
mod server;
mod transport;

use std::sync::Arc;

use ci_http::{Http, Method, Options, Proxies, RequestBuilder, Url};
use clock::Hurried;

/// Options that the environment of the tests has no part in.
fn options() -> Options {
    Options {
        proxies: Proxies::default(),
        clock: Arc::new(Hurried::default()),
        ..Options::default()
    }
}

fn http() -> Http {
    Http::new(&options()).unwrap()
}

fn get(http: &Http, url: &str) -> RequestBuilder {
    http.request(Method::GET, Url::parse(url).unwrap())
}
