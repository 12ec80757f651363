//! GitHub's token service: a job with `id-token: write` asks it for a token that says which workflow it is of.

use ci_http::header::AUTHORIZATION;
use ci_http::{Http, Method, StatusCode, Url, shown};
use ci_registry::Secret;
use serde::Deserialize;

use super::AUDIENCE;
use crate::call::printable;
use crate::error::{Error, Service};

/// No answer is longer, in bytes.
const MAX_ANSWER: u64 = 64 << 10;

#[derive(Deserialize)]
struct Answer {
    value: String,
}

/// Asks for a token.
pub(super) async fn request(http: &Http, url: &str, token: &Secret) -> Result<Secret, Error> {
    let malformed = || Error::Identity("ACTIONS_ID_TOKEN_REQUEST_URL is no address".to_owned());
    let mut url: Url = url.parse().map_err(|_| malformed())?;
    let place = shown(&url);
    url.query_pairs_mut().append_pair("audience", AUDIENCE);
    let failed = |problem: String| Error::Service {
        service: Service::Oidc,
        url: place.clone(),
        problem: printable(&problem, Some(token.reveal())),
    };
    let bearer = format!("bearer {}", token.reveal());
    let request = || {
        http.request(Method::GET, url.clone())
            .header(AUTHORIZATION, &bearer)
    };
    let response = http.send_retrying(request).await;
    let response = response.map_err(|error| failed(format!("gives no token: {error}")))?;
    let status = response.status();
    if status != StatusCode::OK {
        return Err(failed(format!("gives no token: it answers {status}")));
    }
    let body = response.bytes(MAX_ANSWER).await;
    let body = body.map_err(|error| failed(format!("gives no token: {error}")))?;
    // What is wrong with it could show a part of it.
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|_| failed("gives something else than a token".to_owned()))?;
    Ok(Secret::new(answer.value))
}
