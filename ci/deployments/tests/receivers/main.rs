//! Receivers that are no git repositories, and instances that are asked what they run, over HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod dokploy;
#[path = "../shared/http.rs"]
mod http;
mod status;
mod webhook;

use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ci_http::{Clock, Http, Options, Proxies, Retry};
use futures::future::BoxFuture;
use serde_json::Value;

/// Time passes by waiting.
#[derive(Debug, Default)]
struct Waiting(Mutex<Duration>);

impl Clock for Waiting {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_767_323_045) + *self.0.lock().unwrap()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        *self.0.lock().unwrap() += pause;
        Box::pin(std::future::ready(()))
    }

    fn spread(&self) -> f64 {
        0.5
    }
}

pub(crate) fn client() -> Http {
    let options = Options {
        proxies: Proxies::default(),
        retry: Retry {
            first: Duration::from_secs(2),
            ..Retry::default()
        },
        clock: std::sync::Arc::new(Waiting::default()),
        ..Options::default()
    };
    Http::new(&options).unwrap()
}

pub(crate) fn answer(status: u16, body: &Value) -> Option<Vec<u8>> {
    let body = body.to_string();
    let length = body.len();
    Some(format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes())
}
