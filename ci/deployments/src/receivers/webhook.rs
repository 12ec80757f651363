//! A signed webhook, for receivers of any other kind.
//!
//! The body is what is promoted as JSON, the same bytes for the same promotion however often it is repeated. `X-Pipeline-Signature-256: t=SECONDS,v1=HEX` is the
//! HMAC-SHA256 of `SECONDS.BODY`, so that nobody can make one up or send an old one again; `X-Pipeline-Delivery` is the digest of the
//! body, so that a receiver can tell a second delivery of the same.

use std::time::UNIX_EPOCH;

use ci_http::{Http, Method, Url};
use ci_oci::Digest;
use ring::hmac;

use crate::foreign::printable;
use crate::review::Trailer;
use crate::{Kind, Promotion};

/// A receiver.
#[derive(Clone)]
pub struct Webhook {
    /// The client.
    pub http: Http,
    /// Where to, over HTTPS.
    pub address: Url,
    /// What both sides know.
    pub secret: String,
}

/// Secret and address, which may hold one, stay out of messages (S1).
impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").finish_non_exhaustive()
    }
}

/// Why a promotion was not delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// No answer.
    #[error(transparent)]
    Http(#[from] ci_http::Error),
    /// Anybody could read along.
    #[error("a webhook is not called over plain HTTP")]
    Plain,
    /// An empty secret signs nothing.
    #[error("the webhook has no secret")]
    NoSecret,
    /// The receiver says no.
    #[error("the webhook answered with status {status}: {message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The beginning of what it said.
        message: String,
    },
}

impl Webhook {
    /// Delivers a promotion, again where the receiver may be there later.
    ///
    /// # Errors
    /// When it is not delivered, or not accepted.
    pub async fn deliver(&self, promotion: &Promotion) -> Result<(), WebhookError> {
        let is_here = matches!(
            self.address.host_str(),
            Some("localhost" | "127.0.0.1" | "[::1]")
        );
        if self.address.scheme() != "https" && !is_here {
            return Err(WebhookError::Plain);
        }
        if self.secret.is_empty() {
            return Err(WebhookError::NoSecret);
        }
        let body = payload(promotion);
        let delivery = Digest::of(&body).to_string();
        let response = self
            .http
            .send_retrying(|| {
                let now = self.http.clock().now().duration_since(UNIX_EPOCH);
                let signature = sign(&self.secret, now.unwrap_or_default().as_secs(), &body);
                self.http
                    .request(Method::POST, self.address.clone())
                    .header("content-type", "application/json")
                    .header("x-pipeline-delivery", &delivery)
                    .header("x-pipeline-signature-256", signature)
                    .body(body.clone())
            })
            .await?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let message = response.bytes(64 << 10).await.unwrap_or_default();
        let message = String::from_utf8_lossy(&message);
        Err(WebhookError::Refused {
            status: status.as_u16(),
            message: printable(&message.chars().take(200).collect::<String>()),
        })
    }
}

/// The body of a delivery.
fn payload(promotion: &Promotion) -> String {
    let kind = match promotion.kind {
        Kind::Promotion => "promotion",
        Kind::Rollback => "rollback",
    };
    let mut trailer = Trailer::of(promotion);
    for service in &mut trailer.services {
        // When it is repeated, that is what it promotes.
        service.before = None;
    }
    // Of structures and texts, which always can be written.
    let mut body = serde_json::to_value(trailer).unwrap_or_default();
    body["kind"] = kind.into();
    body.to_string()
}

fn sign(secret: &str, seconds: u64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{seconds}.{body}").as_bytes());
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("t={seconds},v1={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_over_time_and_body() {
        // Computed with `printf '7.{}' | openssl dgst -sha256 -hmac key`.
        assert_eq!(
            sign("key", 7, "{}"),
            "t=7,v1=77bc83bd1f40422311e47918b203449aecf84b02c1568bb1b570ac2a474cc2d8"
        );
    }
}
